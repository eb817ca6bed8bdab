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


@pytest.mark.parametrize("wait", [0, 0.02])
def test_mail_that_does_not_come_fails_the_test(invited: Invited, wait: float) -> None:
    with pytest.raises(AssertionError, match=f"no code mail to nobody@.* within {wait} s"):
        invited.code("nobody@example.com", wait=wait)


def test_an_event_that_does_not_come_fails_the_test(invited: Invited) -> None:
    with invited.webhook() as webhook:
        with pytest.raises(AssertionError, match="^no event within 0.01 s$"):
            webhook.next(0.01)


def test_a_test_of_a_webhook_is_an_event_of_no_organization(invited: Invited) -> None:
    with invited.webhook("invitation.accepted") as webhook:
        invited.request("POST", f"/v1/webhooks/{webhook.id}/test")
        told = webhook.next()
        data = {"id": told["data"]["id"], "webhookId": webhook.id}
        assert told == {"type": "webhook.test", "timestamp": told["timestamp"], "data": data}


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


@pytest.mark.parametrize("end", ["reset", "kill"])
def test_the_failure_of_a_test_is_told_whatever_became_of_its_server(end: str) -> None:
    with pytest.raises(AssertionError, match="^its own$"), Invited() as server, server.webhook():
        if end == "reset":
            server.reset()
        else:
            server._process.kill()
            server._process.wait()
        raise AssertionError("its own")


@pytest.mark.parametrize("name", ["/nowhere/invited", "invited-nowhere", "/tmp"])
def test_a_program_that_is_not_there_is_told_with_what_names_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVITED_BIN", name)
    with pytest.raises(FileNotFoundError, match=f"^no program {name}: .* INVITED_BIN$"):
        Invited()


def test_what_the_program_refuses_is_no_server() -> None:
    with pytest.raises(RuntimeError, match="exit code 2"):
        Invited(clock="tomorrow")
    assert subprocess.run([binary(), "version"], check=True).returncode == 0
