//! The SQL of answers: invitations by their token, and codes.

use rusqlite::Connection;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::invitation::link::LinkToken;
use crate::invitation::{Invitation, store};
use crate::secret::Keyring;

/// An organization that is looked for in vain. One of that name has no invitation that is looked
/// for there.
const NOBODY: &str = "nobody";

/// The invitation that `token` opens, as `show` makes it; none where the token is unknown, altered
/// or superseded. `conn` is a reader's or a transaction's.
pub(crate) fn open<T>(
    conn: &Connection,
    now: Timestamp,
    keyring: &Keyring,
    token: &LinkToken,
    show: impl FnOnce(&Invitation<'_>, &OrganizationId) -> Result<T>,
) -> Result<Option<T>> {
    let Some(organization) = store::find_organization(conn, token.id)? else {
        return pretend(conn, now, keyring, token).map(|()| None);
    };
    let show_matching = |invitation: &Invitation<'_>| {
        let matches = token.matches(keyring, now, invitation.send_count.unwrap_or_default());
        matches.then(|| show(invitation, &organization)).transpose()
    };
    Ok(store::find(conn, now, &organization, token.id, show_matching)?.flatten())
}

/// Does for an unknown id most of what is done for a known one with a wrong token: both searches
/// and the digest. The microseconds of the row itself are left: they tell of an id, which is no
/// secret, and of nothing that a token needs.
fn pretend(conn: &Connection, now: Timestamp, keyring: &Keyring, token: &LinkToken) -> Result<()> {
    if let Some(nobody) = OrganizationId::parse(NOBODY) {
        store::find(conn, now, &nobody, token.id, |_| Ok(()))?;
    }
    std::hint::black_box(token.matches(keyring, now, 0));
    Ok(())
}
