//! Batches of invitations that a page sends or tries out.

use std::sync::Arc;

use crate::api::console::visitor::{Fields, Visitor};
use crate::api::invitations::batch::rehearse;
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Load, WriteTx};
use crate::invitation::batch::report::{Report, RowResult};
use crate::invitation::batch::{Batch, Keep};
use crate::invitation::create::Outcome;
use crate::invitation::new::CreateBody;
use crate::purge;

/// The most rows of a batch, as the API has it.
pub(super) const MOST_ROWS: usize = 1_000;
/// The most bytes of what a form says of all its rows.
const MOST_OPTION_BYTES: usize = 16 * 1024;
/// Memory that a row takes up while its batch waits.
const ROW_BYTES: usize = 1024;
/// The most errors that a page lists.
const MOST_LISTED: usize = 20;

/// Sends a batch, as the API does.
///
/// # Errors
/// Only what is wrong with the whole batch.
pub(super) async fn send(
    visitor: &Visitor,
    organization: &OrganizationId,
    rows: impl ExactSizeIterator<Item = CreateBody>,
    is_atomic: bool,
) -> Result<Report> {
    let keep = Keep {
        is_atomic,
        is_dry_run: false,
    };
    let batch = parse(visitor, organization, rows, keep)?;
    let (organization, by) = (organization.clone(), visitor.by());
    let load = Load {
        jobs: 1,
        rows: batch.row_count(),
        bytes: batch.row_count() * ROW_BYTES,
    };
    let job = move |tx: &WriteTx<'_>| {
        purge::store::check_stands(tx, &organization)?;
        batch.run(tx, &by)
    };
    let author = visitor.author();
    author.write_load(&visitor.state.db, load, job).await
}

/// Finds out what would become of a batch.
///
/// # Errors
/// Those of [`send`].
pub(super) async fn try_out(
    visitor: &Visitor,
    organization: &OrganizationId,
    rows: impl ExactSizeIterator<Item = CreateBody>,
) -> Result<Report> {
    let keep = Keep {
        is_atomic: false,
        is_dry_run: true,
    };
    let batch = parse(visitor, organization, rows, keep)?;
    let db = &visitor.state.db;
    rehearse(db, organization.clone(), Arc::new(batch), visitor.by()).await
}

/// Checks a batch as far as that is possible without the file.
fn parse(
    visitor: &Visitor,
    organization: &OrganizationId,
    rows: impl ExactSizeIterator<Item = CreateBody>,
    keep: Keep,
) -> Result<Batch> {
    let state = &visitor.state;
    Batch::of_rows(organization, rows, keep, &state.rules, state.db.now())
}

/// Checks the length of what a form says of all its rows, in the fields `names`: it is written into
/// each of a thousand.
pub(super) fn check_options(
    fields: &Fields,
    names: impl Iterator<Item = &'static str> + Clone,
) -> std::result::Result<(), FieldError> {
    let length = |name: &&'static str| fields.get(name).map_or(0, str::len);
    let all: usize = names.clone().map(|name| length(&name)).sum();
    let longest = names.max_by_key(length).filter(|_| all > MOST_OPTION_BYTES);
    longest.map_or(Ok(()), |name| {
        let detail = "too long: all that is said of every invitation has at most 16 KiB";
        Err(FieldError::new(
            format!("/{name}"),
            FieldCode::TooLong,
            detail,
        ))
    })
}

/// How many new invitations there are.
pub(super) fn count_made(report: &Report) -> usize {
    let is_new = |row: &&RowResult| {
        let RowResult::Done { outcome, .. } = row else {
            return false;
        };
        *outcome == Outcome::Created
    };
    report.rows.iter().filter(is_new).count()
}

/// Why a row was refused, in words for the person who sent it.
pub(super) fn reason(error: &Error) -> String {
    match error.code {
        Code::AlreadyInvited => "Has a pending invitation already".to_owned(),
        Code::AlreadyAccepted => "Has joined already".to_owned(),
        Code::ValidationFailed if !error.fields.is_empty() => {
            let words = error.fields.iter().map(|field| match &*field.pointer {
                "/email" => field.detail.to_string(),
                other => format!("{}: {}", other.trim_start_matches('/'), field.detail),
            });
            capitalized(&words.collect::<Vec<_>>().join("; "))
        }
        _ => with_wait(error),
    }
}

/// `text` as the beginning of a sentence.
fn capitalized(text: &str) -> String {
    let first = text.chars().take(1).flat_map(char::to_uppercase);
    first.chain(text.chars().skip(1)).collect()
}

/// What an error says, and when another try makes sense.
pub(super) fn with_wait(error: &Error) -> String {
    match error.retry_after_seconds {
        // A cool-down says itself when it is over.
        Some(seconds) if error.code != Code::ResendTooSoon => {
            format!("{} Try again in {seconds} s.", error.detail)
        }
        _ => error.detail.to_string(),
    }
}

/// What is wrong with the rows of a form, if anything: one error, in which each address has its
/// reason and each other field what is wrong with it once.
pub(super) fn error_of(report: &Report, emails: &[String]) -> Option<Error> {
    let failed: Vec<_> = report
        .rows
        .iter()
        .zip(emails)
        .filter_map(|(row, email)| match row {
            RowResult::Failed(error) if error.code != Code::BatchUndone => Some((error, email)),
            _ => None,
        })
        .collect();
    if let ([(error, _)], [_]) = (&failed[..], emails) {
        return Some(error.repeat());
    }
    let mut fields: Vec<FieldError> = Vec::new();
    for (error, email) in failed {
        for field in of_row(error, email) {
            if fields.len() < MOST_LISTED && !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    (!fields.is_empty()).then(|| Error::validation(fields))
}

/// What is wrong with the row of `email`.
fn of_row(error: &Error, email: &str) -> Vec<FieldError> {
    use crate::base::error::FieldCode::NotAllowed;
    let about = |why: &str| format!("{email}: {why}");
    if error.fields.is_empty() {
        return vec![FieldError::new("/email", NotAllowed, about(&reason(error)))];
    }
    let mut fields = error.fields.clone();
    for field in &mut fields {
        if field.pointer == "/email" {
            field.detail = about(&field.detail).into();
        }
    }
    fields
}
