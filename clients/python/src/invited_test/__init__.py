"""Starts ``invited dev`` for tests, and speaks to what only development has.

Nothing but the standard library is needed. The program is found by the variable ``INVITED_BIN``, or
as ``invited`` in ``PATH``. It gets no variable ``INVITED_...`` of whoever runs the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Mapping, Sequence

from .types import (
    AnsweredInvitation,
    Invitation,
    InvitationPreview,
    InvitedEvent,
    KeptMail,
    MailKind,
)

__all__ = [
    "AnsweredInvitation",
    "Answer",
    "Invitation",
    "InvitationPreview",
    "Invited",
    "InvitedError",
    "InvitedEvent",
    "Mail",
    "MailKind",
    "Webhook",
]

# The server is on this machine, where no proxy leads.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# What RFC 3986 lets stand in a path and a query; the rest is encoded.
_IN_URLS = "%:/?#[]@!$&'()*+,;="


@dataclass(frozen=True)
class Answer:
    """A response. ``body`` is its JSON, its text where that is no JSON, or None without one."""

    status: int
    headers: Message
    body: Any


class InvitedError(Exception):
    """A response that is an error.

    ``problem`` is its document, with its text as ``detail`` where that is no JSON. ``code`` is the
    code in it: ``already_invited``, or ``ALREADY_INVITED`` from the ClickHouse dialect.
    """

    def __init__(self, status: int, problem: dict[str, Any], headers: Message) -> None:
        self.status = status
        self.problem = problem
        self.headers = headers
        self.code: str = problem.get("code", "")
        said = ": ".join(filter(None, (self.code, problem.get("detail"))))
        if "error" in problem:
            # The dialect has one text for both.
            said = problem["error"]
            self.code = said.partition(":")[0]
        super().__init__(f"{status} {said}".strip())


@dataclass(frozen=True)
class Mail:
    """A mail that was kept."""

    id: str
    to: str
    kind: MailKind
    subject: str
    text: str
    html: str
    link: str | None = None
    code: str | None = None

    @property
    def token(self) -> str:
        """The token of the link."""
        return (self.link or "").partition("#")[2]


class Invited:
    """A server for one test process. It ends with ``stop``, with the ``with`` block, or with the
    process that started it."""

    def __init__(
        self,
        *,
        seed: str | os.PathLike[str] | None = None,
        clock: str | None = None,
        seed_ids: int | None = None,
        args: Sequence[str] = (),
    ) -> None:
        words = [binary(), "dev", "--port", "0", "--json", "--quiet", *args]
        given = {"--seed": seed, "--clock": clock, "--seed-ids": seed_ids}
        for flag, value in given.items():
            words += [] if value is None else [flag, str(value)]
        # INVITED_DATABASE of a developer would name a file that a reset empties.
        env = {name: value for name, value in os.environ.items() if not name.startswith("INVITED_")}
        # "cat" ends with stdin, and so the server with this process, however that ends.
        self._process = subprocess.Popen(
            [*words, "--", "cat"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"invited did not start: exit code {self._process.wait()}")
        ready = json.loads(line)
        self.url: str = ready["url"]
        self.api_url: str = ready["apiUrl"]
        self.key: str = ready["key"]

    def stop(self) -> None:
        """Ends the server, and waits until it has ended."""
        # A forked child may have the pipe of stdin, too, and keep "cat" waiting.
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Invited:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Sends a request with a JSON body, to a path or to a URL, as Location and Link have it.

        Returns the body of the response, as ``Answer`` has it. Raises InvitedError where the
        response is an error.
        """
        return self.send(method, path, body, headers).body

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends a request as ``request`` does. Returns the whole response."""
        url = urllib.parse.urljoin(self.url, urllib.parse.quote(path, _IN_URLS))
        request = urllib.request.Request(url, headers=dict(headers or {}), method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/json")
        try:
            response = _OPENER.open(request, timeout=40)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode(errors="replace")
        is_json = re.search("[/+]json(;|$)", response.headers.get("Content-Type", ""))
        content = json.loads(text) if is_json and text else text or None
        if response.status >= 400:
            problem = content if isinstance(content, dict) else {"detail": text}
            raise InvitedError(response.status, problem, response.headers)
        return Answer(response.status, response.headers, content)

    def invite(
        self, organization: str, email: str, role: str = "member", **more: Any
    ) -> Invitation:
        """Makes an invitation. Returns it."""
        path = f"/v1/organizations/{organization}/invitations"
        body = {"email": email, "role": role, **more}
        invitation: Invitation = self.request("POST", path, body)
        return invitation

    def accept(self, token: str, **proof: Any) -> AnsweredInvitation:
        """Accepts with the token of a link. Returns what is shown of the invitation then."""
        body = {"token": token, **proof}
        accepted: AnsweredInvitation = self.request("POST", "/v1/invitations/accept", body)
        return accepted

    def mail(self, to: str, kind: MailKind = "invitation", wait: float = 5) -> Mail:
        """The newest mail to an address; it is waited for, at most ``wait`` seconds (up to 30)."""
        query = {"to": to, "kind": kind, "wait": f"{round(wait * 1000)}ms", "limit": 1}
        found = self.request("GET", f"/dev/mailbox?{urllib.parse.urlencode(query)}")
        if not found:
            raise AssertionError(f"no {kind} mail to {to} within {wait} s")
        kept: KeptMail = self.request("GET", f"/dev/mailbox/{found[0]['id']}")
        return Mail(
            id=kept["id"],
            to=kept["to"],
            kind=kept["kind"],
            subject=kept["subject"],
            text=kept["text"],
            html=kept["html"],
            link=kept.get("link"),
            code=kept.get("code"),
        )

    def code(self, to: str, wait: float = 5) -> str:
        """The code in the newest mail that brings one."""
        return self.mail(to, "code", wait).code or ""

    def advance(self, by: str | int) -> str:
        """Stops the clock so long after what it shows, as ``"8d"``. Returns its time."""
        return str(self.request("POST", "/dev/clock", {"advance": by})["now"])

    def set_clock(self, time: str) -> str:
        """Stops the clock at a time (RFC 3339). Returns it."""
        return str(self.request("POST", "/dev/clock", {"set": time})["now"])

    def reset(self) -> None:
        """Puts everything back to the start."""
        self.request("POST", "/dev/reset")

    def snapshot(self) -> str:
        """Remembers everything as it is. Returns the id for ``restore``."""
        return str(self.request("POST", "/dev/snapshot")["id"])

    def restore(self, snapshot: str) -> None:
        """Puts everything back as it was."""
        self.request("POST", "/dev/restore", {"id": snapshot})

    def webhook(self, *types: str) -> Webhook:
        """An endpoint of this process that is told of events, all or those of ``types``."""
        return Webhook(self, types)


@dataclass
class Webhook:
    """An endpoint that is told of events until its ``with`` block ends.

    Deliveries are signed with ``secret``; ``id`` is that of the webhook, as paths have it.
    """

    server: Invited
    types: Sequence[str] = ()
    id: str = ""
    secret: str = ""
    _events: queue.Queue[InvitedEvent] = field(default_factory=queue.Queue)

    def __enter__(self) -> Webhook:
        events = self._events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                events.put(json.loads(self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        body: dict[str, Any] = {"url": f"http://127.0.0.1:{self._http.server_port}/"}
        if self.types:
            body["types"] = list(self.types)
        try:
            made = self.server.request("POST", "/v1/webhooks", body)
        except BaseException:
            self._close()
            raise
        self.id, self.secret = made["id"], made["secret"]
        return self

    def next(self, wait: float = 5) -> InvitedEvent:
        """The next event that it was told of; it is waited for, at most ``wait`` seconds."""
        try:
            return self._events.get(timeout=wait)
        except queue.Empty:
            raise AssertionError(f"no event within {wait} s") from None

    def __exit__(self, *_: object) -> None:
        self._close()
        # A reset has removed it, or the server is gone, which the test itself tells better.
        with contextlib.suppress(InvitedError, OSError, HTTPException):
            self.server.request("DELETE", f"/v1/webhooks/{self.id}")

    def _close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def binary() -> str:
    """The path of the program."""
    name = os.environ.get("INVITED_BIN") or "invited"
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(
            f"no program {name}: put invited into PATH, or name it with INVITED_BIN"
        )
    return found
