//! The rows of one create, written straight to SQLite: what the baselines do in place of the
//! server, and the seeding too.

use invited::base::clock::{Clock, Timestamp};
use invited::base::error::Result;
use invited::event;
use invited::event::chain::EventRow;
use rusqlite::{Connection, named_params};
use uuid::Uuid;

/// How long the invitations live: longer than a seeded file is kept.
const LIFETIME_SECONDS: i64 = 365 * 24 * 60 * 60;
/// The role that all of them have.
const ROLE: &str = "developer";
/// Who is written down as the one who did it: as long as a key's id.
const ACTOR: &str = "0123456789abcdef";

/// What was inserted.
pub struct Inserted {
    /// The invitation's id.
    pub id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Inserted {
    /// The answer of a create, as the server gives it.
    pub fn json(&self, organization: &str, email: &str) -> String {
        let Self {
            id,
            created_at,
            expires_at,
        } = self;
        format!(
            "{{\"role\":\"{ROLE}\",\"id\":\"{id}\",\"email\":\"{email}\",\
             \"createdAt\":\"{created_at}\",\
             \"expiresAt\":\"{expires_at}\",\"organizationId\":\"{organization}\",\
             \"status\":\"pending\",\
             \"updatedAt\":\"{created_at}\"}}"
        )
    }
}

/// Inserts the organization if it is new, the invitation, and its event, in whatever transaction is
/// open.
pub fn insert(conn: &Connection, organization: &str, email: &str) -> Result<Inserted> {
    let created_at = Clock::System.now();
    let inserted = Inserted {
        id: Uuid::now_v7(),
        created_at,
        expires_at: created_at.plus_seconds(LIFETIME_SECONDS),
    };
    let now = created_at.as_millis();
    conn.prepare_cached(
        "insert into organization (id, created_at, updated_at)
         values (?1, ?2, ?2)
         on conflict (id) do nothing",
    )?
    .execute((organization, now))?;
    conn.prepare_cached(
        "insert into invitation (organization_id, id, email, role, state, created_at,
         expires_at, updated_at)
         values (:organization_id, :id, :email, :role, 0, :now, :expires_at, :now)
         on conflict (email, organization_id) where state in (0, 1) do nothing",
    )?
    .execute(named_params! {
        ":organization_id": organization,
        ":id": inserted.id.as_bytes(),
        ":email": email,
        ":role": ROLE,
        ":now": now,
        ":expires_at": inserted.expires_at.as_millis(),
    })?;
    let after = format!(
        "{{\"email\":\"{email}\",\"role\":\"{ROLE}\",\"status\":\"pending\",\"expiresAt\":\"{}\"}}",
        inserted.expires_at
    );
    let request_id = Uuid::new_v4().to_string();
    event::store::row::insert(
        conn,
        &EventRow {
            organization,
            id: Uuid::now_v7(),
            kind: "invitation.created",
            invitation: Some(inserted.id),
            actor: ACTOR,
            request_id: &request_id,
            created_at,
            before: None,
            after: Some(&after),
        },
    )?;
    Ok(inserted)
}
