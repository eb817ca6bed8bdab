"""The story of the page without a program, in Chromium, against the real program.

page.py BROWSER...: BROWSER is a command that takes the place of a link and buttons to press, and prints what the page said.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from stage import ROOT, SECRET, application, call, check_length, endpoint, files, free_port, wait_for

from invited_test import Invited, binary
from standardwebhooks import Webhook


def put_page(folder: Path, server: str) -> None:
    """The page, for a server elsewhere than at its port of every day."""
    for file in ("index.html", "join.js"):
        text = (ROOT / "examples/static" / file).read_text()
        (folder / file).write_text(text.replace("http://127.0.0.1:8080", server))


def visit(link: str | None, *buttons: str) -> list[str]:
    assert link
    words = [*sys.argv[1:], link, *buttons]
    return list(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))


def story(folder: Path) -> None:
    """A person joins by the page, another one declines, and a code is asked for."""
    pages, hooks = free_port(), free_port()
    accept = ["--accept-url", f"http://localhost:{pages}/"]
    with Invited(args=accept) as server, files(folder, pages), endpoint(hooks) as came:
        put_page(folder, server.url)
        hook = {"url": f"http://127.0.0.1:{hooks}/", "types": ["invitation.accepted"]}
        secret = server.request("POST", "/v1/webhooks", hook)["secret"]
        server.request("PUT", "/v1/organizations/hooli", {"name": "Hooli Ltd."})
        invitation = server.invite("hooli", "grace@example.com", inviter={"name": "Ada"})
        said = visit(server.mail("grace@example.com").link, "Join")
        invited = "You are invited by Ada to join Hooli Ltd. as member."
        assert said == [invited, "Welcome to Hooli Ltd.!"], said
        headers, body = came.get(timeout=20)
        told = Webhook(secret).verify(body, headers)["data"]
        assert told["invitationId"] == invitation["id"], told
        path = "/v1/organizations/hooli/invitations"
        members = server.request("GET", f"{path}?status=accepted&email=grace@example.com")
        assert [member["id"] for member in members] == [invitation["id"]]

        server.invite("hooli", "linus@example.com")
        said = visit(server.mail("linus@example.com").link, "Decline")
        assert said[-1] == "This invitation is declined.", said
        server.request("PUT", "/v1/organizations/umbrella", {"acceptance": "code"})
        server.invite("umbrella", "grace@example.com")
        link = server.mail("grace@example.com").link
        said = visit(link, "Join", f"code={server.url}/dev/mailbox", "Join")
        assert said[-1] == "Welcome to umbrella!", said


def origins(folder: Path) -> None:
    """A server for the internet lets the page read, and the same page elsewhere not."""
    pages, elsewhere, port = free_port(), free_port(), free_port()
    server = f"http://127.0.0.1:{port}"
    put_page(folder, server)
    with tempfile.TemporaryDirectory() as data:
        words = [binary(), "serve", "--listen", f"127.0.0.1:{port}", "--database", f"{data}/invited.db"]
        words += ["--accept-url", f"http://localhost:{pages}/"]
        with application(words, Path(data), port), files(folder, pages), files(folder, elsewhere):
            wait_for("the server", lambda: call("GET", f"{server}/readyz")[0] == 200)
            key = {"Authorization": f"Bearer {Path(data, 'invited.db.admin-key').read_text().strip()}"}
            path = f"{server}/v1/organizations/acme/invitations"
            invitation = call("POST", path, {"email": "a@example.com", "role": "r"}, **key)[1]
            link = call("POST", f"{path}/{invitation['id']}/link", {}, **key)[1]["url"]
            assert visit(link) == ["You are invited to join acme as r."]
            said = visit(link.replace(str(pages), str(elsewhere)))
            assert said == ["Failed to fetch"], said


def main() -> None:
    check_length("static/index.html", "static/join.js")
    with tempfile.TemporaryDirectory() as folder:
        story(Path(folder))
        origins(Path(folder))
    print("static: invite, accept, member, webhook; only the page of the accept URL may read")


main()
