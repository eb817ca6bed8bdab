//! The clock, faults, seeds and snapshots.

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::json;

use super::super::sheet::Place;
use super::super::visitor::{Fields, Visitor};
use super::super::{get, post};
use crate::api::dev;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::json;
use crate::dev::seed::Start;
use crate::dev::snapshots::RestoreBody;
use crate::http::route::Route;
use crate::outbox::faults::Plans;

/// Where the page is, from `/console`.
const WAY: &str = "desk/state";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/console/desk/state", web::to(page)),
        post("/console/desk/clock", web::to(clock)),
        post("/console/desk/faults", web::to(faults)),
        post("/console/desk/reset", web::to(reset)),
        post("/console/desk/seed", web::to(seed)),
        post("/console/desk/snapshot", web::to(take)),
        post("/console/desk/restore", web::to(restore)),
    ]
}

/// What the page shows, with what was typed into the form of a seed.
fn values(visitor: &Visitor, seed: Option<&str>) -> Value {
    let state = &visitor.state;
    let (clock, plans) = (state.db.clock(), state.faults.plans());
    context! {
        is_stopped => clock.stopped_at().is_some(),
        faults => Value::from_serialize(plans),
        snapshots => state.snapshots.list(),
        seed,
    }
}

/// `GET /console/desk/state`.
async fn page(visitor: Visitor) -> Result<HttpResponse> {
    let values = values(&visitor, None);
    visitor.show(Place::Desk, "desk_state.html", values).await
}

/// Goes back to the page after a change; where that was refused, the page says why.
async fn finish(
    visitor: &Visitor,
    outcome: Result<()>,
    did: &str,
    fields: &Fields,
) -> Result<HttpResponse> {
    let Err(error) = outcome else {
        return Ok(visitor.go(WAY, did, None));
    };
    let values = values(visitor, fields.get("seed"));
    visitor
        .show_refused(error, Place::Desk, "desk_state.html", values)
        .await
}

/// What the fields of a form say as the body of an operation.
fn body<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

/// `POST /console/desk/clock`: sets the clock, moves it, or lets it run.
async fn clock(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    let fields = &sent.fields;
    let change = match (fields.trimmed("advance"), fields.trimmed("set")) {
        (Some(advance), _) => json!({ "advance": advance }),
        (None, Some(set)) => json!({ "set": as_utc(&set) }),
        (None, None) => json!({ "free": true }),
    };
    let outcome = dev::set_clock(&visitor.state, &body(change)?).await;
    finish(&visitor, outcome, "clock", fields).await
}

/// A time as a field for times has it, `2026-12-05T14:01`, in UTC; other texts stay as they are.
fn as_utc(time: &str) -> String {
    match time.len() {
        16 => format!("{time}:00Z"),
        19 => format!("{time}Z"),
        _ => time.to_owned(),
    }
}

/// `POST /console/desk/faults`: makes the next deliveries fail, or takes all faults back.
async fn faults(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    let fields = &sent.fields;
    if fields.get("clear").is_some() {
        visitor.state.faults.clear();
        return finish(&visitor, Ok(()), "faults", fields).await;
    }
    let outcome = plans(fields).map(|plans| {
        visitor.state.faults.set(plans);
    });
    finish(&visitor, outcome, "faults", fields).await
}

/// The faults that a form asks for.
fn plans(fields: &Fields) -> Result<Plans> {
    let target = fields.get("target").unwrap_or_default();
    let number = |name: &'static str| {
        let wrong = || {
            FieldError::new(
                format!("/{name}"),
                FieldCode::InvalidFormat,
                "a whole number",
            )
        };
        let value = fields.trimmed(name).unwrap_or_default();
        value.parse::<i64>().map_err(|_| Error::from(wrong()))
    };
    let fault = match fields.get("do").unwrap_or_default() {
        "status" => json!(number("status")?),
        other => json!(other),
    };
    let plan = json!({ "next": number("next")?, "do": fault });
    let text = json!({ target: plan }).to_string();
    Plans::parse(&json::parse(text.as_bytes())?)
}

/// `POST /console/desk/reset`: back to the start.
async fn reset(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    keep_snapshot(&visitor).await?;
    let outcome = dev::start_over(&visitor.state).await;
    finish(&visitor, outcome, "reset", &sent.fields).await
}

/// `POST /console/desk/seed`: a document takes the place of everything.
async fn seed(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    let text = sent.fields.get("seed").unwrap_or_default();
    let outcome = match Start::read(text.as_bytes()) {
        Ok(start) => {
            keep_snapshot(&visitor).await?;
            dev::plant(&visitor.state, start, visitor.origin())
                .await
                .map(drop)
        }
        Err(error) => Err(error),
    };
    finish(&visitor, outcome, "seeded", &sent.fields).await
}

/// Keeps everything as it is, so that there is a way back from what comes next.
pub(super) async fn keep_snapshot(visitor: &Visitor) -> Result<()> {
    let state = &visitor.state;
    let taken = state
        .snapshots
        .take(&state.db, &state.faults, &visitor.caller.actor);
    taken.await.map(drop)
}

/// `POST /console/desk/snapshot`: keeps everything as it is.
async fn take(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    let outcome = keep_snapshot(&visitor).await;
    finish(&visitor, outcome, "snapshot", &sent.fields).await
}

/// `POST /console/desk/restore`: puts everything back as a snapshot has it.
async fn restore(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    let state = &visitor.state;
    let asked: RestoreBody = body(json!({ "id": sent.fields.trimmed("id") }))?;
    let outcome = match state.snapshots.find(&asked) {
        Ok(snapshot) => snapshot.restore(&state.db, &state.faults).await,
        Err(error) => Err(error),
    };
    if outcome.is_ok() {
        state.streams.cut();
    }
    finish(&visitor, outcome, "restored", &sent.fields).await
}
