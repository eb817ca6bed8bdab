//! Putting an organization.

use std::ops::ControlFlow;

use uuid::Uuid;

use super::settings::Settings;
use super::{Record, store};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Db, WriteTx};
use crate::event::{self, EventType, NewEvent};
use crate::key::Author;
use crate::purge;

/// Invitations that one job puts under the count for a cap.
const ROWS_PER_JOB: u32 = 500;

/// An organization that gets these settings in place of all that it had.
#[derive(Clone)]
pub(crate) struct Change {
    /// Which one. It is made, if it is not known.
    pub id: OrganizationId,
    /// What it asks from now on.
    pub settings: Settings,
    /// Who asked for it.
    pub origin: Origin,
}

impl Change {
    /// Makes the change in jobs of its own: where the organization gets its first cap, one for each
    /// part of its invitations, so that the writes of others go between. `check` sees the present
    /// version as the API shows it, if there is one; it is asked before anything is written, too.
    /// Returns whether the organization was made, and the new version.
    ///
    /// # Errors
    /// What `check` answers, those of [`Author::write`], and those of [`Change::put`].
    pub(crate) async fn make(
        self,
        db: &Db,
        author: &Author,
        check: impl Fn(Option<&[u8]>) -> Result<()> + Send + 'static,
    ) -> Result<(bool, Vec<u8>)> {
        let present = db.read(|reader| store::find(reader, &self.id))?;
        check(to_bytes(present.as_ref(), &self.id)?.as_deref())?;
        // One that is not known has nothing to count, and need not wait for a second commit.
        let counted_to = if present.is_some() && self.is_first_cap(present.as_ref()) {
            self.count_in_parts(db, author).await?
        } else {
            Uuid::nil()
        };
        author
            .write(db, move |tx| self.put_behind(tx, counted_to, &check))
            .await
    }

    /// Makes the change in one transaction, whatever its first cap has to count.
    ///
    /// # Errors
    /// What `check` answers; [`crate::base::error::Code::NotFound`] while one of that id is being
    /// deleted.
    pub(crate) fn put(
        &self,
        tx: &WriteTx<'_>,
        check: impl FnOnce(Option<&[u8]>) -> Result<()>,
    ) -> Result<(bool, Vec<u8>)> {
        self.put_behind(tx, Uuid::nil(), check)
    }

    /// The same, where the invitations up to `counted_to` are under the count for a cap already.
    fn put_behind(
        &self,
        tx: &WriteTx<'_>,
        counted_to: Uuid,
        check: impl FnOnce(Option<&[u8]>) -> Result<()>,
    ) -> Result<(bool, Vec<u8>)> {
        let id = &self.id;
        purge::store::check_stands(tx, id)?;
        let present = store::find(tx, id)?;
        check(to_bytes(present.as_ref(), id)?.as_deref())?;
        store::put(tx, id, &self.settings)?;
        if self.is_first_cap(present.as_ref()) {
            store::set_capped(tx, id, counted_to, None)?;
        }
        event::store::append(
            tx,
            &NewEvent {
                organization: id,
                kind: EventType::OrganizationUpdated,
                invitation: None,
                origin: &self.origin,
                before: present.as_ref().map(|present| &present.settings),
                after: Some(&self.settings),
            },
        )?;
        let created_at = present
            .as_ref()
            .map_or(tx.now, |present| present.created_at);
        let body = Record {
            settings: self.settings.clone(),
            created_at,
            updated_at: tx.now,
        }
        .to_bytes(id)?;
        Ok((present.is_none(), body))
    }

    /// Whether the organization gets a cap and has none.
    fn is_first_cap(&self, present: Option<&Record>) -> bool {
        let was_capped = present.is_some_and(|present| present.settings.max_pending.is_some());
        self.settings.max_pending.is_some() && !was_capped
    }

    /// Puts what is there under the count for a cap, part by part, by id. Returns the last one:
    /// what is made from then on has greater ids. What is counted before there is a cap changes
    /// nothing, so this may end anywhere, and needs not be undone.
    async fn count_in_parts(&self, db: &Db, author: &Author) -> Result<Uuid> {
        let id = self.id.clone();
        let part = move |tx: &WriteTx<'_>, after| {
            let last = store::set_capped(tx, &id, after, Some(ROWS_PER_JOB))?;
            Ok(last.map_or(ControlFlow::Break(after), ControlFlow::Continue))
        };
        author
            .write_in_parts(db, ROWS_PER_JOB, Uuid::nil(), part)
            .await
    }
}

/// The organization `id` as the API shows it, if it is known.
fn to_bytes(present: Option<&Record>, id: &OrganizationId) -> Result<Option<Vec<u8>>> {
    present.map(|present| present.to_bytes(id)).transpose()
}
