//! Lists as JSON: page by page, straight from the rows into the bytes of the answer.

use futures_util::{Stream, stream};
use uuid::Uuid;

use super::query::Filter;
use super::{Invitation, store};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Order, Page};
use crate::db::{Db, Reader, Snapshot};

/// Bytes that hold a short list.
const FIRST_ROOM: usize = 8 * 1024;
/// Rows after which the size of a page is known well enough to make room for all of it.
const SAMPLED: usize = 24;

/// Writes one invitation in some dialect's JSON.
pub type WriteRow = fn(&Invitation<'_>, &mut Vec<u8>) -> Result<()>;

/// A list that is to be read.
#[derive(Clone)]
pub struct List {
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

/// A part of a list: something in front, then invitations as JSON with commas between them.
#[derive(Debug, Default)]
pub struct Rows {
    /// The JSON.
    pub json: Vec<u8>,
    /// Whether there is no invitation in it.
    pub is_empty: bool,
    /// The last of these invitations, where more follow.
    pub more_after: Option<Uuid>,
}

/// What a stream of a list gives next.
enum Next {
    /// A part that has been read.
    Part(Rows),
    /// The part after this invitation.
    After(Uuid),
    /// Nothing: this was all.
    Nothing,
}

impl List {
    /// Reads at most `limit` invitations after `after`, behind `opening`. A bare scan is bounded by
    /// `limit` and runs in place, in `snapshot`; a filter may have to step over any number of rows,
    /// so it runs elsewhere.
    ///
    /// # Errors
    /// When the file cannot be read, or a filtered read takes too long.
    pub async fn page(
        &self,
        snapshot: Snapshot,
        opening: Vec<u8>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Rows> {
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

    /// The whole list from `first` on, which has been read already, with `closing` at its end.
    /// Memory stays flat: the next page is read when the last one was taken. An error cuts the
    /// answer short.
    pub fn stream(
        self,
        first: Rows,
        closing: &'static [u8],
    ) -> impl Stream<Item = Result<Vec<u8>>> {
        stream::try_unfold(
            (self, Next::Part(first), false),
            move |(list, next, is_begun)| async move {
                let Rows {
                    mut json,
                    is_empty,
                    more_after,
                } = match next {
                    Next::Part(rows) => rows,
                    Next::After(after) => list.rest(after, is_begun).await?,
                    Next::Nothing => return Ok(None),
                };
                if more_after.is_none() {
                    json.extend_from_slice(closing);
                }
                let next = more_after.map_or(Next::Nothing, Next::After);
                Ok(Some((json, (list, next, is_begun || !is_empty))))
            },
        )
    }

    /// The page after `after`, with a comma in front where `is_begun` and there is something.
    async fn rest(&self, after: Uuid, is_begun: bool) -> Result<Rows> {
        let page = Page {
            order: self.order,
            after: Some(after),
            limit: MAX_LIMIT,
        };
        let comma = if is_begun { b",".to_vec() } else { Vec::new() };
        let mut rows = self.page_elsewhere(comma, page).await?;
        if rows.is_empty {
            rows.json.clear();
        }
        Ok(rows)
    }

    /// Reads a page on a thread that may block.
    async fn page_elsewhere(&self, opening: Vec<u8>, page: Page) -> Result<Rows> {
        let list = self.clone();
        self.db
            .read_long(&self.actor, move |reader| list.read(reader, opening, &page))
            .await
    }

    /// Reads a page.
    fn read(&self, reader: &Reader<'_>, mut json: Vec<u8>, page: &Page) -> Result<Rows> {
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
        Ok(Rows {
            json,
            is_empty: count == 0,
            more_after,
        })
    }
}
