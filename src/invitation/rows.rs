//! Lists as JSON: page by page, straight from the rows into the bytes of the answer.

use futures_util::{Stream, stream};
use uuid::Uuid;

use super::query::{Filter, MAX_LIMIT, Order, Page};
use super::{Invitation, store};
use crate::db::{Db, Reader};
use crate::error::{Error, Result};
use crate::organization::OrganizationId;

/// Writes one invitation in some dialect's JSON.
pub type WriteRow = fn(&Invitation<'_>, &mut Vec<u8>) -> Result<()>;

/// A list that is to be read.
#[derive(Clone)]
pub struct List {
    /// Where it is.
    pub db: Db,
    /// Whose invitations.
    pub organization: OrganizationId,
    /// Which of them.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// How each is written.
    pub write: WriteRow,
}

/// A part of a list: invitations as JSON, with commas between them.
#[derive(Debug, Default)]
pub struct Rows {
    /// The JSON.
    pub json: Vec<u8>,
    /// The last of these invitations, where more follow.
    pub more_after: Option<Uuid>,
}

impl List {
    /// Reads at most `limit` invitations after `after`. A bare scan is bounded by `limit` and runs in place; a filter may
    /// have to step over any number of rows, so it runs elsewhere.
    ///
    /// # Errors
    /// When the file cannot be read, or a filtered read takes too long.
    pub async fn page(&self, after: Option<Uuid>, limit: u32) -> Result<Rows> {
        let page = Page { order: self.order, after, limit };
        if self.filter.is_empty() {
            return self.db.read(|reader| self.read(reader, &page));
        }
        self.page_elsewhere(page).await
    }

    /// The whole list as a JSON array between `opening` and `closing`, from the page `first` on, which has been read
    /// already. Memory stays flat: the next page is read when the last one was taken. An error cuts the answer short.
    pub fn stream(
        self,
        (opening, closing): (Vec<u8>, &'static [u8]),
        first: Rows,
    ) -> impl Stream<Item = Result<Vec<u8>>> {
        let start = ([opening, first.json].concat(), first.more_after);
        stream::try_unfold((self, Some(start)), move |(list, part)| async move {
            let Some((mut json, more_after)) = part else {
                return Ok(None);
            };
            let Some(after) = more_after else {
                json.extend_from_slice(closing);
                return Ok(Some((json, (list, None))));
            };
            let page = Page { order: list.order, after: Some(after), limit: MAX_LIMIT };
            let next = list.page_elsewhere(page).await?;
            let separator: &[u8] = if next.json.is_empty() { b"" } else { b"," };
            Ok(Some((json, (list, Some(([separator, &next.json].concat(), next.more_after))))))
        })
    }

    /// Reads a page on a thread that may block.
    async fn page_elsewhere(&self, page: Page) -> Result<Rows> {
        let list = self.clone();
        self.db.read_long(move |reader| list.read(reader, &page)).await
    }

    /// Reads a page.
    fn read(&self, reader: &Reader<'_>, page: &Page) -> Result<Rows> {
        let (mut json, mut last) = (Vec::new(), None);
        let write = |invitation: &Invitation<'_>| {
            if last.is_some() {
                json.push(b',');
            }
            last = Some(invitation.id);
            (self.write)(invitation, &mut json)
        };
        let more = store::list(reader, reader.now, &self.organization, (&self.filter, page), write)?;
        Ok(Rows { json, more_after: last.filter(|_| more) })
    }
}

/// Writes an invitation as the API shows it.
///
/// # Errors
/// None that can happen: every field can be written.
pub fn write_json(invitation: &Invitation<'_>, json: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(json, invitation).map_err(Error::internal)
}

/// An invitation as the API shows it.
///
/// # Errors
/// See [`write_json`].
pub fn to_json(invitation: &Invitation<'_>) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(384);
    write_json(invitation, &mut json)?;
    Ok(json)
}
