"""What the story does not need."""

import os
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from invited_test import Invited, InvitedError, binary


def test_a_snapshot_is_gone_back_to(invited: Invited) -> None:
    before = invited.snapshot()
    invited.invite("hooli", "ada@example.com")
    invited.restore(before)
    assert invited.request("GET", "/v1/organizations/hooli/invitations") == []


def test_a_code_is_read_from_its_mail(invited: Invited) -> None:
    invited.request("PUT", "/v1/organizations/hooli", {"acceptance": "code"})
    invited.invite("hooli", "ada@example.com")
    token = invited.mail("ada@example.com").token
    invited.request("POST", "/v1/invitations/code", {"token": token})
    assert invited.accept(token, code=invited.code("ada@example.com"))["status"] == "accepted"


def test_an_error_is_raised_with_its_code(invited: Invited) -> None:
    with pytest.raises(InvitedError) as caught:
        invited.invite("acme", "nonsense")
    assert (caught.value.status, caught.value.code) == (422, "validation_failed")


def test_mail_that_does_not_come_fails_the_test(invited: Invited) -> None:
    with pytest.raises(AssertionError, match="no invitation mail"):
        invited.mail("nobody@example.com", wait=0)


def test_a_seed_of_ids_and_a_clock_make_the_same_answers() -> None:
    def story() -> object:
        with Invited(clock="2026-01-01T00:00:00Z", seed_ids=7) as server:
            return server.invite("hooli", "ada@example.com")

    assert story() == story()


def test_a_seed_file_is_what_it_starts_with(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"organizations":[{"id":"globex"}]}')
    with Invited(seed=seed) as server:
        assert server.request("GET", "/v1/organizations/globex")["id"] == "globex"


@pytest.mark.parametrize("name", ["DATABASE", "CONFIG", "SMTP_URL", "MAIL_WEBHOOK", "SEED"])
def test_no_setting_of_whoever_runs_the_tests_reaches_the_server(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    values = {"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_WEBHOOK": "http://127.0.0.1:1/"}
    monkeypatch.setenv(f"INVITED_{name}", values.get(name, str(own)))
    with Invited() as server:
        server.reset()
        server.invite("hooli", "ada@example.com")
        assert server.mail("ada@example.com").token
    assert not own.exists()


def test_a_proxy_of_whoever_runs_the_tests_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    # The opener of urllib remembers the proxies that there were at its first request.
    monkeypatch.setattr(urllib.request, "_opener", None)
    with Invited() as server:
        assert server.invite("hooli", "ada@example.com")["status"] == "pending"


def test_a_server_ends_with_its_test() -> None:
    with Invited() as server:
        process = server._process
    assert process.returncode in (0, 143, -15)


def test_a_forked_child_does_not_keep_a_server_that_is_stopped() -> None:
    server = Invited()
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        stopping = threading.Thread(target=server.stop, daemon=True)
        stopping.start()
        stopping.join(20)
        assert not stopping.is_alive()
        assert server._process.returncode in (0, 143, -15)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_webhook_that_is_refused_leaves_no_endpoint(invited: Invited) -> None:
    webhook = invited.webhook("nonsense")
    with pytest.raises(InvitedError), webhook:
        pass
    assert webhook._http.fileno() == -1


def test_what_the_program_refuses_is_no_server() -> None:
    with pytest.raises(RuntimeError, match="exit code 2"):
        Invited(clock="tomorrow")
    assert subprocess.run([binary(), "version"], check=True).returncode == 0
