"""Processes that stop nothing of what they started: they end, and the server with them."""

import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

START = """
from invited_test import Invited
invited = Invited()
print("at", invited.url, flush=True)
webhook = invited.webhook("invitation.accepted").__enter__()
invited.invite("acme", "new@example.com", "developer")
invited.accept(invited.mail("new@example.com").token)
told = webhook.next()
"""


def is_gone(url: str) -> bool:
    """Whether nobody answers any more."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(500):
        try:
            opener.open(url + "/livez").close()
        except (urllib.error.URLError, ConnectionError):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(("last", "code"), [("", 0), ("assert False", 1)])
def test_a_script_that_stops_nothing_ends_and_the_server_with_it(last: str, code: int) -> None:
    words = [sys.executable, "-c", START + last]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert ended.returncode == code, ended.stderr
    url = ended.stdout.removeprefix("at ").strip()
    assert url.startswith("http"), ended.stdout
    assert is_gone(url)
