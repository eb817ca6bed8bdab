//! Lists of organizations: the query, its cursors, and the rows as JSON, page by page.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::IntoParams;

use super::store;
use crate::base::error::{Errors, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Paged, Part, parse_limit};
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
        errors.check()?;
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
pub(crate) struct List {
    /// Where it is.
    pub db: Db,
    /// Who reads it.
    pub actor: String,
    /// Whose list it is: only what the caller may see is in it.
    pub rights: Arc<Rights>,
}

impl List {
    /// Reads at most `limit` organizations after `after`, behind `opening`, on a thread that may
    /// block: their settings can be long.
    ///
    /// # Errors
    /// When the file cannot be read, or the read takes too long.
    pub(crate) async fn page(
        &self,
        opening: Vec<u8>,
        after: String,
        limit: u32,
    ) -> Result<Part<String>> {
        let rights = self.rights.clone();
        self.db
            .read_long(&self.actor, move |reader| {
                read(reader, &rights, opening.clone(), &after, limit)
            })
            .await
    }

    /// Reads what follows `after`, behind `opening`.
    ///
    /// # Errors
    /// When the file cannot be read, or the read takes too long.
    pub(crate) async fn rest(self, opening: Vec<u8>, after: String) -> Result<Part<String>> {
        self.page(opening, after, MAX_LIMIT).await
    }
}

/// Reads a page.
fn read(
    reader: &Reader<'_>,
    rights: &Rights,
    mut json: Vec<u8>,
    after: &str,
    limit: u32,
) -> Result<Part<String>> {
    let mut is_empty = true;
    let more_after = store::list(reader, rights, (after, limit), |id, organization| {
        if !is_empty {
            json.push(b',');
        }
        is_empty = false;
        organization.write(id, &mut json)
    })?;
    Ok(Part {
        json,
        is_empty,
        more_after,
    })
}
