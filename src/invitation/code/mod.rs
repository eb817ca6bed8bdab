//! The 6-digit code that proves that mail to an address reaches a person.
//!
//! A code is derived from the server's secret when it is needed, so neither the file nor a backup
//! of it holds one. A row says only when it was asked for and how often it was answered wrongly.

pub(crate) mod store;

use subtle::ConstantTimeEq;

use super::transition::CurrentInvitation;
use crate::base::clock::Timestamp;
use crate::base::email::Email;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx};
use crate::outbox;
use crate::outbox::mail::Kind;
use crate::secret::{Keyring, Secret};

use store::Asked;

/// How long a code can be answered, in seconds: 10 minutes.
pub(crate) const LIFETIME_SECONDS: i64 = 600;
/// Wrong answers after which a new code is needed.
const MAX_TRIES: u32 = 5;

/// A code with its time.
#[derive(Debug)]
pub struct Code {
    /// The six digits.
    pub digits: String,
    /// When it was asked for.
    pub issued_at: Timestamp,
}

/// Makes a code for `email`, in place of an earlier one, and where there is mail queues it. It
/// looks and costs the same whether or not that address was invited: whose code goes out is decided
/// when it is sent.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn request(
    tx: &WriteTx<'_>,
    keyring: &Keyring,
    present: &CurrentInvitation,
    email: &Email,
    has_mail: bool,
) -> Result<()> {
    for retired in keyring.retired(tx.now) {
        store::drop_code(tx, (present.id, &address_mac(retired, present, email)))?;
    }
    let address_mac = address_mac(keyring.signing(), present, email);
    store::ask(tx, (present.id, &address_mac))?;
    if has_mail {
        outbox::mail::store::queue(tx, present.id, Kind::Code, &address_mac, tx.now)?;
    }
    Ok(())
}

/// Whether `code` is the live one for the invited address, by any secret that verifies.
/// A wrong answer is counted for each of them. Every way to be wrong costs the same.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn verify(
    tx: &WriteTx<'_>,
    keyring: &Keyring,
    present: &CurrentInvitation,
    email: &Email,
    code: &str,
) -> Result<bool> {
    let mut fits = false;
    for secret in keyring.verifying(tx.now) {
        fits |= fits_by(secret, tx, present, email, code)?;
    }
    let is_invited: bool = present
        .email
        .as_str()
        .as_bytes()
        .ct_eq(email.as_str().as_bytes())
        .into();
    if fits & is_invited {
        return Ok(true);
    }
    for secret in keyring.verifying(tx.now) {
        store::count_try(tx, (present.id, &address_mac(secret, present, email)))?;
    }
    Ok(false)
}

/// Whether `code` is the live one that was asked for with `email`, when `secret` signed.
fn fits_by(
    secret: &Secret,
    tx: &WriteTx<'_>,
    present: &CurrentInvitation,
    email: &Email,
    code: &str,
) -> Result<bool> {
    let address_mac = address_mac(secret, present, email);
    let never = Asked {
        issued_at: Timestamp::from_millis(0),
        tries: MAX_TRIES,
    };
    let asked = store::find_asked(tx, (present.id, &address_mac))?.unwrap_or(never);
    let fits: bool = derive(secret, present, &address_mac, asked.issued_at)
        .as_bytes()
        .ct_eq(code.as_bytes())
        .into();
    Ok(fits & is_live(&asked, tx.now))
}

/// The live code of the invited address, if one was asked for.
///
/// # Errors
/// When the file cannot be read.
pub fn current(
    reader: &Reader<'_>,
    keyring: &Keyring,
    present: &CurrentInvitation,
) -> Result<Option<Code>> {
    for secret in keyring.verifying(reader.now) {
        if let Some(code) = current_by(secret, reader, present)? {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

/// The live code of the invited address, if one was asked for when `secret` signed.
fn current_by(
    secret: &Secret,
    reader: &Reader<'_>,
    present: &CurrentInvitation,
) -> Result<Option<Code>> {
    let address_mac = address_mac(secret, present, &present.email);
    let asked = store::find_asked(reader, (present.id, &address_mac))?
        .filter(|asked| is_live(asked, reader.now));
    Ok(asked.map(|Asked { issued_at, .. }| {
        let digits = derive(secret, present, &address_mac, issued_at);
        Code { digits, issued_at }
    }))
}

/// The live code that was asked for the address behind `asked_mac`, if that is the invited one:
/// what is sent to it.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn sent(
    tx: &WriteTx<'_>,
    keyring: &Keyring,
    present: &CurrentInvitation,
    asked_mac: &[u8],
) -> Result<Option<Code>> {
    let asked_by = |secret: &&Secret| address_mac(secret, present, &present.email) == asked_mac;
    let secret = keyring.verifying(tx.now).find(asked_by);
    secret.map_or(Ok(None), |secret| current_by(secret, &tx.reader(), present))
}

/// What became of the latest code of the invited address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// None was asked for.
    NeverAsked,
    /// It can be answered until then.
    Live(Timestamp),
    /// The invitation was sent again since: it is worthless.
    Superseded,
    /// It was answered wrongly too often.
    UsedUp,
    /// Its time ended then.
    Expired(Timestamp),
}

/// What became of the latest code of the invited address.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn standing(
    reader: &Reader<'_>,
    keyring: &Keyring,
    present: &CurrentInvitation,
) -> Result<Standing> {
    let mut latest: Option<Asked> = None;
    for secret in keyring.verifying(reader.now) {
        let address_mac = address_mac(secret, present, &present.email);
        let asked = store::find_asked(reader, (present.id, &address_mac))?;
        let is_later = |asked: &Asked| latest.is_none_or(|last| last.issued_at < asked.issued_at);
        latest = asked.filter(is_later).or(latest);
    }
    let Some(asked) = latest.filter(|asked| asked.issued_at.as_millis() > 0) else {
        return Ok(Standing::NeverAsked);
    };
    let end = asked.issued_at.plus_seconds(LIFETIME_SECONDS);
    Ok(
        if present.send_count > 0 && asked.issued_at < present.sent_at {
            Standing::Superseded
        } else if is_live(&asked, reader.now) {
            Standing::Live(end)
        } else if asked.tries >= MAX_TRIES {
            Standing::UsedUp
        } else {
            Standing::Expired(end)
        },
    )
}

/// Whether a code that was asked for can still be answered.
fn is_live(asked: &Asked, now: Timestamp) -> bool {
    asked.tries < MAX_TRIES
        && (asked.issued_at..asked.issued_at.plus_seconds(LIFETIME_SECONDS)).contains(&now)
}

/// The code that was asked for at `issued_at`: six digits. Sending the invitation again makes it
/// worthless, as it does the link.
fn derive(
    secret: &Secret,
    present: &CurrentInvitation,
    address_mac: &[u8; 32],
    issued_at: Timestamp,
) -> String {
    let sent = present.send_count.to_be_bytes();
    let asked = issued_at.as_millis().to_be_bytes();
    let mac = secret.mac(
        "invitation code",
        &[present.id.as_bytes(), address_mac, &sent, &asked],
    );
    let number = mac
        .iter()
        .take(8)
        .fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    format!("{:06}", number % 1_000_000)
}

/// What the file holds of an address that was given for `present`.
fn address_mac(secret: &Secret, present: &CurrentInvitation, email: &Email) -> [u8; 32] {
    secret.mac(
        "invitation code address",
        &[present.id.as_bytes(), email.as_str().as_bytes()],
    )
}
