//! Organizations: known by the caller's own ids, from their first invitation on or since they were
//! put.
//!
//! * [`settings`]: what an organization asks of its invitations. Every way to make or renew one
//!   asks [`settings::Settings`].
//! * [`change`] puts one; [`list`] reads many.
//! * [`store`] is the SQL.

pub(crate) mod change;
pub mod list;
pub mod settings;
pub mod store;

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::policy::acceptance::Acceptance;

use settings::Settings;

/// What is stored of an organization besides its id.
#[derive(Debug)]
pub struct Record {
    /// What it asks of its invitations.
    pub settings: Settings,
    /// When it became known.
    pub created_at: Timestamp,
    /// When it was last put.
    pub updated_at: Timestamp,
}

impl Record {
    /// Appends the organization `id` as the API shows it.
    ///
    /// # Errors
    /// None that can happen: every field can be written.
    fn write(&self, id: &str, json: &mut Vec<u8>) -> Result<()> {
        let settings = &self.settings;
        let organization = Organization {
            id,
            name: settings.name.as_deref(),
            roles: settings.roles.as_deref(),
            default_expires_in: settings.default_expires_in,
            allowed_domains: settings.allowed_domains.as_deref(),
            blocked_domains: settings.blocked_domains.as_deref(),
            max_pending: settings.max_pending,
            accept_url: settings.accept_url.as_deref(),
            mail_from_name: settings.mail_from_name.as_deref(),
            color: settings.color.as_deref(),
            locale: settings.locale.as_deref(),
            acceptance: settings.acceptance,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        serde_json::to_writer(json, &organization).map_err(Error::internal)
    }

    /// The organization `id` as the API shows it.
    ///
    /// # Errors
    /// See [`Record::write`].
    pub(crate) fn to_bytes(&self, id: &OrganizationId) -> Result<Vec<u8>> {
        let mut json = Vec::new();
        self.write(id.as_str(), &mut json)?;
        Ok(json)
    }
}

/// An organization. Its settings are there only when set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization<'a> {
    /// The caller's own id.
    pub id: &'a str,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub name: Option<&'a str>,
    /// The roles that its invitations may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub roles: Option<&'a [String]>,
    /// How long an invitation lives that names no end, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub default_expires_in: Option<i64>,
    /// The only domains whose addresses are invited: lowercase A-labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub allowed_domains: Option<&'a [String]>,
    /// The domains whose addresses are not invited: lowercase A-labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub blocked_domains: Option<&'a [String]>,
    /// The most invitations that may be pending at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub max_pending: Option<i64>,
    /// The organization's own page that takes the token of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub accept_url: Option<&'a str>,
    /// The name that its mail comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub mail_from_name: Option<&'a str>,
    /// The colour of the button in its mail: `#rrggbb` in lowercase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub color: Option<&'a str>,
    /// The language of its mail, where an invitation names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub locale: Option<&'a str>,
    /// What proves the address to whoever follows a mailed link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Acceptance, required = false)]
    pub acceptance: Option<Acceptance>,
    /// When its first invitation was made, or it was put for the first time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last put.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// An example for the documents.
pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "acme",
        "name": "Acme Ltd.",
        "roles": ["admin", "developer"],
        "defaultExpiresIn": 259_200,
        "allowedDomains": ["example.com"],
        "maxPending": 100,
        "createdAt": "2026-11-23T02:43:00.123Z",
        "updatedAt": "2026-11-23T02:43:00.123Z",
    })
}
