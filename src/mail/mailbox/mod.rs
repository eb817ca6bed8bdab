//! The mailbox of development: mail is kept in the file instead of sent, and can be waited for,
//! read and deleted.
//!
//! [`query`] is what is asked of it, [`store`] the SQL.

pub mod query;
pub(crate) mod store;

use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Db, Topic};
use crate::outbox::mail::Kind;

use query::MailboxQuery;

/// A kept mail in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeptMailSummary)]
pub(crate) struct MailSummary {
    /// Its id, which grows with time.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The address it went to.
    pub to: String,
    /// What it is for.
    #[schema(value_type = Kind)]
    pub kind: String,
    /// Its subject.
    pub subject: String,
    /// When it was kept.
    #[schema(value_type = String, format = DateTime)]
    pub sent_at: Timestamp,
    /// The secret link that it brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub link: Option<String>,
    /// The code that it brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub code: Option<String>,
}

/// A kept mail with all that is in it.
#[derive(Debug, Serialize)]
pub(crate) struct KeptMail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: MailSummary,
    /// Its body as plain text.
    pub text: String,
    /// Its body as HTML.
    pub html: String,
    /// What a mail server would have got (RFC 5322).
    pub raw: String,
}

impl ToSchema for KeptMail {}

/// One object, which a derived schema would not be.
impl PartialSchema for KeptMail {
    fn schema() -> RefOr<Schema> {
        let mut schema = MailSummary::schema();
        if let RefOr::T(Schema::Object(whole)) = &mut schema {
            whole.description = Some("A kept mail with all that is in it.".to_owned());
            for (name, description) in [
                ("text", "Its body as plain text."),
                ("html", "Its body as HTML."),
                ("raw", "What a mail server would have got (RFC 5322)."),
            ] {
                let text = Object::builder()
                    .schema_type(Type::String)
                    .description(Some(description));
                whole.properties.insert(name.to_owned(), text.into());
                whole.required.push(name.to_owned());
            }
        }
        schema
    }
}

/// The mail that `query` asks for, newest first. Where it says to wait, the answer comes once there
/// is such mail and no more of it is on its way, or when the time is over. Nothing is held
/// meanwhile: no connection, no thread.
///
/// # Errors
/// When the file cannot be read.
pub(crate) async fn list(db: &Db, query: &MailboxQuery) -> Result<Vec<MailSummary>> {
    let mut news = db.follow(Topic::Mailbox);
    let deadline = Instant::now() + query.wait;
    let until = db
        .now()
        .plus_seconds(i64::try_from(query.wait.as_secs()).unwrap_or_default());
    loop {
        news.mark_unchanged();
        let (kept, is_coming) = db.read(|reader| {
            let is_coming =
                !query.wait.is_zero() && store::is_coming(reader, &query.filter, until)?;
            Ok((store::list(reader, &query.filter)?, is_coming))
        })?;
        let is_complete = !kept.is_empty() && !is_coming;
        if is_complete
            || query.wait.is_zero()
            || !matches!(timeout_at(deadline, news.changed()).await, Ok(Ok(())))
        {
            return Ok(kept);
        }
    }
}
