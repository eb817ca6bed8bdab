"""What the examples are played with: an application, a place for webhooks, and free ports."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))
SEED = json.loads((ROOT / "examples/seed.json").read_text())
SECRET: str = SEED["webhooks"][0]["secret"]
# Lines that are not empty: what somebody who copies an example has to read.
MOST_LINES = 80


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def check_length(*files: str) -> None:
    lines = sum(len((ROOT / "examples" / file).read_text().splitlines()) for file in files)
    assert lines <= MOST_LINES, f"{files} have {lines} lines"


def call(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """The status and the body of the answer, whatever the status."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode()


def wait_for(what: str, look: Any, seconds: float = 20) -> Any:
    """What ``look`` returns, once that is true."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.05)
    return found


@contextmanager
def application(command: list[str], folder: Path, port: int, **env: str) -> Iterator[str]:
    """An application that runs ``command`` and listens on ``port``; its URL."""
    more = {"PORT": str(port), "WEBHOOK_SECRET": SECRET, **env}
    # npm leaves what it started behind, so all of it is a group.
    process = subprocess.Popen(command, cwd=folder, env=os.environ | more, process_group=0)
    url = f"http://127.0.0.1:{port}"

    def is_there() -> bool:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for("the application", is_there)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def serving(handler: Any, port: int) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def files(folder: Path, port: int) -> Any:
    """A server of files, as one of a page without a program."""
    return serving(partial(Quiet, directory=str(folder)), port)


@contextmanager
def endpoint(port: int) -> Iterator[queue.Queue[tuple[dict[str, str], bytes]]]:
    """A place for webhooks: their headers and bodies, as they come."""
    came: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler, port):
        yield came
