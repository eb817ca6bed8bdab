//! The ids that this server makes: UUIDv7.

use uuid::Uuid;

use crate::base::clock::Timestamp;

/// Reads the one accepted spelling of an invitation's id: a lowercase hyphenated UUIDv7.
pub(crate) fn parse_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let is_canonical = id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
    (is_canonical && id.get_version_num() == 7).then_some(id)
}

/// Whether `id` bears a time that can be written: ids beyond would leave no room for those to come.
pub(crate) fn is_of_time(id: Uuid) -> bool {
    id < lowest_id_at(Timestamp::from_millis(i64::MAX))
}

/// An id below all that were minted at `time` or later.
pub(crate) fn lowest_id_at(time: Timestamp) -> Uuid {
    Uuid::from_u128(u128::from(time.as_millis().unsigned_abs()) << 80)
}
