"""The types of what is returned: mypy finds a wrong name, and the right ones are those that come."""

import pytest

from invited_test import Invitation, InvitationPreview, Invited, InvitedError, InvitedEvent


def test_a_wrong_name_of_an_invitation_is_found(invited: Invited) -> None:
    invitation = invited.invite("acme", "new@example.com")
    with pytest.raises(KeyError):
        invitation["idd"]  # type: ignore[typeddict-item]
    assert invitation["status"] != "acceptd"  # type: ignore[comparison-overlap]
    accepted = invited.accept(invited.mail("new@example.com").token)
    with pytest.raises(KeyError):
        accepted["stats"]  # type: ignore[typeddict-item]
    # The rest of the invitation has names, too, and comes to a key that vouches.
    assert (accepted.get("id"), accepted.get("acceptedBy")) == (None, None)


def test_a_wrong_name_of_an_event_is_found(invited: Invited) -> None:
    with invited.webhook() as webhook:
        invited.invite("acme", "new@example.com")
        told = webhook.next()
    with pytest.raises(KeyError):
        told["data"]["invitation"]  # type: ignore[typeddict-item]
    assert told["type"] != "invitation.create"  # type: ignore[comparison-overlap]


def test_a_wrong_name_of_a_mail_is_found(invited: Invited) -> None:
    invited.invite("acme", "new@example.com")
    mail = invited.mail("new@example.com")
    with pytest.raises(AttributeError):
        mail.body  # type: ignore[attr-defined]
    with pytest.raises(InvitedError, match="^422 .* one of: invitation, "):
        invited.mail("new@example.com", "invite")  # type: ignore[arg-type]


def test_no_more_comes_than_the_types_name(invited: Invited) -> None:
    inviter = {"id": "7", "name": "Ada", "email": "ada@example.com"}
    with invited.webhook() as webhook:
        invitation = invited.invite("acme", "new@example.com", inviter=inviter, locale="de")
        assert invitation["inviter"] == inviter
        accepted = invited.accept(invited.mail("new@example.com").token)
        told = webhook.next()
    for answer, kind in (
        (invitation, Invitation),
        (accepted, InvitationPreview),
        (told, InvitedEvent),
        (told["data"], InvitedEvent.__annotations__["data"]),
    ):
        assert set(answer) <= set(kind.__annotations__)
        assert set(answer) >= kind.__required_keys__
