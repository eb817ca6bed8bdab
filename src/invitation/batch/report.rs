//! What became of a batch: as it is answered, and as it is stored.
//!
//! A stored answer names invitations by their ids, so that it is no larger than the request, and
//! holds nothing of an invitation that is deleted or erased later. A repetition shows them as they
//! are then.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::error::problem::Problem;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::Reader;
use crate::invitation::create::Outcome;
use crate::invitation::{Invitation, json, store};
use crate::key::Rights;

/// What became of a row.
#[derive(Debug)]
pub(crate) enum RowResult {
    /// There is a new invitation, or one stands already.
    Done {
        /// Which of them.
        outcome: Outcome,
        /// The invitation.
        id: Uuid,
        /// The invitation as JSON.
        json: Box<RawValue>,
    },
    /// It was refused.
    Failed(Error),
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Report {
    /// One result a row, in their order.
    pub rows: Vec<RowResult>,
    /// Whether anything was kept.
    pub is_committed: bool,
}

impl Report {
    /// Whether anything is there that a row asked for.
    pub(crate) fn keeps_something(&self) -> bool {
        let is_done = |row: &RowResult| matches!(row, RowResult::Done { .. });
        self.is_committed && self.rows.iter().any(is_done)
    }
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitationBatchResult)]
pub(crate) struct BatchAnswer {
    /// Whether anything was kept: not in a dry run, nor where a row of an atomic batch failed.
    pub committed: bool,
    /// How many rows made an invitation, or met one that `onConflict` is content with.
    pub succeeded: usize,
    /// How many rows were refused.
    pub failed: usize,
    /// One result a row, in their order.
    pub results: Vec<BatchResult>,
}

/// What became of a row.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitationBatchRow)]
pub(crate) struct BatchResult {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The status that a create of its own would have been answered with; 424 where another row
    /// undid it.
    pub status: u16,
    /// The invitation; not in a dry run, nor in a repetition once it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Invitation<'_>, required = false)]
    pub invitation: Option<Box<RawValue>>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Problem<'_>, required = false)]
    pub error: Option<Box<RawValue>>,
}

/// A report as it is stored.
#[derive(Deserialize, Serialize)]
pub(crate) struct StoredReport {
    /// Whether anything was kept.
    committed: bool,
    /// One result a row, in their order.
    results: Vec<StoredResult>,
}

/// A result as it is stored.
#[derive(Deserialize, Serialize)]
struct StoredResult {
    /// Its status.
    status: u16,
    /// The invitation's id in 32 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Why it was refused: a problem document.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<RawValue>>,
}

impl StoredReport {
    /// `report` without its invitations, under `request_id`.
    ///
    /// # Errors
    /// When a problem cannot be written.
    pub(crate) fn new(report: &Report, request_id: &str) -> Result<Self> {
        let stored = |row: &RowResult| match row {
            RowResult::Done { outcome, id, .. } => {
                let status = if *outcome == Outcome::Created {
                    201
                } else {
                    200
                };
                Ok(StoredResult {
                    status,
                    id: Some(id.simple().to_string()),
                    error: None,
                })
            }
            RowResult::Failed(error) => {
                let problem = Problem::of(error, request_id);
                let error = to_raw_value(&problem).map_err(Error::internal)?;
                Ok(StoredResult {
                    status: problem.status,
                    id: None,
                    error: Some(error),
                })
            }
        };
        let results: Result<_> = report.rows.iter().map(stored).collect();
        Ok(Self {
            committed: report.is_committed,
            results: results?,
        })
    }

    /// What [`StoredReport::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is not that.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json)
            .map_err(|_| Error::corrupt("a stored answer is not that of a batch"))
    }

    /// As it is stored.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    /// The answer to whoever sent the batch: with the invitations of `report`, unless it was a dry
    /// run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn answer(self, report: Report, is_dry_run: bool) -> Result<Vec<u8>> {
        let shown = |row| match row {
            RowResult::Done { json, .. } => (!is_dry_run).then_some(json),
            RowResult::Failed(_) => None,
        };
        self.answer_with(report.rows.into_iter().map(shown).collect())
    }

    /// The answer to a repetition by a caller with `rights`: with the invitations in `organization`
    /// as they are now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn repeat(
        self,
        reader: &Reader<'_>,
        organization: &OrganizationId,
        rights: &Rights,
    ) -> Result<Vec<u8>> {
        let show = |invitation: &Invitation<'_>| json::raw(json::to_bytes_for(invitation, rights)?);
        let find = |result: &StoredResult| {
            let id = result.id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
            let find = |id| store::find(reader, reader.now, organization, id, show);
            id.map_or(Ok(None), find)
        };
        let invitations: Result<_> = self.results.iter().map(find).collect();
        self.answer_with(invitations?)
    }

    /// The answer with `invitations`, one for each row that has any.
    fn answer_with(self, invitations: Vec<Option<Box<RawValue>>>) -> Result<Vec<u8>> {
        let rows = self.results.into_iter().zip(invitations).enumerate();
        let results: Vec<_> = rows
            .map(
                |(index, (StoredResult { status, error, .. }, invitation))| BatchResult {
                    index,
                    status,
                    invitation,
                    error,
                },
            )
            .collect();
        let failed = results
            .iter()
            .filter(|result| result.error.is_some())
            .count();
        let (committed, succeeded) = (self.committed, results.len() - failed);
        serde_json::to_vec(&BatchAnswer {
            committed,
            succeeded,
            failed,
            results,
        })
        .map_err(Error::internal)
    }
}
