//! Lists of organizations: the query, its cursors, and the rows as JSON, page by page.

use futures_util::{Stream, stream};
use serde::Deserialize;
use utoipa::IntoParams;

use super::store;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Paged, parse_limit};
use crate::base::query::Errors;
use crate::db::{Db, Reader};
use crate::key::Rights;

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// From `Link`: where the page before ended.
    cursor: Option<String>,
}

/// The query of a list, checked.
#[derive(Debug, Default)]
pub struct ListQuery {
    /// The last organization of the page before; empty: from the beginning.
    pub after: String,
    /// How many organizations; none: all.
    pub limit: Option<u32>,
}

impl ListQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] for a limit that is not acceptable;
    /// [`crate::base::error::Code::InvalidCursor`].
    pub fn parse(params: ListParams) -> Result<Self> {
        let ListParams { limit, cursor } = params;
        let mut errors = Errors::default();
        let limit = errors.read(limit, parse_limit);
        errors.finish()?;
        let parse = |id: &str| OrganizationId::parse(id).map(|id| id.to_string());
        let after = cursor
            .map(|cursor| paged().parse_cursor(&cursor, parse))
            .transpose()?;
        Ok(Self {
            after: after.unwrap_or_default(),
            limit,
        })
    }
}

/// The list, for its cursors.
pub fn paged() -> Paged {
    Paged::new("/v1/organizations".to_owned(), [])
}

/// A list that is to be read.
#[derive(Clone)]
pub struct List {
    /// Where it is.
    pub db: Db,
    /// Who reads it.
    pub actor: String,
    /// Whose list it is: only what the caller may see is in it.
    pub rights: Rights,
}

/// A part of a list: something in front, then organizations as JSON with commas between them.
#[derive(Debug, Default)]
pub struct Part {
    /// The JSON.
    pub json: Vec<u8>,
    /// The last of these organizations, where more follow.
    pub more_after: Option<String>,
}

impl List {
    /// Reads at most `limit` organizations behind `after`, on a thread that may block: their
    /// settings can be long.
    ///
    /// # Errors
    /// When the file cannot be read, or the read takes too long.
    pub async fn page(&self, opening: &'static [u8], after: String, limit: u32) -> Result<Part> {
        let list = self.clone();
        self.db
            .read_long(&self.actor, move |reader| {
                list.read(reader, opening, (&after, limit))
            })
            .await
    }

    /// The whole list from `first` on, which has been read already, with its end. Memory stays
    /// flat: the next page is read when the last one was taken. An error cuts the answer short.
    pub fn stream(self, first: Part) -> impl Stream<Item = Result<Vec<u8>>> {
        stream::try_unfold((self, Some(first)), |(list, part)| async move {
            let Some(Part {
                mut json,
                more_after,
            }) = part
            else {
                return Ok(None);
            };
            let Some(after) = more_after else {
                json.push(b']');
                return Ok(Some((json, (list, None))));
            };
            let next = list.page(b"", after, MAX_LIMIT).await?;
            Ok(Some((json, (list, Some(next)))))
        })
    }

    /// Reads a page. Without an opening it continues a list, so each organization has a comma
    /// before it.
    fn read(
        &self,
        reader: &Reader<'_>,
        opening: &'static [u8],
        (after, limit): (&str, u32),
    ) -> Result<Part> {
        let mut json = opening.to_vec();
        let mut needs_comma = opening.is_empty();
        let more_after = store::list(reader, &self.rights, (after, limit), |id, organization| {
            if needs_comma {
                json.push(b',');
            }
            needs_comma = true;
            organization.write(id, &mut json)
        })?;
        Ok(Part { json, more_after })
    }
}
