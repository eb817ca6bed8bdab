"""The story of an example with an application of its own, against the real program.

application.py SOURCE FOLDER COMMAND...: the example with this SOURCE; COMMAND starts it in FOLDER.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from stage import SEED, application, call, check_length, free_port, wait_for

from invited_test import Invited


def play(server: Invited, url: str) -> None:
    assert call("GET", f"{url}/members", Authorization="Bearer nobody")[0] == 401
    _, ada = call("POST", f"{url}/signup", {"name": "Ada"})
    as_ada = {"Authorization": f"Bearer {ada['session']}"}
    grace = {"email": "Grace@Example.com"}
    status, invitation = call("POST", f"{url}/invitations", grace, **as_ada)
    assert (status, invitation["status"]) == (200, "pending"), invitation
    status, refused = call("POST", f"{url}/invitations", grace, **as_ada)
    assert status == 409, refused

    mail = server.mail("grace@example.com")
    page, _, token = (mail.link or "").partition("#")
    assert page == f"{url}/join" and "Ada" in mail.text, mail
    assert "<button>Join</button>" in call("GET", page)[1]

    def member() -> dict[str, str]:
        members = call("GET", f"{url}/members", **as_ada)[1]
        assert [one["email"] for one in members] == ["grace@example.com"], members
        return dict(members[0])

    data = {"invitationId": invitation["id"], "after": {"status": "accepted"}}
    forged = {"type": "invitation.accepted", "data": data}
    named = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AA=="}
    assert call("POST", f"{url}/webhooks", forged, **named)[0] == 401
    assert member()["status"] == "pending", "a forged webhook makes nobody a member"
    status, refused = call("POST", f"{url}/join", {"token": token[:-1]})
    assert status == 404, refused
    # A webhook is signed at the time of the server, of which the application's is far behind.
    server.advance("8h")
    assert call("POST", f"{url}/join", {"token": token})[0] == 200
    wait_for("the answer", lambda: [one["answerStatus"] for one in answered(server)] == [401])
    assert member()["status"] == "pending", "a webhook of another time makes nobody a member"
    server.request("POST", "/dev/clock", {"free": True})
    wait_for("the webhook", lambda: member()["status"] == "accepted")
    hear_of_others(server, invitation)
    assert member()["status"] == "accepted"

    _, eve = call("POST", f"{url}/signup", {"name": "Eve"})
    others = call("GET", f"{url}/members", Authorization=f"Bearer {eve['session']}")
    assert others == (200, []), "another owner sees nobody"


def answered(server: Invited) -> list[dict[str, Any]]:
    """The deliveries that the application answered."""
    [webhook] = server.request("GET", "/v1/webhooks")
    deliveries = server.request("GET", f"/v1/webhooks/{webhook['id']}/deliveries")
    return [one for one in deliveries if "answerStatus" in one]


def hear_of_others(server: Invited, invitation: dict[str, Any]) -> None:
    """The application takes what it has no use for, whatever that is about."""
    [webhook] = server.request("GET", "/v1/webhooks")
    path = f"/v1/webhooks/{webhook['id']}"
    server.request("PATCH", path, {"types": None})
    server.request("POST", f"{path}/test")
    organization = f"/v1/organizations/{invitation['organizationId']}"
    server.request("PUT", organization, {"name": "Ada Ltd."})
    server.request("DELETE", f"{organization}/invitations/{invitation['id']}")
    others = {"webhook.test", "organization.updated", "invitation.deleted"}

    def are_taken() -> bool:
        came = answered(server)
        refused = [one for one in came if one["answerStatus"] >= 300]
        assert not refused, refused
        return others <= {one["type"] for one in came}

    wait_for("an answer to each", are_taken)


def main() -> None:
    source, folder, *command = sys.argv[1:]
    check_length(source)
    port = free_port()
    SEED["webhooks"][0]["url"] = f"http://127.0.0.1:{port}/webhooks"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as seed:
        json.dump(SEED, seed)
        seed.flush()
        accept = ["--accept-url", f"http://127.0.0.1:{port}/join"]
        with Invited(seed=seed.name, args=accept) as server:
            env = {"INVITED_URL": server.url, "INVITED_KEY": server.key}
            with application(command, Path(folder), port, **env) as url:
                play(server, url)
    print(f"{source}: sign up, invite, accept, member, webhook")


main()
