//! The file and its writer.

use super::family::{Family, Sample, Value};
use crate::db::{Db, FileNumbers, Integrity, WriterNumbers};

/// All of it.
pub(super) fn families(db: &Db) -> Vec<Family> {
    let mut families = writer(db.writer_numbers());
    families.extend(file(&db.file_numbers()));
    families
}

/// The writer.
fn writer(numbers: WriterNumbers) -> Vec<Family> {
    vec![
        Family::gauge(
            "invited_writer_queue_jobs",
            "Changes that wait for the writer.",
            Some(count(numbers.waiting.jobs)),
        ),
        Family::gauge(
            "invited_writer_queue_rows",
            "Rows that these changes make or touch.",
            Some(count(numbers.waiting.rows)),
        ),
        Family::gauge(
            "invited_writer_queue_bytes",
            "Memory that these changes hold.",
            Some(count(numbers.waiting.bytes)),
        ),
        Family::gauge(
            "invited_writer_oldest_seconds",
            "How long the oldest change waits, or its transaction is under way.",
            Some(numbers.oldest.as_secs_f64()),
        ),
        Family::counter(
            "invited_writer_commits",
            "Transactions that were committed.",
            numbers.commits,
        ),
        Family::counter(
            "invited_writer_failures",
            "Transactions that came to nothing.",
            numbers.failures,
        ),
        Family::spread(
            "invited_writer_group_jobs",
            "Changes in a committed transaction.",
            Value::Spread(numbers.group_jobs, 1.0),
        ),
        Family::spread(
            "invited_writer_transaction_seconds",
            "How long a committed transaction took, the commit included.",
            Value::micros(numbers.transactions),
        ),
        Family::spread(
            "invited_writer_commit_seconds",
            "How long a commit took: it is written to the log, and the log is synced.",
            Value::micros(numbers.commit_times),
        ),
        Family::flag(
            "invited_storage_writable",
            "1 while writes are taken, 0 once the disk has failed to store one.",
            numbers.is_writable,
        ),
    ]
}

/// The file.
fn file(numbers: &FileNumbers) -> Vec<Family> {
    let bytes = |bytes: Option<u64>| bytes.map(real);
    let (readers, busy) = numbers.readers;
    let (most_reads, reads) = numbers.long_reads;
    vec![
        Family::gauge(
            "invited_database_bytes",
            "Size of the data file.",
            bytes(numbers.bytes),
        ),
        Family::gauge(
            "invited_log_bytes",
            "Size of the write-ahead log on the disk.",
            bytes(numbers.log_bytes),
        ),
        Family::gauge(
            "invited_log_used_bytes",
            "Bytes of the write-ahead log that were written since it was started over.",
            bytes(numbers.log_bytes_used),
        ),
        Family::gauge(
            "invited_disk_free_bytes",
            "Room on the disk of the data file.",
            bytes(numbers.free_bytes),
        ),
        Family::flag(
            "invited_database_in_place",
            "1 while the data file is at its place, 0 while it was removed or replaced.",
            numbers.is_in_place,
        ),
        Family::flag(
            "invited_database_damaged",
            "1 when the last look through the whole file found damage.",
            numbers.integrity == Integrity::Damaged,
        ),
        Family::gauges(
            "invited_readers",
            "Connections that read.",
            vec![
                Sample::new([("state", "idle")], Value::Whole(u64::from(readers - busy))),
                Sample::new([("state", "busy")], Value::Whole(u64::from(busy))),
            ],
        ),
        Family::gauge(
            "invited_long_reads",
            "Reads without a known bound that are under way.",
            Some(count(reads)),
        ),
        Family::gauge(
            "invited_long_reads_max",
            "How many of them there may be at the same time.",
            Some(count(most_reads)),
        ),
    ]
}

/// A number as a gauge has it.
fn count(number: usize) -> f64 {
    real(number as u64)
}

/// A number as a gauge has it.
#[allow(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
fn real(number: u64) -> f64 {
    number as f64
}
