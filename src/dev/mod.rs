//! What only `invited dev` has: a clock to set, a file to empty and to fill.
//!
//! * [`seed`] is the document that fills a file: the samples, `--seed FILE`, and `POST /dev/seed`;
//!   [`lines`] reads one that is lines. [`plan`] carries it out, with each [`mod@entry`], and
//!   [`access`] has keys and webhooks.
//! * [`own_key`] is the key for programs that want one.
//! * [`snapshots`] are what one can go back to.
//! * [`store`] is the SQL that empties the file. [`folder`] is where that lies unless it is named.

pub mod access;
mod entry;
pub(crate) mod folder;
mod lines;
pub(crate) mod own_key;
mod plan;
pub mod seed;
pub(crate) mod snapshots;
pub mod store;

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use crate::base::clock::{Clock, Timestamp};
use crate::base::duration;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::origin::Origin;

/// Where that comes from which is there at the start, and after a reset.
pub(crate) fn origin_of_start() -> Origin {
    Origin {
        actor: "dev".to_owned(),
        request_id: "start".to_owned(),
    }
}

/// A length of time as it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a text as \"8d\", or whole seconds")]
pub enum Span {
    /// Whole seconds.
    Seconds(i64),
    /// Numbers with units, as `8d` or `1h 30m`, or whole seconds.
    Text(String),
}

impl Span {
    /// Reads the length; an error is about the value at `pointer`.
    fn parse(&self, pointer: &'static str) -> std::result::Result<Duration, FieldError> {
        match self {
            Self::Seconds(seconds) => {
                let negative =
                    |_| FieldError::new(pointer, FieldCode::OutOfRange, "not less than 0 seconds");
                u64::try_from(*seconds)
                    .map(Duration::from_secs)
                    .map_err(negative)
            }
            Self::Text(text) => duration::parse(text)
                .map_err(|detail| FieldError::new(pointer, FieldCode::InvalidFormat, detail)),
        }
    }

    /// Both forms, for the OpenAPI document.
    fn schema(description: &str) -> ObjectBuilder {
        let types = SchemaType::Array(vec![Type::String, Type::Integer, Type::Null]);
        ObjectBuilder::new()
            .schema_type(types)
            .minimum(Some(0))
            .description(Some(description))
            .examples(["8d"])
    }
}

/// A change of the clock: exactly one of the three. `null` counts as absent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ClockChange)]
pub(crate) struct ClockBody {
    /// Stops the clock at this time: RFC 3339, from 1970 to 9999.
    #[schema(format = DateTime, example = "2026-12-01T00:00:00Z")]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub set: Option<String>,
    /// Stops the clock so long after what it shows.
    #[schema(schema_with = advance_schema, required = false)]
    pub advance: Option<Span>,
    /// `true` lets it run with the machine's again.
    pub free: Option<bool>,
}

/// The schema of `advance`.
fn advance_schema() -> ObjectBuilder {
    Span::schema("Stops the clock so long after what it shows: a text as `8d`, or whole seconds.")
}

/// What to do to the clock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ClockChange {
    /// Stop it at this time.
    Set(Timestamp),
    /// Stop it so long after what it shows.
    Advance(Duration),
    /// Let it run with the machine's.
    Free,
}

impl ClockChange {
    /// Reads the body of a change.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] when it is not exactly one change, or one
    /// that cannot be.
    pub(crate) fn parse(body: &ClockBody) -> Result<Self> {
        let wrong = |pointer, code, detail| Err(FieldError::new(pointer, code, detail).into());
        match (&body.set, &body.advance, body.free) {
            (Some(time), None, None) => match Timestamp::parse(time) {
                Some(time) => Ok(Self::Set(time)),
                None => {
                    let detail = "an RFC 3339 time from 1970 to 9999, as 2026-12-01T00:00:00Z";
                    wrong("/set", FieldCode::InvalidFormat, detail)
                }
            },
            (None, Some(span), None) => span
                .parse("/advance")
                .map(Self::Advance)
                .map_err(Error::from),
            (None, None, Some(true)) => Ok(Self::Free),
            (None, None, Some(false)) => wrong("/free", FieldCode::UnknownValue, "only true"),
            (None, None, None) => {
                wrong("/set", FieldCode::Required, "one of set, advance and free")
            }
            (set, advance, free) => {
                let given = [
                    ("/set", set.is_some()),
                    ("/advance", advance.is_some()),
                    ("/free", free.is_some()),
                ];
                let given = given.into_iter().filter(|(_, is_given)| *is_given);
                let conflict = |(pointer, _)| {
                    FieldError::new(
                        pointer,
                        FieldCode::Conflict,
                        "only one of set, advance and free",
                    )
                };
                Err(Error::validation(given.map(conflict).collect()))
            }
        }
    }

    /// Makes the change.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] when the clock would go beyond the year 9999;
    /// it stays as it is then.
    pub(crate) fn apply(&self, clock: &Clock) -> Result<()> {
        match self {
            Self::Set(time) => clock.set(*time),
            Self::Free => clock.free(),
            Self::Advance(by) if clock.advance(*by) => {}
            Self::Advance(_) => {
                let detail = "the clock ends at 9999-12-31T23:59:59.999Z";
                return Err(FieldError::new("/advance", FieldCode::OutOfRange, detail).into());
            }
        }
        Ok(())
    }
}
