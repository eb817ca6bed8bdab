//! The ids of rows.

use std::cell::Cell;

use rusqlite::{Connection, OptionalExtension};
use uuid::{ContextV7, Uuid};

use super::Db;
use super::tally::Tally;
use crate::base::clock::Timestamp;
use crate::base::ids::{Ids, Kind};

/// Mints UUIDv7s that only grow, even when the clock stands still or is set back.
pub(crate) struct IdMint {
    /// Where they come from.
    pub(super) source: Ids,
    /// Counts within a millisecond.
    context: ContextV7,
    /// The latest time used, in milliseconds since the epoch.
    latest: Cell<i64>,
}

impl IdMint {
    /// A mint that goes on after the ids of the file: the clock may have been ahead when they were
    /// made. Where that cannot be read, requests will meet the damage and say so.
    pub(crate) fn after(conn: &Connection, source: Ids) -> Self {
        // Events are appended in commit order, and each one's id is made after that of what it is
        // about. What has no event has a row in the history of the server.
        let last = |sql| {
            conn.query_row(sql, [], |row| row.get::<_, [u8; 16]>(0))
                .optional()
                .unwrap_or_default()
        };
        let event = last("select id from event order by rowid desc limit 1");
        let last = event.max(last("select id from audit order by id desc limit 1"));
        let next_millis = last.map_or(0, |id| {
            i64::try_from(u128::from_be_bytes(id) >> 80).unwrap_or_default() + 1
        });
        Self::starting_at(next_millis, source)
    }

    /// A mint that makes no ids before `millis`.
    fn starting_at(millis: i64, source: Ids) -> Self {
        Self {
            source,
            context: ContextV7::new(),
            latest: Cell::new(millis),
        }
    }

    /// The next id of this kind at `now`.
    pub(super) fn mint(&self, kind: Kind, now: Timestamp) -> Uuid {
        if let Ids::Seeded(seeded) = &self.source {
            return seeded.mint(kind, now);
        }
        let millis = now.as_millis().max(self.latest.get());
        self.latest.set(millis);
        let seconds = u64::try_from(millis / 1000).unwrap_or_default();
        let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.context, seconds, nanos))
    }
}

/// What belongs to the one connection that writes.
pub(super) struct Pen {
    /// The connection.
    pub conn: Connection,
    /// Where new ids come from.
    pub ids: IdMint,
    /// What a transaction adds to the counts of rows.
    pub tally: Tally,
}

impl Db {
    /// Where the ids come from that the server makes.
    pub(crate) fn ids(&self) -> &Ids {
        &self.shared.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_even_when_the_clock_is_set_back() {
        for source in [Ids::Random, Ids::seeded(1)] {
            let mint = IdMint::starting_at(0, source);
            let times = [5_000, 5_000, 5_001, 1, 5_000, 9_000].map(Timestamp::from_millis);
            let ids: Vec<Uuid> = times
                .iter()
                .cycle()
                .take(30_000)
                .map(|&now| mint.mint(Kind::Row, now))
                .collect();
            assert!(ids.is_sorted_by(|one, next| one < next));
        }
    }

    #[test]
    fn an_id_bears_the_time_of_its_transaction() {
        let mint = IdMint::starting_at(0, Ids::Random);
        let id = mint.mint(Kind::Row, Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
        assert_eq!(id.get_version_num(), 7);
    }
}
