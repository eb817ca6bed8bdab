"""The story with openapi-python-client."""

import os
from uuid import UUID

from invited_client import AuthenticatedClient
from invited_client.api.answers import accept_invitation_by_token
from invited_client.api.invitations import (
    accept_invitation,
    create_invitation,
    delete_invitation,
    get_invitation,
    get_invitation_link,
    list_invitations,
)
from invited_client.models import (
    AnsweredInvitation,
    Invitation,
    InvitationAnswer,
    InvitationLink,
    InvitationStatus,
    InvitationCreate,
    InvitationCreateMetadataType0,
    Problem,
    ProblemCode,
    VouchedAcceptance,
)

ACME = "openapi-python-client"


def play(client: AuthenticatedClient) -> None:
    metadata = InvitationCreateMetadataType0.from_dict({"team": "core"})
    body = InvitationCreate(email="ada@example.com", role="admin", metadata=metadata)
    made = create_invitation.sync(ACME, client=client, body=body)
    assert isinstance(made, Invitation)
    listed = list_invitations.sync(ACME, client=client, status=[InvitationStatus.PENDING])
    assert isinstance(listed, list)
    assert [one.id for one in listed] == [made.id]
    got = get_invitation.sync(ACME, made.id, client=client)
    assert isinstance(got, Invitation)
    assert got.status is InvitationStatus.PENDING
    assert got.metadata and got.metadata["team"] == "core"
    again = create_invitation.sync(ACME, client=client, body=body)
    assert isinstance(again, Problem)
    assert again.code is ProblemCode.ALREADY_INVITED
    assert again.invitation_id == UUID(str(made.id))
    vouched = VouchedAcceptance(email="ada@example.com", subject="user_7")
    accepted = accept_invitation.sync(ACME, made.id, client=client, body=vouched)
    assert isinstance(accepted, Invitation) and accepted.accepted_by == "user_7"
    other = create_invitation.sync(
        ACME, client=client, body=InvitationCreate(email="bob@example.com", role="admin")
    )
    assert isinstance(other, Invitation)
    link = get_invitation_link.sync(ACME, other.id, client=client)
    assert isinstance(link, InvitationLink)
    answer = InvitationAnswer(token=link.token, email="bob@example.com", subject="user_8")
    answered = accept_invitation_by_token.sync(client=client, body=answer)
    assert isinstance(answered, AnsweredInvitation)
    assert (answered.accepted_by, answered.id) == ("user_8", other.id)
    deleted = delete_invitation.sync_detailed(ACME, made.id, client=client)
    assert deleted.status_code == 204


play(AuthenticatedClient(base_url=os.environ["INVITED_URL"], token=os.environ["INVITED_KEY"]))
