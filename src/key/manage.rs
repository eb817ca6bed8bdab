//! Making and revoking keys: nobody gives away, or takes, more than they have.

use serde_json::json;

use super::token::{KeyId, PlainKey, RANDOM_LEN};
use super::{Key, NewKey, Rights, store};
use crate::audit::{self, Action, By, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::base::role::Role;
use crate::db::WriteTx;

/// Who manages keys, as they stand in the transaction: since the request was let in, their key may
/// have been revoked.
struct Manager {
    /// What they may do.
    rights: Rights,
    /// When their own key ends.
    expires_at: Option<Timestamp>,
}

impl Manager {
    /// The manager behind `origin`, whose request was let in with `rights`.
    fn find(tx: &WriteTx<'_>, origin: &Origin, rights: &Rights) -> Result<Self> {
        // Development without a key has an actor that is no key's id.
        let Some(id) = KeyId::parse(&origin.actor) else {
            return Ok(Self {
                rights: rights.clone(),
                expires_at: None,
            });
        };
        let own = store::find(tx, &id)?
            .filter(|own| own.is_live(tx.now))
            .ok_or_else(Error::unauthorized)?;
        Ok(Self {
            rights: own.rights,
            expires_at: own.expires_at,
        })
    }

    /// Checks that `new` gets nothing that the manager does not have. Scopes need no look: `admin`
    /// has them all.
    fn check(&self, new: &NewKey) -> Result<()> {
        let lasts_longer = self
            .expires_at
            .is_some_and(|own| new.expires_at.is_none_or(|end| own < end));
        let exceeded: Vec<_> = [
            (
                "organizations",
                !is_within(
                    new.rights.organizations.as_deref(),
                    self.rights.organizations.as_deref(),
                ),
            ),
            (
                "roles",
                !is_within(new.rights.roles.as_deref(), self.rights.roles.as_deref()),
            ),
            ("expiresAt", lasts_longer),
        ]
        .into_iter()
        .filter_map(|(name, is_exceeded)| is_exceeded.then_some(name))
        .collect();
        if exceeded.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "The new key would exceed the one that makes it in: {}.",
            exceeded.join(", ")
        );
        Err(Error::new(Code::KeyExceedsOwnRights, detail))
    }
}

/// Whether a list that may be absent, for all there is, is within another.
fn is_within<T: PartialEq>(inner: Option<&[T]>, outer: Option<&[T]>) -> bool {
    outer.is_none_or(|outer| inner.is_some_and(|inner| inner.iter().all(|one| outer.contains(one))))
}

impl Rights {
    /// Whether the caller may know of `key`: only if it is bound to organizations that the caller
    /// may see, and limited to roles that the caller may grant.
    pub(crate) fn see_key(&self, key: &Key) -> bool {
        is_within(
            key.rights.organizations.as_deref(),
            self.organizations.as_deref(),
        ) && is_within(key.rights.roles.as_deref(), self.roles.as_deref())
    }

    /// Checks that the caller may know of `key`.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub(crate) fn check_sees_key(&self, key: &Key) -> Result<()> {
        if self.see_key(key) {
            Ok(())
        } else {
            Err(Error::foreign())
        }
    }
}

/// Makes a key. Returns it as it is listed, and its plain text.
///
/// # Errors
/// [`Code::KeyExceedsOwnRights`]; [`Code::Unauthorized`] when the manager's own key has died since.
pub fn create(
    tx: &WriteTx<'_>,
    new: &NewKey,
    origin: &Origin,
    rights: &Rights,
) -> Result<(Key, PlainKey)> {
    Manager::find(tx, origin, rights)?.check(new)?;
    let plain = create_as(tx, new, origin.by())?;
    let made = store::find(tx, &plain.id)?;
    made.map(|made| (made, plain))
        .ok_or_else(|| Error::internal("a key vanished in its own transaction"))
}

/// Revokes a key; one that is revoked already stays as it is.
///
/// # Errors
/// [`Code::NotFound`] for one that the manager may not know of; [`Code::Unauthorized`] when the
/// manager's own key has died since.
pub fn revoke(tx: &WriteTx<'_>, id: &KeyId, origin: &Origin, rights: &Rights) -> Result<()> {
    let manager = Manager::find(tx, origin, rights)?;
    manager
        .rights
        .check_sees_key(&store::find(tx, id)?.ok_or_else(Error::not_found)?)?;
    revoke_as(tx, id, origin.by())?;
    Ok(())
}

/// Makes a key for whoever is at the machine: nothing is checked. Returns its plain text.
///
/// # Errors
/// When the file cannot be written.
pub fn create_as(tx: &WriteTx<'_>, new: &NewKey, by: By<'_>) -> Result<PlainKey> {
    let mut random = [0; RANDOM_LEN];
    tx.fill_for_key(&mut random)?;
    let plain = PlainKey::from_random(&random);
    insert_as(tx, &plain, new, by)?;
    Ok(plain)
}

/// Makes `plain` a key for whoever is at the machine: nothing is checked.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn insert_as(
    tx: &WriteTx<'_>,
    plain: &PlainKey,
    new: &NewKey,
    by: By<'_>,
) -> Result<()> {
    store::insert(tx, plain, new, by.actor)?;
    record(tx, by, Action::KeyCreated, &plain.id, &new.rights)
}

/// Revokes a key for whoever is at the machine: nothing is checked. Returns whether there was one
/// that was not revoked yet.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn revoke_as(tx: &WriteTx<'_>, id: &KeyId, by: By<'_>) -> Result<bool> {
    let Some(key) = store::find(tx, id)?.filter(|key| key.revoked_at.is_none()) else {
        return Ok(false);
    };
    record(tx, by, Action::KeyRevoked, id, &key.rights)?;
    store::revoke(tx, id)
}

/// Takes an organization that is being deleted from the keys that are bound to it: see
/// [`store::unbind`].
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn unbind(tx: &WriteTx<'_>, organization: &OrganizationId, by: By<'_>) -> Result<()> {
    for key in store::list_bound_only_to(tx, organization)? {
        record(tx, by, Action::KeyRevoked, &key.id, &key.rights)?;
    }
    store::unbind(tx, organization)
}

/// Writes into the history of the server what was done to a key with `rights`.
fn record(tx: &WriteTx<'_>, by: By<'_>, action: Action, id: &KeyId, rights: &Rights) -> Result<()> {
    let mut details = json!({ "scopes": rights.scopes.names() });
    if let Some(roles) = &rights.roles {
        details["roles"] = roles.iter().map(Role::as_str).collect();
    }
    let organizations = rights.organizations.as_deref();
    audit::store::append(
        tx,
        &NewEntry {
            action,
            by,
            subject: Some(id.as_str()),
            organizations,
            details,
        },
    )?;
    Ok(())
}
