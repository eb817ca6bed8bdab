//! Lists as JSON: page by page, straight from the rows into the bytes of the answer.

use uuid::Uuid;

use super::query::Filter;
use super::{Invitation, store};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Order, Page, Part};
use crate::db::{Db, Reader, Snapshot};

/// Bytes that hold a short list.
const FIRST_ROOM: usize = 8 * 1024;
/// Rows after which the size of a page is known well enough to make room for all of it.
const SAMPLED: usize = 24;

/// Writes one invitation in some dialect's JSON.
pub(crate) type WriteRow = fn(&Invitation<'_>, &mut Vec<u8>) -> Result<()>;

/// A list that is to be read.
#[derive(Clone)]
pub(crate) struct List {
    /// Where it is.
    pub db: Db,
    /// Who reads it.
    pub actor: String,
    /// Whose invitations.
    pub organization: OrganizationId,
    /// Which of them.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// How each is written.
    pub write: WriteRow,
}

impl List {
    /// Reads at most `limit` invitations after `after`, behind `opening`. A bare scan is bounded by
    /// `limit` and runs in place, in `snapshot`; a filter may have to step over any number of rows,
    /// so it runs elsewhere.
    ///
    /// # Errors
    /// When the file cannot be read, or a filtered read takes too long.
    pub(crate) async fn page(
        &self,
        snapshot: Snapshot,
        opening: Vec<u8>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Part<Uuid>> {
        let page = Page {
            order: self.order,
            after,
            limit,
        };
        if self.filter.is_empty() {
            return self.read(&snapshot.reader(), opening, &page);
        }
        drop(snapshot);
        self.page_elsewhere(opening, page).await
    }

    /// Reads what follows `after`, behind `opening`.
    ///
    /// # Errors
    /// When the file cannot be read, or the read takes too long.
    pub(crate) async fn rest(self, opening: Vec<u8>, after: Uuid) -> Result<Part<Uuid>> {
        let page = Page {
            order: self.order,
            after: Some(after),
            limit: MAX_LIMIT,
        };
        self.page_elsewhere(opening, page).await
    }

    /// Reads a page on a thread that may block.
    async fn page_elsewhere(&self, opening: Vec<u8>, page: Page) -> Result<Part<Uuid>> {
        let list = self.clone();
        self.db
            .read_long(&self.actor, move |reader| {
                list.read(reader, opening.clone(), &page)
            })
            .await
    }

    /// Reads a page.
    fn read(&self, reader: &Reader<'_>, mut json: Vec<u8>, page: &Page) -> Result<Part<Uuid>> {
        let mut count = 0;
        json.reserve(FIRST_ROOM);
        let write = |invitation: &Invitation<'_>| {
            if count == SAMPLED {
                // Grow once, by what the first rows took.
                json.reserve(json.len() / SAMPLED * (page.limit as usize).saturating_sub(SAMPLED));
            }
            if count > 0 {
                json.push(b',');
            }
            count += 1;
            (self.write)(invitation, &mut json)
        };
        let more_after = store::list(
            reader,
            reader.now,
            &self.organization,
            &self.filter,
            page,
            write,
        )?;
        Ok(Part {
            json,
            is_empty: count == 0,
            more_after,
        })
    }
}
