//! How the server is: what its checks find, its numbers, and the settings that matter for it.

use std::cmp::Reverse;
use std::time::Instant;

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde::Serialize;

use super::get;
use super::sheet::Place;
use super::visitor::Visitor;
use crate::api::findings;
use crate::backup::schedule::Schedule;
use crate::base::clock::{Clock, Timestamp};
use crate::base::error::{Error, Result};
use crate::db::Reader;
use crate::doctor::{self, Finding, Severity};
use crate::http::route::Route;
use crate::invitation::store as invitations;
use crate::key::Scope;
use crate::organization::store as organizations;
use crate::outbox::mail::store::waiting as mail;
use crate::outbox::mail::waiting::{Counts, Selection};

/// Rows of a kind that are counted at most: beyond, the page says that there are more. A million
/// invitations take 20 ms from memory, and a second from a disk that has not read them yet.
const MOST_COUNTED: u32 = 1_000_000;

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/console/health", web::to(page))]
}

/// How much there is in the data file.
#[derive(Serialize)]
struct Rows {
    /// Organizations.
    organizations: i64,
    /// Invitations of all of them, in any state.
    invitations: i64,
    /// The queue of mail.
    mail: Counts,
}

impl Rows {
    /// Counts what there is.
    fn count(reader: &Reader<'_>) -> Result<Self> {
        Ok(Self {
            organizations: organizations::count_all(reader, MOST_COUNTED)?,
            invitations: invitations::count_all(reader, MOST_COUNTED)?,
            mail: mail::count(reader, &Selection::default())?,
        })
    }
}

/// `GET /console/health` with `admin` for all organizations.
///
/// # Errors
/// 404 for who is bound to organizations, as for the findings of the API.
async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    if visitor.caller.rights.organizations.is_some() {
        return Err(Error::not_found());
    }
    let (state, actor) = (&visitor.state, &visitor.caller.actor);
    let mut findings = findings::find(state, actor).await?;
    state.standing.keep(&findings);
    findings.sort_by_key(|finding| Reverse(finding.state));
    let setup = state.setup.clone();
    let read = move |reader: &Reader<'_>| {
        let sizes = doctor::measure(&setup);
        Ok((Rows::count(reader)?, sizes, reader.schema_version()?))
    };
    let (rows, sizes, schema) = state.db.read_long(actor, read).await?;
    let values = context! {
        bad => count(&findings, Severity::Bad),
        warn => count(&findings, Severity::Warn),
        findings => Value::from_serialize(&findings),
        sizes => Value::from_serialize(sizes),
        rows => Value::from_serialize(rows),
        most => MOST_COUNTED,
        schema,
        sqlite => crate::db::sqlite_version(),
        streams => state.streams.count(),
        started_at => state.started_at,
        up_ms => Clock::System.now().as_millis() - state.started_at.as_millis(),
        settings => settings(&visitor),
        backups => state.backups.as_deref().map(backups),
    };
    visitor.show(Place::Health, "health.html", values).await
}

/// How many findings are as bad as `severity`.
fn count(findings: &[Finding], severity: Severity) -> usize {
    let like = |finding: &&Finding| finding.state == severity;
    findings.iter().filter(like).count()
}

/// How it stands with the backups that the server makes by itself.
fn backups(schedule: &Schedule) -> Value {
    let outlook = schedule.outlook();
    let since = |time: Timestamp| schedule.now().as_millis() - time.as_millis();
    let next = outlook.next.saturating_duration_since(Instant::now());
    context! {
        bytes => outlook.last.as_ref().map(|last| last.bytes),
        age_ms => outlook.last.as_ref().map(|last| since(last.begun_at).max(0)),
        begun_at => outlook.last.as_ref().map(|last| last.begun_at),
        next_ms => u64::try_from(next.as_millis()).unwrap_or(u64::MAX),
        failed_at => outlook.failed.as_ref().map(|failed| failed.at),
        hint => outlook.failed.as_ref().map(|failed| failed.hint.clone()),
        every_ms => u64::try_from(schedule.plan.every.as_millis()).unwrap_or(u64::MAX),
        keep => schedule.plan.keep,
    }
}

/// The settings that decide how the server is reached and what it keeps.
fn settings(visitor: &Visitor) -> Value {
    let (state, setup) = (&visitor.state, &visitor.state.setup);
    context! {
        public_url => state.public_url,
        is_public_url_set => setup.public_url.is_some(),
        listen => setup.listen.join(", "),
        mail => setup.mail,
        mail_host => setup.mail_host,
        keep_closed => setup.keep_closed,
        trusts_proxies => setup.trusts_proxies,
    }
}
