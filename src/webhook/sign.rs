//! Secrets and signatures (Standard Webhooks 1.0.0, symmetric).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::Secrets;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::secret::{Keyring, SecretId};

/// The bytes with which a webhook of this `generation` signs, derived from the server's secret
/// `secret_id`.
fn bytes(
    keyring: &Keyring,
    webhook: Uuid,
    generation: i64,
    secret_id: SecretId,
) -> Result<Vec<u8>> {
    let is_first = generation == Secrets::FIRST;
    if let Some(chosen) = keyring.chosen(webhook).filter(|_| is_first) {
        return Ok(chosen);
    }
    // A server does not start without the secrets that its webhooks need.
    let secret = keyring
        .find(secret_id)
        .ok_or_else(|| Error::internal(MissingSecret))?;
    let parts: [&[u8]; 2] = [webhook.as_bytes(), &generation.to_be_bytes()];
    Ok(secret.mac("webhook", &parts).to_vec())
}

/// The server's secret is gone from which a webhook's is derived.
#[derive(Debug, thiserror::Error)]
#[error("the secret from which the webhook's is derived is missing")]
struct MissingSecret;

/// The present secret as receivers get it: `whsec_` and its bytes in base64, 32 of them unless
/// somebody chose it.
///
/// # Errors
/// When the server's secret is missing from which it is derived.
pub(crate) fn reveal(keyring: &Keyring, webhook: Uuid, secrets: Secrets) -> Result<String> {
    let bytes = bytes(keyring, webhook, secrets.generation, secrets.secret_id)?;
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(bytes)))
}

/// The value of `webhook-id`: the same for every try.
pub(crate) fn message_id(delivery: Uuid) -> String {
    format!("msg_{delivery}")
}

/// The value of `webhook-signature`: one signature for each secret that the webhook has at `now`.
///
/// # Errors
/// When a secret of the server is missing from which one is derived.
pub(crate) fn sign(
    keyring: &Keyring,
    webhook: Uuid,
    secrets: Secrets,
    message_id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<String> {
    let mut signatures = Vec::new();
    for (generation, secret_id) in secrets.at(now) {
        let key = bytes(keyring, webhook, generation, secret_id)?;
        signatures.push(signature(&key, message_id, now, body)?);
    }
    Ok(signatures.join(" "))
}

/// One signature, by `key`.
///
/// # Errors
/// None that can be: every key will do.
pub(crate) fn signature(
    key: &[u8],
    message_id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
    mac.update(format!("{message_id}.{}.", seconds(now)).as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    Ok(format!("v1,{}", BASE64_STANDARD.encode(bytes)))
}

/// The value of `webhook-timestamp`: whole seconds.
pub(crate) fn seconds(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(1000)
}
