//! Where new ids come from: the system's random source, or in development a seed.
//!
//! By a seed the same requests in the same order get the same ids. So does each kind of id by
//! itself: what the server does behind requests changes no id that a request gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use super::clock::Timestamp;
use super::hex::hex;

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A row of the file.
    Row,
    /// A mail in the mailbox.
    Mail,
    /// An API key.
    Key,
    /// A request.
    Request,
    /// What the server does behind requests.
    Task,
    /// A snapshot.
    Snapshot,
}

impl Kind {
    /// How many there are.
    const COUNT: usize = 6;
}

/// Where new ids come from. Clones share one source.
#[derive(Clone, Debug, Default)]
pub enum Ids {
    /// The system: nobody can guess them.
    #[default]
    Random,
    /// A seed: everybody who knows it can tell them.
    Seeded(Arc<Seeded>),
}

/// Ids that follow from a seed.
#[derive(Debug)]
pub struct Seeded {
    /// The seed.
    seed: u64,
    /// How many ids of each kind were made.
    made: [AtomicU64; Kind::COUNT],
    /// The latest time in an id of a row, in milliseconds since the epoch.
    latest: AtomicI64,
}

/// How far a source has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many ids of each kind were made.
    made: [u64; Kind::COUNT],
    /// The latest time in an id of a row.
    latest: i64,
}

impl Ids {
    /// A source that follows from `seed`.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Seeded {
            seed,
            made: Default::default(),
            latest: AtomicI64::new(0),
        }))
    }

    /// A new UUIDv4.
    pub(crate) fn uuid(&self, kind: Kind) -> Uuid {
        match self {
            Self::Random => Uuid::new_v4(),
            Self::Seeded(seeded) => Builder::from_random_bytes(seeded.next_bytes(kind)).into_uuid(),
        }
    }

    /// Fills `bytes` with what nobody can guess, or by the seed.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn fill(&self, kind: Kind, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        match self {
            Self::Random => getrandom::fill(bytes)?,
            Self::Seeded(seeded) => seeded.fill(kind, seeded.count(kind), bytes),
        }
        Ok(())
    }

    /// The secret that belongs to the seed; none: it is a random one.
    pub(crate) fn secret(&self) -> Option<String> {
        let Self::Seeded(seeded) = self else {
            return None;
        };
        let mut bytes = [0; 32];
        seeded.derive("secret", &[], &mut bytes);
        Some(hex(&bytes))
    }

    /// How far the source has come; a random one comes nowhere.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Random => Place::default(),
            Self::Seeded(seeded) => seeded.place(),
        }
    }

    /// Has the source go on from `place`, where it is a seed.
    pub(crate) fn go_to(&self, place: Place) {
        if let Self::Seeded(seeded) = self {
            for (made, count) in seeded.made.iter().zip(place.made) {
                made.store(count, Ordering::SeqCst);
            }
            seeded.latest.store(place.latest, Ordering::SeqCst);
        }
    }
}

impl Seeded {
    /// The next UUIDv7 at `now`: greater than all of its kind before, even when the clock stands
    /// still or is set back.
    pub(crate) fn mint(&self, kind: Kind, now: Timestamp) -> Uuid {
        let latest = self.latest.fetch_max(now.as_millis(), Ordering::SeqCst);
        let millis = latest.max(now.as_millis()).unsigned_abs();
        let count = self.count(kind);
        let mut bytes = [0; 10];
        self.fill(kind, count, &mut bytes);
        // The version and the variant take bits of the first and of the third of these bytes.
        let [.., top, high, middle, low] = count.to_be_bytes();
        bytes[..4].copy_from_slice(&[top, high, middle >> 2, (middle & 0b11) << 6 | low >> 2]);
        bytes[4] = (low & 0b11) << 6 | bytes[4] & 0b11_1111;
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// The number of the next id of this kind, from 0 on.
    fn count(&self, kind: Kind) -> u64 {
        self.made[kind as usize].fetch_add(1, Ordering::SeqCst)
    }

    /// The bytes of the next id of this kind.
    fn next_bytes(&self, kind: Kind) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(kind, self.count(kind), &mut bytes);
        bytes
    }

    /// Fills `bytes` for id number `count` of a kind.
    fn fill(&self, kind: Kind, count: u64, bytes: &mut [u8]) {
        let mut part = [kind as u8; 9];
        part[1..].copy_from_slice(&count.to_be_bytes());
        self.derive("id", &part, bytes);
    }

    /// Fills `bytes` with what follows from the seed for one `purpose`.
    fn derive(&self, purpose: &str, part: &[u8], bytes: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key(&format!("invited: a {purpose} of a seed"));
        hasher.update(&self.seed.to_be_bytes()).update(part);
        hasher.finalize_xof().fill(bytes);
    }

    /// How far it has come.
    fn place(&self) -> Place {
        Place {
            made: self.made.each_ref().map(|made| made.load(Ordering::SeqCst)),
            latest: self.latest.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids of every kind.
    fn some(ids: &Ids) -> Vec<Uuid> {
        let Ids::Seeded(seeded) = ids else {
            return vec![ids.uuid(Kind::Request)];
        };
        let times = [5_000, 5_000, 5_001, 1, 9_000].map(Timestamp::from_millis);
        let minted = times.map(|now| seeded.mint(Kind::Row, now));
        minted
            .into_iter()
            .chain([ids.uuid(Kind::Request), ids.uuid(Kind::Task)])
            .collect()
    }

    #[test]
    fn one_seed_makes_the_same_ids_and_another_one_others() {
        let of = |seed| some(&Ids::seeded(seed));
        assert_eq!(of(7), of(7));
        assert!(of(7).iter().all(|id| !of(8).contains(id)));
        assert_ne!(Ids::seeded(7).secret(), Ids::seeded(8).secret());
        assert_ne!(some(&Ids::Random), some(&Ids::Random));
    }

    #[test]
    fn ids_of_rows_grow_bear_their_time_and_are_what_they_say() {
        let Ids::Seeded(seeded) = Ids::seeded(7) else {
            return;
        };
        let now = Timestamp::from_millis(1_700_000_000_123);
        let ids: Vec<_> = (0..300_000).map(|_| seeded.mint(Kind::Row, now)).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert!(ids.iter().all(|id| id.as_u128() >> 80 == 1_700_000_000_123));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let is_of_rfc = |id: &Uuid| id.get_variant() == uuid::Variant::RFC4122;
        assert!(ids.iter().all(is_of_rfc));
    }

    #[test]
    fn a_source_that_goes_back_makes_the_same_ids_again() {
        let ids = Ids::seeded(7);
        let start = ids.place();
        let first = some(&ids);
        let later = ids.place();
        let second = some(&ids);
        ids.go_to(start);
        assert_eq!(some(&ids), first);
        assert_eq!((ids.place(), some(&ids)), (later, second));
    }
}
