//! What a mail is about: all that its text is made of. It is put together when it is sent, and
//! nothing of it is stored.

use uuid::Uuid;

use super::message_id::MessageId;
use super::sender::Mail;
use crate::base::clock::Timestamp;
use crate::base::color::Color;
use crate::base::email::Email;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::invitation::link::TokenKind;
use crate::invitation::transition::CurrentInvitation;
use crate::invitation::{self, Invitation, Status, code, link};
use crate::organization;
use crate::organization::settings::Settings;
use crate::outbox::mail::Kind;
use crate::outbox::mail::store::Claim;

/// What a mail is about.
#[derive(Clone, Debug)]
pub struct MailContext {
    /// What it is for.
    pub kind: Kind,
    /// Whom it goes to.
    pub to: Email,
    /// Whom a reply goes to, where not to whom it comes from.
    pub reply_to: Option<Email>,
    /// The invited address.
    pub email: Email,
    /// The organization that invites.
    pub organization: OrganizationId,
    /// What people call it.
    pub organization_name: Option<String>,
    /// The name that its mail comes from, in place of the server's.
    pub sender_name: Option<String>,
    /// The colour of its button, in place of ours.
    pub color: Option<Color>,
    /// The languages that it may be in, the first one first.
    pub locales: Vec<String>,
    /// The name of who invites.
    pub inviter_name: Option<String>,
    /// The inviter's own words: lines.
    pub note: Option<String>,
    /// The role the person gets on joining.
    pub role: String,
    /// Where the invitation stands.
    pub status: Status,
    /// When the invitation ends; of a code: when the code does.
    pub expires_at: Timestamp,
    /// The secret link, where it brings one.
    pub link: Option<String>,
    /// The code, where it brings one.
    pub code: Option<String>,
    /// The invitation.
    pub invitation: Uuid,
    /// What tells this mail from others of its kind about the invitation, and stays the same when
    /// it is sent once more: of an invitation how often it was sent, of a code when it was asked
    /// for, in milliseconds.
    pub number: i64,
    /// When it is sent.
    pub sent_at: Timestamp,
}

impl MailContext {
    /// What people call the organization; its id, where it has no name.
    pub(super) fn organization_name(&self) -> &str {
        let name = self.organization_name.as_deref();
        name.unwrap_or(self.organization.as_str())
    }

    /// What tells its mail from all others.
    pub(crate) fn message_id(&self) -> MessageId {
        MessageId {
            kind: self.kind,
            invitation: self.invitation,
            number: self.number,
        }
    }
}

/// What is to be done about a claimed row.
pub(crate) enum Next {
    /// Its mail is sent.
    Send(Box<MailContext>),
    /// It is not due before then: the end of its invitation has moved.
    Wait(Timestamp),
    /// It has no point any more.
    Drop,
}

/// What an invitation says for its mail.
struct Found {
    /// The invitation.
    present: CurrentInvitation,
    /// The name of who invites.
    inviter_name: Option<String>,
    /// The address of who invites.
    inviter_email: Option<Email>,
    /// The language of the invitation.
    locale: Option<String>,
    /// What its organization asks of its mail.
    settings: Settings,
}

impl Found {
    /// What `invitation` says, of an organization with these settings.
    fn of(organization: &OrganizationId, invitation: &Invitation<'_>, settings: Settings) -> Self {
        let inviter = invitation.inviter;
        let (name, email) = inviter.map_or((None, None), |inviter| (inviter.name, inviter.email));
        Self {
            present: CurrentInvitation::of(organization, invitation),
            inviter_name: name.map(str::to_owned),
            inviter_email: email.map(Email::from_stored),
            locale: invitation.locale.map(str::to_owned),
            settings,
        }
    }
}

/// The mail of the invitation `id` of `organization` as it would be sent now, in the language
/// `locale` where one is given. Its link opens nothing: `link` stands in its place.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn preview(
    reader: &Reader<'_>,
    organization: &OrganizationId,
    id: Uuid,
    locale: Option<String>,
    link: String,
) -> Result<Option<MailContext>> {
    let settings = organization::store::get_settings(reader, organization)?;
    let show = |invitation: &Invitation<'_>| Ok(Found::of(organization, invitation, settings));
    let Some(found) = invitation::store::find(reader, reader.now, organization, id, show)? else {
        return Ok(None);
    };
    let letter = MailContext {
        reply_to: found.inviter_email.clone(),
        link: Some(link),
        note: invitation::store::find_note(reader, id)?,
        ..letter(reader.now, Kind::Invitation, found)
    };
    let locales = locale.into_iter().chain(letter.locales).collect();
    Ok(Some(MailContext { locales, ..letter }))
}

/// What is to be done about a claimed row. It has no point any more where the invitation is gone,
/// is not pending, or of a notice was not answered; where a code was asked for another address, or
/// is dead; and where reminders or notices are off by now.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn find(tx: &WriteTx<'_>, claim: &Claim, mail: &Mail) -> Result<Next> {
    let Some(organization) = invitation::store::find_organization(tx, claim.invitation)? else {
        return Ok(Next::Drop);
    };
    let show = |invitation: &Invitation<'_>| {
        let settings = organization::store::get_settings(tx, &organization)?;
        Ok(Found::of(&organization, invitation, settings))
    };
    let Some(found) = invitation::store::find(tx, tx.now, &organization, claim.invitation, show)?
    else {
        return Ok(Next::Drop);
    };
    let status = found.present.status;
    match claim.kind {
        Kind::Notice if matches!(status, Status::Accepted | Status::Declined) => {
            notice(tx, found, mail)
        }
        Kind::Invitation if status == Status::Pending => with_link(tx, found, claim.kind, mail),
        Kind::Reminder if status == Status::Pending => {
            match mail.reminder_at(found.present.expires_at) {
                Some(due_at) if due_at > tx.now => Ok(Next::Wait(due_at)),
                Some(_) => with_link(tx, found, claim.kind, mail),
                None => Ok(Next::Drop),
            }
        }
        Kind::Code if status == Status::Pending => with_code(tx, found, claim, mail),
        _ => Ok(Next::Drop),
    }
}

/// The mail that brings the link.
fn with_link(tx: &WriteTx<'_>, found: Found, kind: Kind, mail: &Mail) -> Result<Next> {
    let own_url = found.settings.accept_url.as_ref();
    let accept_url = own_url.unwrap_or(&mail.accept_url);
    let signing = mail.keyring.signing();
    let link = link::url(signing, TokenKind::Mailed, accept_url, &found.present);
    let note = invitation::store::find_note(tx, found.present.id)?;
    let letter = MailContext {
        reply_to: found.inviter_email.clone(),
        link: Some(link),
        note,
        ..letter(tx.now, kind, found)
    };
    Ok(Next::Send(Box::new(letter)))
}

/// The mail that brings a code, if it was asked for the invited address and lives.
fn with_code(tx: &WriteTx<'_>, found: Found, claim: &Claim, mail: &Mail) -> Result<Next> {
    let Some(code) = code::sent(tx, &mail.keyring, &found.present, &claim.address_mac)? else {
        return Ok(Next::Drop);
    };
    let letter = MailContext {
        number: code.issued_at.as_millis(),
        expires_at: code.issued_at.plus_seconds(code::LIFETIME_SECONDS),
        code: Some(code.digits),
        ..letter(tx.now, claim.kind, found)
    };
    Ok(Next::Send(Box::new(letter)))
}

/// The mail that tells the inviter, if there is an address and inviters are told.
fn notice(tx: &WriteTx<'_>, found: Found, mail: &Mail) -> Result<Next> {
    match found
        .inviter_email
        .clone()
        .filter(|_| mail.notifies_inviters)
    {
        Some(to) => Ok(Next::Send(Box::new(MailContext {
            to,
            ..letter(tx.now, Kind::Notice, found)
        }))),
        None => Ok(Next::Drop),
    }
}

/// What every mail about an invitation says, to the invited person.
fn letter(
    sent_at: Timestamp,
    kind: Kind,
    Found {
        present,
        inviter_name,
        locale,
        settings,
        ..
    }: Found,
) -> MailContext {
    // The invitation's language is that of the invited person.
    let own_locale = locale.filter(|_| kind != Kind::Notice);
    MailContext {
        kind,
        to: present.email.clone(),
        reply_to: None,
        organization_name: settings.name,
        sender_name: settings.mail_from_name,
        color: settings.color.as_deref().and_then(Color::parse),
        locales: own_locale.into_iter().chain(settings.locale).collect(),
        organization: present.organization,
        email: present.email,
        inviter_name,
        note: None,
        role: present.role,
        status: present.status,
        expires_at: present.expires_at,
        link: None,
        code: None,
        invitation: present.id,
        number: i64::from(present.send_count),
        sent_at,
    }
}
