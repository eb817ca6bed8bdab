//! The settings of the limits.

use clap::Args;

use super::parse::{parse_count, parse_number, parse_per_minute};
use crate::base::mode::Mode;
use crate::policy::limits::Quotas;

/// The limits of a server whose settings name none.
///
/// Requests without a key: an office that joins at once does so from one address, with a few
/// requests for each person. A secret link and a key have 256 bits, so guessing them is hopeless at
/// any rate.
const QUOTAS: Quotas = Quotas {
    key: 0,
    address: 300,
    recipient: 50,
    mailbox: 200,
    organization: 0,
    proofs: 10,
    codes: 10,
};

/// MiB of answers that one caller may have stored in 24 hours: those of some 80,000 creates, or of
/// several hundred thousand invitations in batches.
const ANSWERS_MIB: u32 = 64;

/// The settings of the limits; 0 switches one off that counts in time.
#[derive(Args, Clone, Debug)]
pub struct LimitSettings {
    /// Requests a minute by one API key; 0: no limit [default: 0]
    #[arg(long, env = "INVITED_LIMIT_KEY", value_name = "N", value_parser = parse_per_minute)]
    pub limit_key: Option<u32>,

    /// Requests a minute without a valid key by one address, or one /64 of IPv6, ten times as many
    /// by one /48; 0: no limit [default: 300; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_ADDRESS", value_name = "N", value_parser = parse_per_minute)]
    pub limit_address: Option<u32>,

    /// Mails a day to one recipient by one organization; 0: no limit [default: 50; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_RECIPIENT", value_name = "N", value_parser = parse_count)]
    pub limit_recipient: Option<u32>,

    /// Mails a day to one recipient by all organizations together, beyond which they wait; 0: no
    /// limit [default: 200; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_MAILBOX", value_name = "N", value_parser = parse_count)]
    pub limit_mailbox: Option<u32>,

    /// Invitations a day by one organization; 0: no limit [default: 0]
    #[arg(long, env = "INVITED_LIMIT_ORGANIZATION", value_name = "N", value_parser = parse_count)]
    pub limit_organization: Option<u32>,

    /// Wrong proofs an hour for one secret link and address, ten times as many for the link; 0: no
    /// limit [default: 10; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_PROOFS", value_name = "N", value_parser = parse_count)]
    pub limit_proofs: Option<u32>,

    /// Codes asked for an hour for one secret link and address, ten times as many for the link; 0:
    /// no limit [default: 10; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_CODES", value_name = "N", value_parser = parse_count)]
    pub limit_codes: Option<u32>,

    /// MiB of answers stored in 24 hours for one API key, for repetitions by Idempotency-Key; 0: no
    /// limit [default: 64; dev: 0]
    #[arg(long, env = "INVITED_LIMIT_ANSWERS", value_name = "MIB", value_parser = parse_count)]
    pub limit_answers: Option<u32>,

    /// Streams of events at the same time; one API key has half of them at most, and always leaves
    /// some
    #[arg(long, env = "INVITED_MAX_STREAMS", value_name = "N", default_value_t = 1_000,
        value_parser = |text: &str| parse_number::<u32>(text, 2..=100_000))]
    pub max_streams: u32,

    /// Webhooks of the server; one organization has half of them at most
    #[arg(long, env = "INVITED_MAX_WEBHOOKS", value_name = "N", default_value_t = 100,
        value_parser = |text: &str| parse_number::<u32>(text, 2..=10_000))]
    pub max_webhooks: u32,
}

impl LimitSettings {
    /// How much each limit allows. In development only those that are set limit anything.
    pub(crate) fn quotas(&self, mode: Mode) -> Quotas {
        let default = if mode == Mode::Dev {
            Quotas::default()
        } else {
            QUOTAS
        };
        Quotas {
            key: self.limit_key.unwrap_or(default.key),
            address: self.limit_address.unwrap_or(default.address),
            recipient: self.limit_recipient.unwrap_or(default.recipient),
            mailbox: self.limit_mailbox.unwrap_or(default.mailbox),
            organization: self.limit_organization.unwrap_or(default.organization),
            proofs: self.limit_proofs.unwrap_or(default.proofs),
            codes: self.limit_codes.unwrap_or(default.codes),
        }
    }

    /// How many bytes of responses one caller may have stored in 24 hours; 0: any number.
    pub(crate) fn room_for_answers(&self, mode: Mode) -> i64 {
        let default = if mode == Mode::Dev { 0 } else { ANSWERS_MIB };
        i64::from(self.limit_answers.unwrap_or(default)) << 20
    }
}
