//! Limits: how much one caller may do, and how much may be done to one recipient.
//!
//! Each has a quota for a window. A subject has all of it at once, and it is refilled evenly.
//! Everything is in memory: a restart starts anew.
//!
//! * [`shares`] are parts of what is bounded for all at the same time.
//! * [`tries`] are those at a secret link.
//! * [`spacing`] is a limit beyond which things wait.
//! * [`refusals`] decides which refusals the log is told of.
//! * [`looks`] count nothing. [`limiter`] is one limit, [`bounded_store`] its memory, [`client`] tells which address a
//!   request comes from.

mod bounded_store;
pub(crate) mod client;
mod elapsed;
mod limiter;
mod looks;
mod quotas;
pub(crate) mod refusals;
mod shares;
mod spacing;
mod tries;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use uuid::Uuid;

use crate::base::email::Email;
use crate::base::error::{Policy, Result};
use crate::base::organization_id::OrganizationId;

pub(crate) use client::{network, site};
use elapsed::Elapsed;
use limiter::Limiter;
pub(crate) use quotas::{DAY, Quotas};
use quotas::{HOUR, MINUTE, NETWORKS_OF_SITE};
use refusals::Refusals;
pub(crate) use shares::{Share, Shares};
use spacing::Spacing;
use tries::Tries;

/// The limits of a server. The default ones allow everything.
#[derive(Debug, Default)]
pub struct Limits {
    /// Requests by API key.
    key: Option<Limiter>,
    /// Requests without a key, by address.
    address: Option<Limiter>,
    /// Requests without a key, by the site of an IPv6 address.
    site: Option<Limiter>,
    /// Mails by organization and recipient.
    recipient: Option<Limiter>,
    /// Mails by recipient. All organizations share it, so it refuses nothing: one would learn from
    /// that what others do.
    mailbox: Option<Spacing>,
    /// Invitations by organization.
    organization: Option<Limiter>,
    /// Wrong codes. A right one is refused, too, once there were too many.
    proofs: Option<Tries>,
    /// Wrong addresses of those that an application or an identity provider vouches for. A right
    /// one is never refused.
    words: Option<Tries>,
    /// Codes that were asked for.
    codes: Option<Tries>,
    /// What the log was told of refused requests.
    pub refusals: Refusals,
    /// The time by which all of them are refilled.
    elapsed: Arc<Elapsed>,
    /// The proxies that may say for whom they ask.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Limits {
    /// Limits with nothing used yet.
    pub(crate) fn new(quotas: Quotas, trusted_proxies: Vec<IpNet>) -> Self {
        let elapsed = Arc::<Elapsed>::default();
        let limiter = |name, quota, window_seconds, what| {
            let policy = Policy {
                name,
                quota,
                window_seconds,
                what,
            };
            Limiter::new(policy, &elapsed)
        };
        let tries = |name, quota, what| Tries::new(name, quota, what, &elapsed);
        Self {
            key: limiter(
                "key",
                quotas.key,
                MINUTE,
                "requests a minute by one API key",
            ),
            address: limiter(
                "address",
                quotas.address,
                MINUTE,
                "requests a minute without a valid key by one address",
            ),
            site: limiter(
                "site",
                quotas.address.saturating_mul(NETWORKS_OF_SITE),
                MINUTE,
                "requests a minute without a valid key by one /48 of IPv6",
            ),
            recipient: limiter(
                "recipient",
                quotas.recipient,
                DAY,
                "mails a day to one recipient by one organization",
            ),
            mailbox: Spacing::new(quotas.mailbox, DAY, &elapsed),
            organization: limiter(
                "organization",
                quotas.organization,
                DAY,
                "invitations a day by one organization",
            ),
            proofs: tries("proofs", quotas.proofs, "wrong codes an hour for one link"),
            words: tries(
                "proofs",
                quotas.proofs,
                "wrong addresses an hour for one link",
            ),
            codes: tries(
                "codes",
                quotas.codes,
                "codes asked for an hour for one link",
            ),
            refusals: Refusals::default(),
            elapsed,
            trusted_proxies,
        }
    }

    /// The address of the client, by `peer` and its `X-Forwarded-For` lines.
    pub(crate) fn client(&self, peer: IpAddr, forwarded: &[&str]) -> IpAddr {
        client::client(peer, forwarded, &self.trusted_proxies)
    }

    /// Counts a request of an API key.
    ///
    /// # Errors
    /// [`crate::base::error::Code::RateLimited`], as for all of these.
    pub(crate) fn count_request(&self, key: &str) -> Result<()> {
        self.key
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.count(key))
    }

    /// Counts a request without a valid key against the address it comes from, by `peer` and its
    /// `X-Forwarded-For` lines.
    ///
    /// # Errors
    /// When the address has used its quota.
    pub(crate) fn count_keyless(&self, peer: IpAddr, forwarded: &[&str]) -> Result<()> {
        let client = self.client(peer, forwarded);
        if client.is_ipv6() {
            self.site
                .as_ref()
                .map_or(Ok(()), |limiter| limiter.check(client::site(client)))?;
        }
        self.address
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.count(client::network(client)))?;
        if client.is_ipv6() {
            self.site
                .as_ref()
                .map_or(Ok(()), |limiter| limiter.count(client::site(client)))?;
        }
        Ok(())
    }

    /// Counts an invitation that is made or sent again, and where `is_mailed` its mail, if both are
    /// within the quotas of its organization. Returns how long the mail has to wait. To be called
    /// in the write job, which runs alone, so that what is refused by one of them costs nothing of
    /// the other. What is undone afterwards, as when the disk is full, stays counted.
    ///
    /// # Errors
    /// When one of them is used up; then nothing was counted.
    pub(crate) fn count_invitation(
        &self,
        organization: &OrganizationId,
        email: &Email,
        is_mailed: bool,
    ) -> Result<Duration> {
        let subject = (organization.as_str(), email.mailbox());
        self.recipient
            .as_ref()
            .filter(|_| is_mailed)
            .map_or(Ok(()), |limiter| limiter.check(subject))?;
        self.organization
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.count(organization.as_str()))?;
        if is_mailed {
            self.count_mail(organization, email)
        } else {
            Ok(Duration::ZERO)
        }
    }

    /// Counts a mail of `organization` to `email`. Returns how long it has to wait, as the
    /// recipient has had enough for now.
    ///
    /// # Errors
    /// When the organization has sent that recipient enough; then nothing was counted.
    pub(crate) fn count_mail(
        &self,
        organization: &OrganizationId,
        email: &Email,
    ) -> Result<Duration> {
        let recipient = email.mailbox();
        self.recipient.as_ref().map_or(Ok(()), |limiter| {
            limiter.count((organization.as_str(), recipient))
        })?;
        Ok(self
            .mailbox
            .as_ref()
            .map_or(Duration::ZERO, |spacing| spacing.count(recipient)))
    }

    /// Checks that a code for `email` may be tried at the link of `invitation`: to be asked before
    /// the code is looked at, so that not even the right one is found by trying them all.
    ///
    /// # Errors
    /// When too many were wrong.
    pub(crate) fn check_proofs(&self, invitation: Uuid, email: &Email) -> Result<()> {
        self.proofs
            .as_ref()
            .map_or(Ok(()), |tries| tries.check(invitation, email))
    }

    /// Counts a wrong code for `email` at the link of `invitation`. The one that uses the quota up
    /// is still answered as wrong.
    pub(crate) fn count_wrong_proof(&self, invitation: Uuid, email: &Email) {
        self.proofs
            .iter()
            .for_each(|tries| tries.count(invitation, email));
    }

    /// Counts that somebody vouched for another address than the one of `invitation`.
    ///
    /// # Errors
    /// When that happened too often.
    pub(crate) fn count_wrong_word(&self, invitation: Uuid, email: &Email) -> Result<()> {
        self.words.as_ref().map_or(Ok(()), |tries| {
            tries.check(invitation, email)?;
            tries.count(invitation, email);
            Ok(())
        })
    }

    /// Counts that a code for `email` is asked for at the link of `invitation`, right or wrong: a
    /// count of the wrong ones would tell which address is right.
    ///
    /// # Errors
    /// When too many were asked for; then nothing was counted.
    pub(crate) fn count_code(&self, invitation: Uuid, email: &Email) -> Result<()> {
        self.codes.as_ref().map_or(Ok(()), |tries| {
            tries.check(invitation, email)?;
            tries.count(invitation, email);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::email::Hosts;
    use crate::base::error::Error;

    /// An address.
    fn email(text: &str) -> Email {
        Email::parse(text, Hosts::Dotted).expect("an address")
    }

    /// An organization.
    fn organization(id: &str) -> OrganizationId {
        OrganizationId::parse(id).expect("an id")
    }

    /// The name of the limit that was exceeded.
    fn exceeded(error: &Error) -> &'static str {
        error.policy.map(|policy| policy.name).unwrap_or_default()
    }

    #[test]
    fn what_the_organization_may_not_send_costs_the_recipient_nothing() {
        let limits = Limits::new(
            Quotas {
                recipient: 2,
                organization: 1,
                ..Quotas::default()
            },
            Vec::new(),
        );
        limits
            .count_invitation(&organization("a"), &email("p@b.co"), true)
            .expect("the first");
        for _ in 0..5 {
            let refused = limits
                .count_invitation(&organization("a"), &email("p@b.co"), true)
                .expect_err("the second");
            assert_eq!(exceeded(&refused), "organization");
        }
        limits
            .count_mail(&organization("a"), &email("P+tag@b.co"))
            .expect("the recipient has one left");
        let refused = limits
            .count_mail(&organization("a"), &email("p@b.co"))
            .expect_err("the third");
        assert_eq!(exceeded(&refused), "recipient");
        limits
            .count_invitation(&organization("b"), &email("p@b.co"), true)
            .expect("another organization's");
        let refused = limits
            .count_invitation(&organization("a"), &email("q@b.co"), false)
            .expect_err("no room");
        assert_eq!(exceeded(&refused), "organization");
    }

    #[test]
    fn wrong_codes_lock_one_address_of_one_link_and_ten_addresses_lock_the_link() {
        let limits = Limits::new(
            Quotas {
                proofs: 3,
                codes: 3,
                ..Quotas::default()
            },
            Vec::new(),
        );
        let (one, another) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (right, wrong) = (email("right@b.co"), |number| {
            email(&format!("p{number}@b.co"))
        });
        for _ in 0..3 {
            assert!(
                (0..5).all(|_| limits.check_proofs(one, &wrong(0)).is_ok()),
                "looking is free"
            );
            limits.count_wrong_proof(one, &wrong(0));
        }
        let refused = limits
            .check_proofs(one, &wrong(0))
            .expect_err("it is locked");
        assert_eq!(
            (exceeded(&refused), refused.retry_after_seconds),
            ("proofs", Some(1_200))
        );
        limits.check_proofs(one, &right).expect("another address");
        (3..30).for_each(|number| limits.count_wrong_proof(one, &wrong(number)));
        limits
            .check_proofs(one, &right)
            .expect_err("the link is locked");
        limits.check_proofs(another, &right).expect("another link");
        assert!(
            (0..3).all(|_| limits.count_code(one, &right).is_ok()),
            "codes have a quota of their own"
        );
        assert_eq!(
            exceeded(&limits.count_code(one, &right).expect_err("the fourth")),
            "codes"
        );
        limits
            .count_wrong_word(one, &right)
            .expect("and so have words");
    }

    #[test]
    fn without_quotas_nothing_is_limited() {
        let limits = Limits::default();
        for _ in 0..1_000 {
            limits.count_request("key").expect("no limit");
            limits
                .count_keyless(IpAddr::from([1, 1, 1, 1]), &[])
                .expect("no limit");
            limits
                .count_invitation(&organization("a"), &email("p@b.co"), true)
                .expect("no limit");
            limits.count_wrong_proof(Uuid::nil(), &email("p@b.co"));
            limits
                .check_proofs(Uuid::nil(), &email("p@b.co"))
                .expect("no limit");
        }
        limits.sweep();
    }
}
