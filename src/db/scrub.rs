//! Clears what deleted rows leave behind in pages that are in use.
//!
//! `pragma secure_delete` zeroes every cell that is deleted and every page that becomes free. One
//! thing it leaves: where SQLite spreads the cells of a page over its neighbours, copies stay in
//! the gap between the cell pointers and the cells, until new cells happen to overwrite them. So
//! the gap of every b-tree page is looked at, and zeroed where it holds anything. Stale text never
//! moves to another page, so one walk over the file is enough.

use std::ops::Range;

use rusqlite::OptionalExtension;

use super::{Db, Reader, WriteTx};
use crate::base::error::{Error, Result};

/// Who reads for it.
const READER: &str = "scrub";
/// Pages of 4,096 bytes that are looked at in one read: some milliseconds.
const PAGES_PER_READ: u32 = 2_000;
/// Pages that are cleared in one job: as many as a handful of creates change.
const PAGES_PER_JOB: usize = 32;
/// Up to this number of pages (128 GiB) the first byte of a page tells its kind: other pages begin
/// with the number of a page.
const MAX_PAGES: u32 = 0x0200_0000;

impl Db {
    /// Zeroes the unused gap of each page in which there is something. Returns how many that were.
    ///
    /// # Errors
    /// When the file cannot be read or written: what was cleared by then stays cleared.
    pub(crate) async fn scrub(&self) -> Result<usize> {
        let (mut next, mut cleared) = (1, 0);
        loop {
            let (found, more) = self
                .read_long(READER, move |reader| find(reader, next))
                .await?;
            for pages in found.chunks(PAGES_PER_JOB) {
                let pages = pages.to_vec();
                cleared += pages.len();
                self.write(move |tx| pages.iter().try_for_each(|&number| clear(tx, number)))
                    .await?;
            }
            match more {
                Some(number) => next = number,
                None => return Ok(cleared),
            }
        }
    }
}

/// Those of some pages from `first` on whose gap holds something, and where to go on.
fn find(reader: &Reader<'_>, first: u32) -> Result<(Vec<u32>, Option<u32>)> {
    let count: u32 = reader.query_row("pragma page_count", [], |row| row.get(0))?;
    if count >= MAX_PAGES {
        return Err(Error::internal("a file of 128 GiB cannot be scrubbed"));
    }
    let end = count.min(first.saturating_add(PAGES_PER_READ - 1));
    let mut statement = reader.prepare_cached("select data from sqlite_dbpage where pgno = ?1")?;
    let mut found = Vec::new();
    for number in first..=end {
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { continue };
        let page = row.get_ref(0)?.as_blob().map_err(Error::internal)?;
        if gap(page, number).is_some_and(|gap| page[gap].iter().any(|&byte| byte != 0)) {
            found.push(number);
        }
    }
    Ok((found, (end < count).then_some(end + 1)))
}

/// Zeroes the gap of a page, whatever is in it by now.
fn clear(tx: &WriteTx<'_>, number: u32) -> Result<()> {
    let mut look = tx.prepare_cached("select data from sqlite_dbpage where pgno = ?1")?;
    let Some(mut page) = look
        .query_row([number], |row| row.get::<_, Vec<u8>>(0))
        .optional()?
    else {
        return Ok(());
    };
    if let Some(gap) = gap(&page, number) {
        page[gap].fill(0);
        tx.prepare_cached("update sqlite_dbpage set data = ?2 where pgno = ?1")?
            .execute((number, page))?;
    }
    Ok(())
}

/// The part of a page that neither cell pointers nor cells are in; nothing in a page that is not of
/// a b-tree.
fn gap(page: &[u8], number: u32) -> Option<Range<usize>> {
    // The first page begins with the header of the file.
    let header = if number == 1 { 100 } else { 0 };
    let pointers = header
        + match page.get(header)? {
            2 | 5 => 12,
            10 | 13 => 8,
            _ => return None,
        };
    let field = |at: usize| {
        Some(usize::from(u16::from_be_bytes([
            *page.get(at)?,
            *page.get(at + 1)?,
        ])))
    };
    let (start, end) = (pointers + 2 * field(header + 3)?, field(header + 5)?);
    (start < end && end <= page.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::ids::Ids;
    use crate::db::{Options, Synchronous};

    /// Rows that come and go and change their length, in an order that no tree likes.
    fn churn(tx: &WriteTx<'_>) -> Result<()> {
        tx.execute_batch("create table t (k text primary key, v text) strict, without rowid")?;
        for round in 0..3 {
            for row in 0..3_000_u32 {
                let key = row.wrapping_mul(2_654_435_761) % 100_003;
                let text =
                    "remains ".repeat(usize::try_from((key + round) % 90).unwrap_or_default());
                tx.execute("insert or replace into t values (?1, ?2)", (key, text))?;
            }
        }
        tx.execute_batch("update t set v = upper(v)")?;
        Ok(())
    }

    #[test]
    fn after_a_scrub_no_text_is_left_that_no_row_holds_and_the_file_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("invited.db");
        let options = Options {
            workers: 1,
            synchronous: Synchronous::Full,
            clock: Clock::System,
            ids: Ids::Random,
        };
        let db = Db::open(&path, &options).expect("it opens");
        crate::server::block_on(async {
            db.write(churn).await.expect("it commits");
            let rows = |reader: &Reader<'_>| -> Result<Vec<(String, String)>> {
                let mut rows = reader.prepare("select k, v from t")?;
                Ok(rows
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?)
            };
            let before = db.read(rows).expect("rows");
            assert!(
                db.scrub().await.expect("it works") > 0,
                "secure_delete alone would do"
            );
            assert_eq!(db.scrub().await.expect("it works"), 0);
            assert!(db.empty_log().await, "nobody is in the way");
            assert_eq!(db.read(rows).expect("rows"), before);
            let verdict: String = db
                .read(
                    |reader| Ok(reader.query_row("pragma integrity_check", [], |row| row.get(0))?),
                )
                .expect("it");
            assert_eq!(verdict, "ok");
        });
        db.close();
        let bytes = std::fs::read(&path).expect("the file");
        assert_eq!(
            bytes
                .windows(7)
                .filter(|window| window == b"remains")
                .count(),
            0
        );
        assert!(bytes.windows(7).any(|window| window == b"REMAINS"));
    }
}
