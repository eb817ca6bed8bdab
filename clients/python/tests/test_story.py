from urllib.request import urlopen

from invited_test import Invited


def test_a_person_joins_by_the_mail_and_the_application_is_told(invited: Invited) -> None:
    with invited.webhook("invitation.accepted") as webhook:
        invitation = invited.invite("acme", "New@Example.com", "developer")
        mail = invited.mail("new@example.com")
        assert b"<form" in urlopen(mail.link or "").read()
        assert invited.accept(mail.token)["status"] == "accepted"
        assert webhook.next()["data"]["invitationId"] == invitation["id"]


def test_an_invitation_expires(invited: Invited) -> None:
    invitation = invited.invite("acme", "late@example.com", "developer")
    invited.advance("8d")
    path = f"/v1/organizations/acme/invitations/{invitation['id']}"
    assert invited.request("GET", path)["status"] == "expired"
