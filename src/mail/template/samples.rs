//! Letters to try templates with.

use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::color::Color;
use crate::base::email::Email;
use crate::base::organization_id::OrganizationId;
use crate::invitation::Status;
use crate::mail::context::MailContext;
use crate::outbox::mail::Kind;

/// Letters of every kind, with all that they may have and with as little as possible, to try
/// templates with.
pub(super) fn samples() -> Vec<MailContext> {
    let Some(organization) = OrganizationId::parse("acme") else {
        return Vec::new();
    };
    let full = |kind, status| MailContext {
        kind,
        to: Email::from_stored("new.user@example.com"),
        reply_to: None,
        email: Email::from_stored("new.user@example.com"),
        organization: organization.clone(),
        organization_name: Some("Acme Ltd.".to_owned()),
        sender_name: Some("Acme Invitations".to_owned()),
        color: Some(Color::WHITE),
        locales: Vec::new(),
        inviter_name: Some("Ada Lovelace".to_owned()),
        note: Some("Welcome!\n\nAda".to_owned()),
        role: "developer".to_owned(),
        status,
        expires_at: Timestamp::from_millis(0),
        link: Some("https://invites.example.com/accept#ivm_".to_owned()),
        code: Some("123456".to_owned()),
        invitation: Uuid::nil(),
        number: 0,
        sent_at: Timestamp::from_millis(0),
    };
    let sparse = |letter: MailContext| MailContext {
        organization_name: None,
        sender_name: None,
        color: None,
        inviter_name: None,
        note: None,
        link: letter
            .link
            .filter(|_| matches!(letter.kind, Kind::Invitation | Kind::Reminder)),
        code: letter.code.filter(|_| letter.kind == Kind::Code),
        ..letter
    };
    let statuses = |kind: Kind| match kind {
        Kind::Notice => vec![Status::Accepted, Status::Declined],
        _ => vec![Status::Pending],
    };
    let kinds = Kind::ALL
        .into_iter()
        .flat_map(|kind| statuses(kind).into_iter().map(move |status| (kind, status)));
    kinds
        .flat_map(|(kind, status)| [full(kind, status), sparse(full(kind, status))])
        .collect()
}
