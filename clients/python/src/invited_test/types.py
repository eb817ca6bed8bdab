# Made by .ci/helpers_types.py from the OpenAPI documents of `invited openapi`.
# `.ci/helpers` compares.

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

Acceptance: TypeAlias = Literal["mailed-link", "code"]
"""What proves the address to whoever follows the link of a mail."""


EventType: TypeAlias = Literal["invitation.created", "invitation.updated", "invitation.accepted", "invitation.declined", "invitation.renewed", "invitation.revoked", "invitation.expired", "invitation.deleted", "invitation.erased", "invitation.delivery_failed", "invitation.bounced", "organization.updated"]
"""What happened to an invitation, or to the organization itself."""


InvitationStatus: TypeAlias = Literal["pending", "accepted", "declined", "revoked", "expired"]
"""Where an invitation stands."""


class InvitedEventData(TypedDict):
    """An event of a history. Or: A test of a webhook."""

    id: str
    """UUIDv7. The order of ids is the order in which things happened."""
    type: NotRequired[EventType]
    """What happened."""
    organizationId: NotRequired[str]
    """The organization it happened in."""
    invitationId: NotRequired[str]
    """The invitation it happened to, which may be gone by now. Absent where it is not about one."""
    actor: NotRequired[str]
    """
    Who did it: an API key's id, `dev`, `person`, `clock`, `retention`, or
    `mail`.
    """
    requestId: NotRequired[str]
    """The `X-Request-Id` of the request that did it."""
    createdAt: NotRequired[str]
    """When."""
    before: NotRequired[dict[str, Any]]
    """The fields that changed, as they were. Absent where there was nothing before."""
    after: NotRequired[dict[str, Any]]
    """The fields that changed, as they are since. Absent where nothing is left."""
    webhookId: NotRequired[str]
    """The webhook that is tested."""


class Inviter(TypedDict):
    """Who invites, as the application names them."""

    id: NotRequired[str]
    """The application's id of the person."""
    name: NotRequired[str]
    """The person's name."""
    email: NotRequired[str]
    """The person's address."""


MailDelivery: TypeAlias = Literal["none", "queued", "sent", "failed", "bounced"]
"""How far the last sending of an invitation has come."""


MailKind: TypeAlias = Literal["invitation", "code", "reminder", "notice"]
"""What a mail is for."""


class Invitation(TypedDict):
    """An invitation. What is optional is there only when set."""

    role: str
    """The role the person gets on joining."""
    id: str
    """UUIDv7."""
    email: str
    """The address in its normal form."""
    createdAt: str
    """When it was made."""
    expiresAt: str
    """From when on it cannot be accepted."""
    organizationId: str
    """The organization it is for."""
    status: InvitationStatus
    """Where it stands at the time of the answer."""
    updatedAt: str
    """Its last change."""
    acceptedAt: NotRequired[str]
    """When the person joined."""
    acceptedBy: NotRequired[str]
    """The person's user id, as the application gave it."""
    declinedAt: NotRequired[str]
    """When the person said no."""
    revokedAt: NotRequired[str]
    """When it was taken back."""
    inviter: NotRequired[Inviter]
    """Who invites."""
    metadata: NotRequired[dict[str, Any]]
    """The application's own data."""
    redirectUrl: NotRequired[str]
    """Where the person goes after joining."""
    locale: NotRequired[str]
    """The language of its mail: a language tag (BCP 47)."""
    sendCount: NotRequired[int]
    """How often it was sent again."""
    lastSentAt: NotRequired[str]
    """When it was last sent again."""
    delivery: MailDelivery
    """How far its last sending has come."""
    deliveryAttempts: NotRequired[int]
    """How often the mail was tried."""
    deliveryError: NotRequired[str]
    """Why the last try failed."""


class InvitationPreview(TypedDict):
    """What everybody with the link may see: never the address."""

    organizationId: str
    """The organization's id."""
    organizationName: NotRequired[str]
    """What people call the organization."""
    role: str
    """The role the person gets on joining."""
    inviterName: NotRequired[str]
    """The name of who invites."""
    status: InvitationStatus
    """Where the invitation stands."""
    expiresAt: str
    """From when on it cannot be accepted."""
    acceptance: NotRequired[Acceptance]
    """What proves the address with this token, where the invitation is pending."""
    redirectUrl: NotRequired[str]
    """Where the person goes after joining."""
    locale: NotRequired[str]
    """The language of the person, as invitation or organization names it: a language tag (BCP 47)."""


class InvitedEvent(TypedDict):
    """What is sent to a webhook when something happened. Or: What is sent to a webhook to test it."""

    type: Literal["invitation.created", "invitation.updated", "invitation.accepted", "invitation.declined", "invitation.renewed", "invitation.revoked", "invitation.expired", "invitation.deleted", "invitation.erased", "invitation.delivery_failed", "invitation.bounced", "organization.updated", "webhook.test"]
    timestamp: str
    """When it happened."""
    data: InvitedEventData


class KeptMail(TypedDict):
    """A kept mail with all that is in it."""

    id: str
    """Its id, which grows with time."""
    to: str
    """The address it went to."""
    kind: MailKind
    """What it is for."""
    subject: str
    """Its subject."""
    sentAt: str
    """When it was kept."""
    link: NotRequired[str]
    """The secret link that it brings."""
    code: NotRequired[str]
    """The code that it brings."""
    text: str
    """Its body as plain text."""
    html: str
    """Its body as HTML."""
    raw: str
    """What a mail server would have got (RFC 5322)."""


class AnsweredInvitation(InvitationPreview):
    """What a lookup shows, and to a key that vouches all of the `Invitation`, `id` included."""

    id: NotRequired[str]
    email: NotRequired[str]
    createdAt: NotRequired[str]
    updatedAt: NotRequired[str]
    acceptedAt: NotRequired[str]
    acceptedBy: NotRequired[str]
    declinedAt: NotRequired[str]
    revokedAt: NotRequired[str]
    inviter: NotRequired[Inviter]
    metadata: NotRequired[dict[str, Any]]
    sendCount: NotRequired[int]
    lastSentAt: NotRequired[str]
    delivery: NotRequired[MailDelivery]
    deliveryAttempts: NotRequired[int]
    deliveryError: NotRequired[str]
