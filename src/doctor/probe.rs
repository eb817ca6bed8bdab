//! What a server sees of a request that comes by its public URL.
//!
//! `invited doctor` asks for it with a proof that it has the secret of the server. So the answer
//! shows that the URL leads to this server, and tells nobody else about the network.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::base::clock::Timestamp;
use crate::base::hex::hex;
use crate::secret::Secret;

/// The header of a request with the proof.
pub(crate) const PROOF: &str = "x-invited-probe";
/// The header of its response with what was seen.
pub(crate) const SEEN: &str = "x-invited-seen";
/// How many seconds a proof counts, before and after its time.
const COUNTS_SECONDS: i64 = 60;

/// What a server sees of a request.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// The version of the server.
    pub version: String,
    /// Who has made the connection.
    pub peer: IpAddr,
    /// Whether an `X-Forwarded-For` was there.
    pub is_forwarded: bool,
    /// Whether the server believes what the peer says there.
    pub is_trusted: bool,
}

/// The proof that whoever asks at `now` has `secret`.
pub(crate) fn prove(secret: &Secret, now: Timestamp) -> String {
    let seconds = now.as_millis() / 1000;
    format!("{seconds}.{}", mac(secret, seconds))
}

/// Whether `proof` is one by `secret` that counts at `now`.
pub(crate) fn is_proven(secret: &Secret, proof: &str, now: Timestamp) -> bool {
    let Some((seconds, given)) = proof.split_once('.') else {
        return false;
    };
    let now_seconds = now.as_millis() / 1000;
    seconds.parse::<i64>().is_ok_and(|seconds| {
        let is_right = mac(secret, seconds).as_bytes().ct_eq(given.as_bytes());
        seconds.abs_diff(now_seconds) <= COUNTS_SECONDS.unsigned_abs() && is_right.into()
    })
}

/// The MAC of a time.
fn mac(secret: &Secret, seconds: i64) -> String {
    hex(&secret.mac("doctor probe", &[&seconds.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_the_secret_has_a_proof_and_for_a_minute() {
        let secret = |word: &str| Secret::new(&word.repeat(4)).expect("long enough");
        let (own, other) = (secret("0123456789abcdef"), secret("fedcba9876543210"));
        let at = |seconds| Timestamp::from_millis(1_795_401_780_000).plus_seconds(seconds);
        let proof = prove(&own, at(0));
        assert!(is_proven(&own, &proof, at(0)) && is_proven(&own, &proof, at(60)));
        assert!(!is_proven(&own, &proof, at(61)) && !is_proven(&own, &proof, at(-61)));
        assert!(!is_proven(&other, &proof, at(0)));
        for wrong in ["", ".", "1795401780.", &proof[1..], &format!("{proof}0")] {
            assert!(!is_proven(&own, wrong, at(0)), "{wrong}");
        }
    }
}
