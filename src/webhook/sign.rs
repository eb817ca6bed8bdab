//! Secrets and signatures (Standard Webhooks 1.0.0, symmetric).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::Secrets;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// The bytes with which a webhook of this `generation` signs.
fn bytes(secret: &Secret, webhook: Uuid, generation: i64) -> [u8; 32] {
    secret.mac("webhook", &[webhook.as_bytes(), &generation.to_be_bytes()])
}

/// The secret as receivers get it: `whsec_` and 32 bytes in base64.
pub fn reveal(secret: &Secret, webhook: Uuid, generation: i64) -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(bytes(secret, webhook, generation)))
}

/// The value of `webhook-id`: the same for every try.
pub fn message_id(delivery: Uuid) -> String {
    format!("msg_{delivery}")
}

/// The value of `webhook-signature`: one signature for each secret that the webhook has at `now`.
///
/// # Errors
/// None that can happen: every key fits.
pub fn sign(
    secret: &Secret,
    (webhook, secrets): (Uuid, Secrets),
    message_id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<String> {
    let mut signatures = Vec::new();
    for generation in secrets.at(now) {
        let key = bytes(secret, webhook, generation);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::internal)?;
        mac.update(format!("{message_id}.{}.", seconds(now)).as_bytes());
        mac.update(body);
        signatures.push(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())));
    }
    Ok(signatures.join(" "))
}

/// The value of `webhook-timestamp`: whole seconds.
pub fn seconds(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(1000)
}
