//! Erasure: takes all text of one address out of the file, in the organizations that the caller may
//! see.
//!
//! Nothing but standing invitations can be found by address, and an index for it would cost every
//! create. So everything is walked through, a bounded read at a time, and what is found is changed
//! in small jobs that look again.
//!
//! # Order
//! Invitations go first. The job that deletes the last of them is the moment of the erasure:
//! whatever names the address after it belongs to an invitation that was made later, and stays. So
//! events and stored answers need no second look. What SQLite leaves in its pages and in its log is
//! cleared after that by [`crate::deletion`], for all erasures that wait. The file notes from the
//! first step on that this is due, so it happens even where a crash cuts the erasure off.
//!
//! * [`text`] finds an address in texts, [`store`] is the SQL.

pub(crate) mod store;
pub(crate) mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{self, Action, By, NewEntry};
use crate::base::email::Email;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Db, Reader, WriteTx};
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::key::{Author, Rights};
use crate::organization;
use crate::purge::{self, Pending};

/// Rows that are looked at in one read.
const ROWS_PER_READ: u32 = 1_000;
/// Rows that are changed in one job.
const ROWS_PER_JOB: usize = 100;

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureResult)]
pub(crate) struct Erased {
    /// Invitations that were deleted, whatever their status.
    #[schema(minimum = 0)]
    pub invitations: usize,
    /// Events that stay without the address.
    #[schema(minimum = 0)]
    pub events: usize,
    /// Stored answers to requests with an `Idempotency-Key` that were deleted.
    #[schema(minimum = 0)]
    pub answers: usize,
    /// What of them is still in the file: `text` in its pages, and the `log`. It goes without
    /// anybody's doing.
    pub pending: &'static [Pending],
}

impl Erased {
    /// What the history of the server says of it.
    fn details(&self) -> Value {
        json!({ "invitations": self.invitations, "events": self.events, "answers": self.answers })
    }
}

/// Writes into the history of the server that an erasure in `organizations` begins, without the
/// address. Returns the row's id.
fn append(tx: &WriteTx<'_>, by: By<'_>, organizations: Option<&[OrganizationId]>) -> Result<Uuid> {
    let action = Action::AddressErased;
    audit::store::append(
        tx,
        &NewEntry {
            action,
            by,
            subject: None,
            organizations,
            details: Value::Null,
        },
    )
}

/// What one read found of some kind, and where to go on, if more may follow.
pub(crate) struct Step<T, C> {
    /// What holds the address.
    pub found: Vec<T>,
    /// The last row that was looked at, where more may follow.
    pub next: Option<C>,
}

/// Looks for what holds an address among so many rows behind a place.
type Find<T, C> = fn(&Reader<'_>, &str, &C, u32) -> Result<Step<T, C>>;

/// Something that holds the address, with its organization where it has one.
trait Found: Clone + Send + 'static {
    /// Whose it is.
    fn organization(&self) -> Option<&OrganizationId>;

    /// Takes the address out of it, or all of it out of the file. Returns whether it was still
    /// there.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn erase(&self, tx: &WriteTx<'_>, address: &str) -> Result<bool>;
}

/// An erasure in progress.
pub(crate) struct Erasure {
    /// The file.
    db: Db,
    /// Whose traces go.
    email: Email,
    /// Who may see which organizations.
    rights: Arc<Rights>,
    /// Who asked.
    origin: Origin,
    /// The organizations whose history says by now that something was erased.
    noted: BTreeSet<String>,
}

impl Erasure {
    /// An erasure of `email` by whoever has `rights`.
    pub(crate) fn new(db: Db, email: Email, rights: Arc<Rights>, origin: Origin) -> Self {
        Self {
            db,
            email,
            rights,
            origin,
            noted: BTreeSet::new(),
        }
    }

    /// Erases, and waits some seconds for the text to leave the file. May be repeated after an
    /// error: it goes on where it was.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(crate) async fn run(self) -> Result<Erased> {
        let db = self.db.clone();
        let (origin, organizations) = (self.origin.clone(), self.rights.organizations.clone());
        let begin = move |tx: &WriteTx<'_>| {
            let row = append(tx, origin.by(), organizations.as_deref())?;
            Ok((purge::store::insert_begun(tx)?, row))
        };
        let (id, row) = self.author().write(&db, begin).await?;
        let erased = self.erase_rows().await;
        let details = erased.as_ref().map_or(Value::Null, Erased::details);
        let end = move |tx: &WriteTx<'_>| {
            audit::store::set_details(tx, row, &details)?;
            purge::store::end(tx, id)
        };
        db.write(end).await?;
        Ok(Erased {
            pending: purge::wait(&db, id).await,
            ..erased?
        })
    }

    /// Erases everything that a query finds.
    async fn erase_rows(mut self) -> Result<Erased> {
        let invitations = self.erase_invitations().await?;
        // What names the address goes too; the invitations of others that named it stay.
        self.walk((String::new(), Uuid::nil()), store::find_mentions)
            .await?;
        let events = self.walk(0, store::find_events).await?.0;
        let answers = self.walk(0, store::find_answers).await?.0;
        Ok(Erased {
            invitations,
            events,
            answers,
            pending: &[],
        })
    }

    /// Deletes every invitation of the address that is there when the last job commits.
    async fn erase_invitations(&mut self) -> Result<usize> {
        // Ids grow, so what is made during the walk is behind the newest one that is there now.
        let newest = self.db.read(store::newest_invitation)?;
        let (erased, _) = self
            .walk((String::new(), Uuid::nil()), store::find_invitations)
            .await?;
        let (erased_newer, newest) = self
            .walk(newest, |reader, address, from, rows| {
                store::find_newer(reader, address, from, rows)
            })
            .await?;
        let last = self.work();
        let job = move |tx: &WriteTx<'_>| {
            let step = store::find_newer(tx, last.email.as_str(), &newest, u32::MAX)?;
            // Kept mail belongs to no organization, either.
            if last.rights.organizations.is_none() {
                store::erase_mail(tx, last.email.as_str())?;
            }
            last.clone().erase(tx, &step.found)
        };
        let (erased_last, noted) = self.author().write(&self.db, job).await?;
        self.noted = noted;
        Ok(erased + erased_newer + erased_last)
    }

    /// Looks through all rows of a kind behind `start`, and erases what it finds. Returns how much
    /// that was, and from where on there were less than a read's rows.
    async fn walk<T: Found, C: Clone + Send + 'static>(
        &mut self,
        start: C,
        find: Find<T, C>,
    ) -> Result<(usize, C)> {
        let (mut erased, mut from) = (0, start);
        loop {
            let (email, behind) = (self.email.clone(), from.clone());
            let read =
                move |reader: &Reader<'_>| find(reader, email.as_str(), &behind, ROWS_PER_READ);
            let step = self.db.read_long(&self.origin.actor, read).await?;
            erased += self.change(step.found).await?;
            match step.next {
                Some(next) => from = next,
                None => return Ok((erased, from)),
            }
        }
    }

    /// Erases what was found, a small job at a time. Returns how much of it was still there.
    async fn change<T: Found>(&mut self, found: Vec<T>) -> Result<usize> {
        let mut erased = 0;
        for part in found.chunks(ROWS_PER_JOB) {
            let (work, part) = (self.work(), part.to_vec());
            let (count, noted) = self
                .author()
                .write(&self.db, move |tx| work.clone().erase(tx, &part))
                .await?;
            self.noted = noted;
            erased += count;
        }
        Ok(erased)
    }

    /// Who makes its changes.
    fn author(&self) -> Author {
        Author::new(&self.origin.actor)
    }

    /// What a job needs.
    fn work(&self) -> Work {
        let (email, rights) = (self.email.clone(), self.rights.clone());
        Work {
            email,
            rights,
            origin: self.origin.clone(),
            noted: self.noted.clone(),
        }
    }
}

/// What a job of an erasure needs.
#[derive(Clone)]
struct Work {
    /// Whose traces go.
    email: Email,
    /// Who may see which organizations.
    rights: Arc<Rights>,
    /// Who asked.
    origin: Origin,
    /// The organizations whose history says by now that something was erased.
    noted: BTreeSet<String>,
}

impl Work {
    /// Erases those of `found` that the caller may see. Returns how many were still there, and
    /// whose history says so by now.
    fn erase<T: Found>(
        mut self,
        tx: &WriteTx<'_>,
        found: &[T],
    ) -> Result<(usize, BTreeSet<String>)> {
        let mut erased = 0;
        for one in found {
            // What belongs to no organization is for those who see all of them.
            let organization = one.organization();
            let is_seen = organization.map_or(self.rights.organizations.is_none(), |id| {
                self.rights.see(id.as_str())
            });
            if is_seen && one.erase(tx, self.email.as_str())? {
                erased += 1;
                organization.map_or(Ok(()), |organization| self.record(tx, organization))?;
            }
        }
        Ok((erased, self.noted))
    }

    /// Says once in the history of `organization`, if it still has one, that something was erased.
    fn record(&mut self, tx: &WriteTx<'_>, organization: &OrganizationId) -> Result<()> {
        if !self.noted.insert(organization.to_string())
            || organization::store::find(tx, organization)?.is_none()
        {
            return Ok(());
        }
        event::store::append(
            tx,
            &NewEvent::<EventFields<'_>> {
                organization,
                kind: EventType::Erased,
                invitation: None,
                origin: &self.origin,
                before: None,
                after: None,
            },
        )
    }
}
