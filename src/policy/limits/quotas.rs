//! How much each limit allows, and in which time.

/// Seconds in a minute.
pub(crate) const MINUTE: u64 = 60;

/// Seconds in an hour.
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// Seconds in a day.
pub(crate) const DAY: u64 = 24 * HOUR;

/// How many networks of a site of IPv6 may use all of their quota.
pub(crate) const NETWORKS_OF_SITE: u32 = 10;

/// The quota of each limit in its window; 0: no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quotas {
    /// Requests a minute by one API key.
    pub key: u32,
    /// Requests a minute without a key, by one address.
    pub address: u32,
    /// Mails a day to one recipient by one organization.
    pub recipient: u32,
    /// Mails a day to one recipient by all organizations together.
    pub mailbox: u32,
    /// Invitations a day by one organization.
    pub organization: u32,
    /// Wrong codes and words an hour, for one secret link and address.
    pub proofs: u32,
    /// Codes asked for an hour, for one secret link and address.
    pub codes: u32,
}
