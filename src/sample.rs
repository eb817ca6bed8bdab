//! The sample data of `invited dev`: a few organizations, with invitations in every state that a page has to show.

use crate::clock::Timestamp;
use crate::db::WriteTx;
use crate::error::{Error, Result};
use crate::event::Origin;
use crate::invitation::create::By;
use crate::invitation::new::{CreateBody, InviterBody, NewInvitation, Rules, Sending};
use crate::invitation::transition::{self, Change, Present};
use crate::invitation::{Status, create};
use crate::key::Rights;
use crate::organization::OrganizationId;

/// An organization with a slug for an id, as most applications have.
const ACME: &str = "acme";
/// Another one, so that there is something foreign to look at.
const GLOBEX: &str = "globex";
/// One with a UUID for an id: the clients of the ClickHouse Cloud dialect find it by themselves.
const INITECH: &str = "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f";
/// Seconds in a day.
const DAY: i64 = 24 * 60 * 60;

/// One sample: organization, address, role, age in seconds, status.
type Sample = (&'static str, &'static str, &'static str, i64, Status);

/// The samples, oldest first: ids grow with time.
const SAMPLES: &[Sample] = &[
    (GLOBEX, "hank@globex.example", "admin", 40 * DAY, Status::Accepted),
    (INITECH, "peter@initech.example", "developer", 35 * DAY, Status::Accepted),
    (ACME, "ada@example.com", "admin", 30 * DAY, Status::Accepted),
    (ACME, "late@example.com", "developer", 10 * DAY, Status::Expired),
    (INITECH, "milton@initech.example", "viewer", 3 * DAY, Status::Pending),
    (ACME, "oops@example.com", "developer", 2 * DAY, Status::Revoked),
    (GLOBEX, "grace@example.com", "developer", DAY, Status::Pending),
    (ACME, "grace@example.com", "developer", 60 * 60, Status::Pending),
    (ACME, "linus@example.com", "viewer", 60, Status::Pending),
];

/// Puts the samples into an empty file.
///
/// # Errors
/// When `rules` do not allow one of them, or the file cannot be written.
pub fn fill(tx: &WriteTx<'_>, rules: &Rules) -> Result<()> {
    // The samples have roles of their own, whatever the catalogue says, and use up no limit.
    let rules = Rules { roles: Vec::new(), sending: Sending::default(), ..rules.clone() };
    SAMPLES.iter().try_for_each(|sample| insert(tx, sample, &rules))
}

/// Inserts one sample as it would have come about.
fn insert(tx: &WriteTx<'_>, sample: &Sample, rules: &Rules) -> Result<()> {
    let &(organization, email, role, age, status) = sample;
    let origin = Origin { actor: "dev".to_owned(), request_id: "sample".to_owned() };
    let by = By { rights: Rights::ALL, origin };
    let organization = OrganizationId::parse(organization).ok_or_else(|| Error::internal("a sample's organization"))?;
    let then: Timestamp = tx.now.plus_seconds(-age);
    let body = CreateBody {
        email: Some(email.to_owned()),
        role: Some(role.to_owned()),
        inviter: Some(InviterBody { id: Some("user_1".to_owned()), name: Some("Ada Lovelace".to_owned()) }),
        ..CreateBody::default()
    };
    let new = NewInvitation::parse(organization, body, rules, then)?;
    let tx = tx.at(then);
    let (_, id) = create::create(&tx, &new, &by, |invitation| Ok(invitation.id))?;
    let change = match status {
        Status::Accepted => Change::Accept,
        Status::Revoked => Change::Revoke,
        _ => return Ok(()),
    };
    let present = Present::get(&tx, (&new.organization, id), |_| Ok(()))?;
    transition::close(&tx, &present, change, None, &by.origin)
}
