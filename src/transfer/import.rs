//! Puts an export into a data file, in one transaction.

use std::io::BufRead;

use serde_json::{Value, json};
use uuid::Uuid;

use super::lines::{Lines, Trouble};
use super::record::{PastEvent, Record};
use super::{Counts, Mistake, Mistakes, TOLD_EVERY, Tell};
use crate::audit::{self, Action, By, NewEntry};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::event::chain::EventRow;
use crate::event::store::row;
use crate::invitation::store::{find_organization, insert_whole};
use crate::invitation::whole::Whole;
use crate::organization;
use crate::outbox::mail::Delivery;

/// What was imported.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imported {
    /// How much was put into the data file.
    pub counts: Counts,
    /// Organizations that were left out, since they are there already.
    pub skipped: u64,
    /// Invitations whose mail still waited where they come from: nothing sends it here.
    pub unsent: u64,
}

/// How an import is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner<'a> {
    /// Whether organizations that are there already are left out, with all that belongs to them.
    pub skips_existing: bool,
    /// Who does it.
    pub by: By<'a>,
}

/// Puts the export in `input`, which was found to be whole, into the data file. Returns what is
/// there already where it cannot: then the transaction must not be committed.
///
/// # Errors
/// When the file cannot be written, or `input` cannot be read any more.
pub(crate) fn put(
    tx: &WriteTx<'_>,
    input: impl BufRead,
    manner: Manner<'_>,
    tell: Tell<'_>,
) -> Result<std::result::Result<Imported, Mistakes>> {
    let mut import = Import {
        tx,
        skips_existing: manner.skips_existing,
        current: None,
        imported: Imported::default(),
        newest: Uuid::nil(),
    };
    let (mut lines, mut mistakes, mut seen) = (Lines::new(input), Mistakes::default(), 0_u64);
    loop {
        let record = match lines.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(Trouble::Line(mistake)) => {
                mistakes.add(mistake);
                continue;
            }
            Err(Trouble::Input(error)) => return Err(Error::internal(error)),
        };
        if let Err(what) = import.take(record)? {
            let line = lines.number();
            mistakes.add(Mistake { line, what });
        }
        seen += 1;
        if seen.is_multiple_of(TOLD_EVERY) {
            tell(seen);
        }
    }
    if !mistakes.is_empty() {
        return Ok(Err(mistakes));
    }
    import.end(manner.by).map(Ok)
}

/// An import under way.
struct Import<'a, 'tx> {
    /// The transaction.
    tx: &'a WriteTx<'tx>,
    /// Whether organizations that are there already are left out.
    skips_existing: bool,
    /// The organization to which a record belongs; none: it is not imported.
    current: Option<Current>,
    /// What was imported.
    imported: Imported,
    /// The greatest id that was imported.
    newest: Uuid,
}

/// An organization that is imported.
struct Current {
    /// Its id.
    id: OrganizationId,
    /// Whether it caps its pending invitations.
    is_capped: bool,
}

impl Import<'_, '_> {
    /// Takes a record, or says why it cannot be taken.
    fn take(&mut self, record: Record) -> Result<std::result::Result<(), String>> {
        match record {
            Record::Organization(id, whole) => self.take_organization(id, &whole),
            Record::Invitation(whole) => self.take_invitation(*whole),
            Record::Event(event) => self.take_event(&event).map(Ok),
        }
    }

    /// Inserts an organization.
    fn take_organization(
        &mut self,
        id: OrganizationId,
        whole: &organization::Record,
    ) -> Result<std::result::Result<(), String>> {
        self.current = None;
        match organization::store::insert_whole(self.tx, &id, whole) {
            Ok(true) => {
                let is_capped = whole.settings.max_pending.is_some();
                self.current = Some(Current { id, is_capped });
                self.imported.counts.organizations += 1;
                Ok(Ok(()))
            }
            Ok(false) if self.skips_existing => {
                self.imported.skipped += 1;
                Ok(Ok(()))
            }
            Ok(false) => Ok(Err(format!("the organization {id} is there already"))),
            Err(error) if error.code == Code::NotFound => Ok(Err(format!(
                "an organization {id} is being deleted: wait until that has ended"
            ))),
            Err(error) => Err(error),
        }
    }

    /// Inserts an invitation.
    fn take_invitation(&mut self, mut whole: Whole) -> Result<std::result::Result<(), String>> {
        let Some(current) = &self.current else {
            return Ok(Ok(()));
        };
        if whole.delivery == Delivery::Queued {
            self.imported.unsent += 1;
            whole.delivery = Delivery::None;
            (whole.delivery_attempts, whole.delivery_error) = (None, None);
        }
        if insert_whole(self.tx, &whole, current.is_capped)? {
            self.newest = self.newest.max(whole.id);
            self.imported.counts.invitations += 1;
            return Ok(Ok(()));
        }
        let taken = find_organization(self.tx, whole.id)?;
        Ok(Err(match taken {
            Some(other) => format!("the id {} is there already, in {other}", whole.id),
            None => "another invitation stands for the address already".to_owned(),
        }))
    }

    /// Appends an event to the history of its organization. Webhooks are not told: it is no news.
    fn take_event(&mut self, event: &PastEvent) -> Result<()> {
        let Some(current) = &self.current else {
            return Ok(());
        };
        self.newest = self.newest.max(event.id);
        self.imported.counts.events += 1;
        row::insert(
            self.tx,
            &EventRow {
                organization: current.id.as_str(),
                id: event.id,
                kind: &event.kind,
                invitation: event.invitation,
                actor: &event.actor,
                request_id: &event.request_id,
                created_at: event.created_at,
                before: event.before.as_deref(),
                after: event.after.as_deref(),
            },
        )
    }

    /// Writes into the history of the server what was imported. The id of that row is greater than
    /// all that were imported, so new ids go on behind them.
    fn end(self, by: By<'_>) -> Result<Imported> {
        let Counts {
            organizations,
            invitations,
            events,
        } = self.imported.counts;
        if organizations == 0 {
            return Ok(self.imported);
        }
        let newest = i64::try_from(self.newest.as_u128() >> 80).unwrap_or_default();
        self.tx.at(Timestamp::from_millis(newest + 1)).new_id();
        let details = json!({
            "organizations": organizations,
            "invitations": invitations,
            "events": events,
        });
        record(self.tx, by, details)?;
        Ok(self.imported)
    }
}

/// Writes into the history of the server what was imported.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn record(tx: &WriteTx<'_>, by: By<'_>, details: Value) -> Result<()> {
    let entry = NewEntry {
        action: Action::OrganizationsImported,
        by,
        subject: None,
        organizations: None,
        details,
    };
    audit::store::append(tx, &entry).map(drop)
}
