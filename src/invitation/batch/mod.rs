//! Many creates in one request and one commit, each with a result of its own.
//!
//! [`report`] is what became of them: as it is answered, and as it is stored.

pub(crate) mod report;
pub(crate) mod store;

use std::collections::HashSet;

use serde::Deserialize;
use utoipa::ToSchema;

use super::actor::Actor;
use super::new::{CreateBody, NewInvitation, OnConflict};
use super::{Invitation, create, json};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::json::object;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::policy::{Rules, Sending};

use report::{Report, RowResult};

/// The most rows of a batch.
const MAX_ROWS: usize = 1000;
/// What is wrong where that is wrong with all rows together.
const POINTER: &str = "/invitations";

/// Invitations to make at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationBatchCreate)]
pub struct BatchBody {
    /// The invitations to make, as in a create: 1 to 1000 of them.
    #[serde(default, deserialize_with = "object::list")]
    #[schema(value_type = Vec<CreateBody>, required = true, min_items = 1, max_items = 1000)]
    pub invitations: Option<Vec<CreateBody>>,
    /// Whether all are made or none. Without it each stands alone.
    pub atomic: Option<bool>,
    /// Whether to say only what would happen. Nothing is kept then.
    pub dry_run: Option<bool>,
}

/// What of a batch is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// All of it or nothing.
    pub is_atomic: bool,
    /// Nothing in any case.
    pub is_dry_run: bool,
}

/// A batch, checked as far as that is possible without the file.
#[derive(Debug)]
pub struct Batch {
    /// The rows in their order: invitations to make, or what is wrong with them.
    rows: Vec<Result<NewInvitation>>,
    /// Whether all are made or none.
    is_atomic: bool,
    /// Whether nothing is to be kept.
    pub is_dry_run: bool,
}

impl Batch {
    /// Checks `body` by `rules` at `now`. What is wrong with a row is a matter of that row.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] where there are no rows, or too many.
    pub fn parse(
        organization: &OrganizationId,
        body: BatchBody,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self> {
        let bodies = body.invitations.ok_or_else(|| {
            FieldError::new(POINTER, FieldCode::Required, "the invitations to make")
        })?;
        let keep = Keep {
            is_atomic: body.atomic.unwrap_or_default(),
            is_dry_run: body.dry_run.unwrap_or_default(),
        };
        Self::of_rows(organization, bodies.into_iter(), keep, rules, now)
    }

    /// The same of `bodies`, which are taken one by one: each is gone before the next one is made.
    ///
    /// # Errors
    /// Those of [`Batch::parse`].
    pub(crate) fn of_rows(
        organization: &OrganizationId,
        bodies: impl ExactSizeIterator<Item = CreateBody>,
        Keep {
            is_atomic,
            is_dry_run,
        }: Keep,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self> {
        if !(1..=MAX_ROWS).contains(&bodies.len()) {
            let detail = "1 to 1000 invitations";
            return Err(FieldError::new(POINTER, FieldCode::OutOfRange, detail).into());
        }
        let mut rules = rules.clone();
        if is_dry_run {
            // What is not sent counts for no limit.
            rules.sending = Sending {
                limits: std::sync::Arc::default(),
                ..rules.sending
            };
        }
        let parse = |body| NewInvitation::parse(organization.clone(), body, &rules, now);
        let mut rows: Vec<_> = bodies.map(parse).collect();
        refuse_repeated(&mut rows);
        Ok(Self {
            rows,
            is_atomic,
            is_dry_run,
        })
    }

    /// How many rows it has.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The addresses of the rows that nothing is wrong with.
    pub fn emails(&self) -> Vec<&str> {
        self.rows
            .iter()
            .filter_map(|row| Some(row.as_ref().ok()?.email.as_str()))
            .collect()
    }

    /// Makes the invitations. A row that fails is undone alone, or takes all others with it where
    /// the batch is atomic.
    ///
    /// # Errors
    /// Only what no row is to blame for, as a full disk.
    pub(crate) fn run(&self, tx: &WriteTx<'_>, by: &Actor) -> Result<Report> {
        let (is_atomic, is_dry_run) = (self.is_atomic, self.is_dry_run);
        tx.part(|| {
            let rows: Vec<_> = self
                .rows
                .iter()
                .map(|row| run_row(tx, row, by))
                .collect::<Result<_>>()?;
            let has_failed = rows.iter().any(|row| matches!(row, RowResult::Failed(_)));
            let is_undone = is_atomic && has_failed;
            let rows = if is_undone {
                rows.into_iter().map(undone).collect()
            } else {
                rows
            };
            let is_committed = !is_undone && !is_dry_run;
            Ok((Report { rows, is_committed }, is_committed))
        })
    }
}

/// Refuses each row that asks for the standing invitation of an address which a row before it asks
/// for, too: the same invitation need not be told a thousand times.
fn refuse_repeated(rows: &mut [Result<NewInvitation>]) {
    let mut seen = HashSet::new();
    for row in rows {
        let is_repeated = row.as_ref().is_ok_and(|new| {
            new.on_conflict == OnConflict::Return && !seen.insert(new.email.clone())
        });
        if is_repeated {
            let error = FieldError::new(
                "/email",
                FieldCode::Conflict,
                "a row before this one asks for the same address",
            );
            *row = Err(error.into());
        }
    }
}

/// Makes the invitation of one row.
fn run_row(tx: &WriteTx<'_>, row: &Result<NewInvitation>, by: &Actor) -> Result<RowResult> {
    let show = |invitation: &Invitation<'_>, outcome| {
        Ok((invitation.id, json::raw(by.shown(invitation, outcome)?)?))
    };
    let new = match row {
        Ok(new) => new,
        Err(error) => return Ok(RowResult::Failed(error.repeat())),
    };
    match tx.part(|| create::create(tx, new, by, show).map(|made| (made, true))) {
        Ok((outcome, (id, json))) => Ok(RowResult::Done { outcome, id, json }),
        Err(error) if error.code.meaning().status >= 500 => Err(error),
        Err(error) => Ok(RowResult::Failed(error)),
    }
}

/// The result of a row in an atomic batch in which another one failed.
fn undone(row: RowResult) -> RowResult {
    match row {
        RowResult::Done { .. } => RowResult::Failed(Error::new(
            Code::BatchUndone,
            "Another row of this atomic batch failed, so nothing of it was kept.",
        )),
        failed @ RowResult::Failed(_) => failed,
    }
}
