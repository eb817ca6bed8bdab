//! Keys and webhooks of a seed: the author of a test has to know their secrets beforehand.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use utoipa::ToSchema;

use super::seed::Access;
use crate::audit::By;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::db::WriteTx;
use crate::key::manage::insert_as;
use crate::key::new::KeyBody;
use crate::key::token::PlainKey;
use crate::key::{self, NewKey, Rights};
use crate::webhook::guard::Guard;
use crate::webhook::manage;
use crate::webhook::new::{NewWebhook, WebhookBody};

/// How many bytes the secret of a webhook has (Standard Webhooks 1.0.0).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// An API key of a seed document: the fields of a create, and the whole key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeedKey {
    /// The whole key, as `invited key generate` prints one.
    #[schema(value_type = String, required = true,
        pattern = "^ivk_[0-9a-f]{16}_[0-9a-f]{72}$")]
    pub key: Option<String>,
    /// As in a create.
    #[schema(value_type = String, required = true, max_length = 100, example = "backend")]
    pub name: Option<String>,
    /// As in a create.
    #[schema(value_type = Vec<String>, required = true, min_items = 1, max_items = 1000,
        example = json!(["invitations:read"]))]
    pub scopes: Option<Vec<String>>,
    /// As in a create.
    #[schema(min_items = 1, max_items = 1000, example = json!(["acme"]))]
    pub organizations: Option<Vec<String>>,
    /// As in a create.
    #[schema(min_items = 1, max_items = 1000, example = json!(["developer"]))]
    pub roles: Option<Vec<String>>,
    /// As in a create.
    #[schema(minimum = 1, maximum = 315_576_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// As in a create.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub expires_at: Option<String>,
}

/// A webhook of a seed document: the fields of a create, and its secret.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeedWebhook {
    /// As in a create.
    #[schema(value_type = String, required = true, max_length = 2048,
        example = "http://127.0.0.1:3000/webhooks")]
    pub url: Option<String>,
    /// As in a create.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    pub organization_id: Option<String>,
    /// As in a create.
    #[schema(min_items = 1, example = json!(["invitation.accepted"]))]
    pub types: Option<Vec<String>>,
    /// As in a create.
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// What it signs with until the secret is rotated or the server ends: `whsec_` and 24 to 64
    /// bytes in base64. Without it the server makes one.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]+={0,2}$")]
    pub secret: Option<String>,
}

/// A key that was checked.
#[derive(Debug)]
pub(super) struct PlannedKey {
    /// The whole key.
    plain: PlainKey,
    /// What it may do.
    new: NewKey,
}

/// A webhook that was checked.
#[derive(Debug)]
pub(super) struct PlannedWebhook {
    /// What it is to be.
    new: NewWebhook,
    /// What it signs with; none: what the server makes.
    secret: Option<Vec<u8>>,
}

impl SeedKey {
    /// Checks it at `now`. No other key has its id.
    pub(super) fn parse(self, now: Timestamp, others: &[PlannedKey]) -> Result<PlannedKey> {
        let mut errors = Errors::default();
        let plain = errors.take(parse_key(self.key.as_deref(), others));
        let body = KeyBody {
            name: self.name,
            scopes: self.scopes,
            organizations: self.organizations,
            roles: self.roles,
            expires_in: self.expires_in,
            expires_at: self.expires_at,
        };
        let new = errors.take_all(NewKey::parse(&body, now))?;
        errors.finish(|| {
            Some(PlannedKey {
                plain: plain?,
                new: new?,
            })
        })
    }
}

impl PlannedKey {
    /// Makes the key.
    pub(super) fn insert(&self, tx: &WriteTx<'_>, by: By<'_>) -> Result<()> {
        if key::store::find(tx, &self.plain.id)?.is_some() {
            let detail = "a key with this id is in the data file already";
            return Err(FieldError::new("/keys", FieldCode::Conflict, detail).into());
        }
        insert_as(tx, &self.plain, &self.new, by)
    }
}

impl SeedWebhook {
    /// Checks it.
    pub(super) fn parse(self, guard: &Guard) -> Result<PlannedWebhook> {
        let mut errors = Errors::default();
        let secret = errors.take(parse_secret(self.secret.as_deref()));
        let body = WebhookBody {
            url: self.url,
            organization_id: self.organization_id,
            types: self.types,
            description: self.description,
        };
        let new = errors.take_all(NewWebhook::parse(&body, &Rights::ALL, guard))?;
        errors.finish(|| {
            Some(PlannedWebhook {
                new: new?,
                secret: secret?,
            })
        })
    }
}

impl PlannedWebhook {
    /// Makes the webhook.
    pub(super) fn insert(&self, tx: &WriteTx<'_>, access: &Access, by: By<'_>) -> Result<()> {
        let signing = access.keyring.signing().id();
        let made = manage::create(tx, &self.new, signing, access.max_webhooks, by)?;
        if let Some(secret) = &self.secret {
            access.keyring.choose(made.id, secret.clone());
        }
        Ok(())
    }
}

/// Reads a whole key.
fn parse_key(text: Option<&str>, others: &[PlannedKey]) -> Checked<PlainKey> {
    let form = "a whole key, as `invited key generate` prints one";
    let text = text.ok_or_else(|| FieldError::new("/key", FieldCode::Required, form))?;
    let plain = PlainKey::parse(text)
        .ok_or_else(|| FieldError::new("/key", FieldCode::InvalidFormat, form))?;
    if others.iter().any(|other| other.plain.id == plain.id) {
        let detail = "a key with this id is there already";
        return Err(FieldError::new("/key", FieldCode::Conflict, detail));
    }
    Ok(plain)
}

/// Reads the secret of a webhook.
fn parse_secret(text: Option<&str>) -> Checked<Option<Vec<u8>>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let bytes = text
        .strip_prefix("whsec_")
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .filter(|bytes| SECRET_BYTES.contains(&bytes.len()));
    let detail = "whsec_ and 24 to 64 bytes in base64";
    let wrong = || FieldError::new("/secret", FieldCode::InvalidFormat, detail);
    bytes.map(Some).ok_or_else(wrong)
}
