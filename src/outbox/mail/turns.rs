//! Whose turn it is: mail goes out by organization in a ring, and in each by the mail domains that
//! it goes to, so that neither a large batch nor a slow domain holds up the mail of others.
//!
//! # Performance
//! The rings are walked by seeks in the index of what is ready. However much of it waits, a walk
//! ends after [`LOOKS`] of them, and the next one goes on from there.

use std::collections::HashMap;

use super::store::{self, Row};
use crate::base::error::Result;
use crate::db::Reader;
use crate::outbox::desk::Offer;
use crate::outbox::places::{Lane, Place};

/// The most organizations and domains that one walk through a lane looks at.
const LOOKS: usize = 400;
/// The most domains of one organization that are looked at before the next one is.
const DOMAINS: usize = 16;
/// Of how many organizations it is remembered which domain was served last.
const REMEMBERED: usize = 10_000;

/// Whose turn it is, in each lane.
#[derive(Debug, Default)]
pub struct Turns {
    /// The rings, by the number of the lane.
    rings: [Ring; 3],
    /// Whether mail that was tried before goes first: at every other walk, so that neither waits
    /// for ever.
    again_goes_first: bool,
}

/// Who was served last in a lane.
#[derive(Debug, Default)]
struct Ring {
    /// The organization.
    organization: String,
    /// Of each organization the domain.
    domains: HashMap<String, String>,
}

impl Turns {
    /// Takes places of the offer for mail that is ready.
    pub(crate) fn find(&mut self, reader: &Reader<'_>, offer: &mut Offer<'_>) -> Result<Vec<Row>> {
        let usual = if self.again_goes_first {
            [Lane::Again, Lane::First]
        } else {
            [Lane::First, Lane::Again]
        };
        self.again_goes_first = !self.again_goes_first;
        let mut rows = Vec::new();
        for lane in [Lane::Urgent, usual[0], usual[1]] {
            self.rings[usize::from(lane as u8)].walk(reader, lane, offer, &mut rows)?;
        }
        Ok(rows)
    }
}

impl Ring {
    /// Goes round until no place is left, or nobody took one in a whole round.
    fn walk(
        &mut self,
        reader: &Reader<'_>,
        lane: Lane,
        offer: &mut Offer<'_>,
        rows: &mut Vec<Row>,
    ) -> Result<()> {
        let (mut looks, mut since) = (0, None);
        while looks < LOOKS && offer.has_room(lane) {
            let Some(organization) = next(&self.organization, |after| {
                store::next_organization(reader, lane, after)
            })?
            else {
                break;
            };
            if since.as_ref() == Some(&organization) {
                break;
            }
            self.organization.clone_from(&organization);
            let row = self.visit(reader, lane, &organization, offer, rows, &mut looks)?;
            since = if row.is_some() {
                None
            } else {
                since.or(Some(organization))
            };
            rows.extend(row);
        }
        Ok(())
    }

    /// The next mail of an organization: the oldest one to the domain whose turn it is, and that
    /// has a place.
    fn visit(
        &mut self,
        reader: &Reader<'_>,
        lane: Lane,
        organization: &str,
        offer: &mut Offer<'_>,
        rows: &[Row],
        looks: &mut usize,
    ) -> Result<Option<Row>> {
        let mut served = self.domains.get(organization).cloned().unwrap_or_default();
        let mut first = None;
        let mut found = None;
        for _ in 0..DOMAINS {
            *looks += 1;
            let domain = next(&served, |after| {
                store::next_domain(reader, lane, organization, after)
            })?;
            let Some(domain) = domain.filter(|domain| first.as_ref() != Some(domain)) else {
                break;
            };
            served.clone_from(&domain);
            let place = Place {
                destination: domain.clone(),
                organization: Some(organization.to_owned()),
                lane,
            };
            let skipped = rows.iter().filter(|row| row.place == place).count();
            let row = store::find_ready(reader, &place, skipped)?;
            if let Some(row) = row.filter(|_| offer.take(&place)) {
                found = Some(row);
                break;
            }
            first.get_or_insert(domain);
        }
        self.remember(organization, served);
        Ok(found)
    }

    /// Remembers which domain was served last.
    fn remember(&mut self, organization: &str, domain: String) {
        if self.domains.len() >= REMEMBERED {
            self.domains.clear();
        }
        self.domains.insert(organization.to_owned(), domain);
    }
}

/// The next name in a ring behind `served`: from the beginning where none follows.
fn next(served: &str, find: impl Fn(&str) -> Result<Option<String>>) -> Result<Option<String>> {
    match find(served)? {
        Some(next) => Ok(Some(next)),
        None => find(""),
    }
}
