//! The SQL of members and their roles.

use rusqlite::{Connection, named_params};
use uuid::Uuid;

use super::row::read_id;
use crate::base::error::Result;
use crate::base::id::parse_id;
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::db::WriteTx;

/// The most roles that are listed. Roles are few, but nothing keeps a caller from making up one for
/// each invitation.
const MAX_ROLES: u32 = 1000;

/// The accepted invitations of the member `user` of `organization`, the latest `most` of them first.
/// May step over all invitations of the organization.
pub(crate) fn list_of_member(
    conn: &Connection,
    organization: &OrganizationId,
    user: &str,
    most: u32,
) -> Result<Vec<Uuid>> {
    let mut statement = conn.prepare_cached(
        "select id
         from invitation not indexed
         where organization_id = :organization_id
           and state = 1
           and (accepted_by = :user or accepted_by is null and id = :id)
           and not exists (select 1 from purge where organization_id = :organization_id)
         order by id desc
         limit :most",
    )?;
    let id = parse_id(user);
    let rows = statement.query_map(
        named_params! {
            ":organization_id": organization.as_str(),
            ":user": user,
            ":id": id.as_ref().map(Uuid::as_bytes),
            ":most": most,
        },
        |row| read_id(row, 0),
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Gives an accepted invitation another role.
pub(crate) fn set_role(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    role: &Role,
) -> Result<()> {
    tx.prepare_cached(
        "update invitation not indexed
         set role = :role,
             updated_at = :now
         where organization_id = :organization_id
           and id = :id
           and state = 1",
    )?
    .execute(named_params! {
        ":role": role.as_str(),
        ":now": tx.now.as_millis(),
        ":organization_id": organization.as_str(),
        ":id": id.as_bytes(),
    })?;
    Ok(())
}

/// The roles of the pending and accepted invitations of `organization`, in their order. Steps over
/// all of its invitations.
pub(crate) fn list_roles(conn: &Connection, organization: &OrganizationId) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "select distinct role
         from invitation not indexed
         where organization_id = ?1
           and state in (0, 1)
           and not exists (select 1 from purge where organization_id = ?1)
         order by role
         limit ?2",
    )?;
    let rows = statement.query_map((organization.as_str(), MAX_ROLES), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
