//! The place of API keys: all that the visitor may know of, one of them, and revoking it.
//!
//! * [`mod@new`] makes them.

mod new;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use minijinja::{Value, context};

use super::get;
use super::sheet::{Place, see_other};
use super::visitor::Visitor;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::db::{Reader, WriteTx};
use crate::http::path::PathKeyId;
use crate::http::route::Route;
use crate::key::json::ApiKey;
use crate::key::token::KeyId;
use crate::key::{Key, Rights, Scope, manage, store};
use crate::session;

/// Keys on a page.
const ON_A_PAGE: usize = 50;

/// The paths of this file and of those below it.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = new::routes();
    routes.extend([
        get("/console/keys", web::to(list)),
        get("/console/keys/{keyId}", web::to(page)),
        get("/console/keys/{keyId}/revoke", web::to(revoke_page))
            .with(Method::POST, web::to(revoke)),
    ]);
    routes
}

/// Which keys a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Those that open something.
    Live,
    /// Those that were revoked, or have expired.
    Ended,
}

impl Shown {
    /// Reads the value of `state`; what else it may be are those that open something.
    fn parse(text: Option<&str>) -> Self {
        match text {
            Some("ended") => Self::Ended,
            _ => Self::Live,
        }
    }

    /// The value of `state`.
    fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ended => "ended",
        }
    }

    /// Whether `key` is one of them at `now`.
    fn has(self, key: &Key, now: Timestamp) -> bool {
        key.is_live(now) == (self == Self::Live)
    }
}

/// The keys that a list shows.
struct Listed {
    /// One page of them, newest first.
    rows: Vec<Value>,
    /// How many open something, and how many do not any more.
    counts: [usize; 2],
    /// The last key of the page, where more follow.
    older: Option<String>,
}

impl Listed {
    /// Reads the page that follows the key with the id `after`.
    fn read(reader: &Reader<'_>, rights: &Rights, shown: Shown, after: &str) -> Result<Self> {
        let mut keys = store::list(reader)?;
        keys.retain(|key| rights.see_key(key));
        keys.reverse();
        let live = keys.iter().filter(|key| key.is_live(reader.now)).count();
        let counts = [live, keys.len() - live];
        keys.retain(|key| shown.has(key, reader.now));
        let start = keys.iter().position(|key| key.id.as_str() == after);
        let rest = keys.get(start.map_or(0, |start| start + 1)..);
        let rest = rest.unwrap_or_default();
        let rows = rest.iter().take(ON_A_PAGE);
        let older = rest.get(ON_A_PAGE - 1).filter(|_| rest.len() > ON_A_PAGE);
        Ok(Self {
            rows: rows.map(|key| value_of(key, reader.now)).collect(),
            counts,
            older: older.map(|last| last.id.as_str().to_owned()),
        })
    }
}

/// A key as templates have it.
fn value_of(key: &Key, now: Timestamp) -> Value {
    Value::from_serialize(ApiKey::new(key, now))
}

/// `GET /console/keys` with `admin`: the keys that the visitor may know of.
async fn list(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let query = visitor.query();
    let shown = Shown::parse(query.get("state"));
    let after = query.trimmed("after").unwrap_or_default();
    let is_first = after.is_empty();
    let rights = visitor.caller.rights.clone();
    // How many keys there are has no bound.
    let read = move |reader: &Reader<'_>| Listed::read(reader, &rights, shown, &after);
    let listed = visitor.state.db.read_long(&visitor.caller.actor, read);
    let Listed {
        rows,
        counts: [live, ended],
        older,
    } = listed.await?;
    let values = context! { rows, live, ended, older, is_first, state => shown.name() };
    visitor.show(Place::Keys, "keys.html", values).await
}

/// The key `id`, if `rights` let one know of it.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`].
fn find(reader: &Reader<'_>, id: &KeyId, rights: &Rights) -> Result<Key> {
    let key = store::find(reader, id)?.ok_or_else(Error::not_found)?;
    rights.check_sees_key(&key)?;
    Ok(key)
}

/// `GET` of a key with `admin`: all there is to know of it.
async fn page(visitor: Visitor, id: PathKeyId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let rights = &visitor.caller.rights;
    let key = visitor.state.db.read(|reader| {
        let key = find(reader, &id.0, rights)?;
        Ok(value_of(&key, reader.now))
    })?;
    let is_own = visitor.caller.actor == id.0.as_str();
    let values = context! { key, is_own };
    visitor.show(Place::Keys, "key.html", values).await
}

/// `GET .../revoke` with `admin`: what stops with the key.
async fn revoke_page(visitor: Visitor, id: PathKeyId) -> Result<HttpResponse> {
    let values = about_revoking(&visitor, &id.0).await?;
    visitor.show(Place::Keys, "key_revoke.html", values).await
}

/// What stops with the key `id`.
async fn about_revoking(visitor: &Visitor, id: &KeyId) -> Result<Value> {
    visitor.require(Scope::Admin)?;
    let (rights, wanted) = (visitor.caller.rights.clone(), id.clone());
    let read = move |reader: &Reader<'_>| {
        let key = find(reader, &wanted, &rights)?;
        let is_last_admin = is_last_admin(&key, &store::list(reader)?, &rights, reader.now);
        let sessions = session::count(reader, &wanted)?;
        let key = value_of(&key, reader.now);
        Ok(context! { key, sessions, is_last_admin })
    };
    let values = visitor.state.db.read_long(&visitor.caller.actor, read);
    let is_own = visitor.caller.actor == id.as_str();
    Ok(context! { is_own, ..values.await? })
}

/// Whether `key` is the last live one of `all` with `admin`, as far as somebody with `rights` may
/// know: who does not see every key is not told.
fn is_last_admin(key: &Key, all: &[Key], rights: &Rights, now: Timestamp) -> bool {
    let is_admin = |key: &Key| key.is_live(now) && key.rights.scopes.contain(Scope::Admin);
    let sees_all = rights.organizations.is_none() && rights.roles.is_none();
    let is_other = |other: &&Key| is_admin(other) && other.id != key.id;
    sees_all && is_admin(key) && all.iter().find(is_other).is_none()
}

/// `POST .../revoke` with `admin`: the next request that carries the key is refused.
async fn revoke(visitor: Visitor, id: PathKeyId) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.form().await?;
    let (origin, rights) = (visitor.origin(), visitor.caller.rights.clone());
    let (actor, key) = (origin.actor.clone(), id.0.clone());
    let job = move |tx: &WriteTx<'_>| manage::revoke(tx, &key, &origin, &rights);
    visitor.author().write(&visitor.state.db, job).await?;
    log::info!("{actor} revoked the key {}", id.0.as_str());
    if visitor.caller.actor == id.0.as_str() {
        return Ok(see_other("../../sign-in"));
    }
    Ok(visitor.go(&format!("keys/{}", id.0.as_str()), "key-revoked", None))
}
