//! What a mail is about: all that its text is made of. It is put together when it is sent, and nothing of it is stored.

use uuid::Uuid;

use super::Kind;
use super::channel::Mail;
use super::store::Claim;
use crate::answer::code;
use crate::clock::Timestamp;
use crate::db::WriteTx;
use crate::email::Email;
use crate::error::Result;
use crate::invitation::transition::Present;
use crate::invitation::{self, Invitation, Status, link};
use crate::organization::{self, OrganizationId};

/// What a mail is about.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What it is for.
    pub kind: Kind,
    /// Whom it goes to.
    pub to: Email,
    /// The invited address.
    pub email: Email,
    /// The organization that invites.
    pub organization: OrganizationId,
    /// What people call it.
    pub organization_name: Option<String>,
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
    /// What tells this mail from others of its kind about the invitation, and stays the same when it is sent once more: of an
    /// invitation how often it was sent, of a code when it was asked for, in milliseconds.
    pub number: i64,
    /// When it is sent.
    pub sent_at: Timestamp,
}

/// The letter of a claimed row; none where it has no point any more: the invitation is gone, closed or lapsed, or a code was asked
/// for another address, or is dead.
///
/// # Errors
/// When the file cannot be read.
pub fn find(tx: &WriteTx<'_>, claim: &Claim, mail: &Mail) -> Result<Option<Letter>> {
    let Some(organization) = invitation::store::find_organization(tx, claim.invitation)? else {
        return Ok(None);
    };
    let place = (&organization, claim.invitation);
    let show = |invitation: &Invitation<'_>| {
        let inviter_name = invitation.inviter.and_then(|inviter| inviter.name).map(str::to_owned);
        Ok((Present::of(&organization, invitation), inviter_name))
    };
    let found = invitation::store::find(tx, tx.now, place, show)?;
    let Some((present, inviter_name)) = found.filter(|(present, _)| present.status == Status::Pending) else {
        return Ok(None);
    };
    let mut letter = Letter {
        kind: claim.kind,
        to: present.email.clone(),
        email: present.email.clone(),
        organization_name: organization::store::find_name(tx, &organization)?,
        organization: organization.clone(),
        inviter_name,
        note: None,
        role: present.role.clone(),
        status: present.status,
        expires_at: present.expires_at,
        link: None,
        code: None,
        invitation: present.id,
        number: i64::from(present.send_count),
        sent_at: tx.now,
    };
    if claim.kind == Kind::Code {
        let Some(code) = code::sent(tx, &mail.secret, &present, &claim.address_mac)? else {
            return Ok(None);
        };
        letter.number = code.issued_at.as_millis();
        letter.expires_at = code.issued_at.plus_seconds(code::LIFETIME_SECONDS);
        letter.code = Some(code.digits);
    } else {
        letter.link = Some(link::url(&mail.secret, &mail.accept_url, &present));
    }
    Ok(Some(letter))
}
