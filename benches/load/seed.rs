//! Data files with many invitations, as years of use would leave them.
//!
//! The rows of all organizations come interleaved, so that the pages of the file are as full, and
//! lie as far apart, as those of a file that grew. Every invitation has its event. The schema is
//! the library's own.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use invited::base::clock::Clock;
use invited::base::ids::Ids;
use invited::db::{Db, Options, Synchronous};
use rusqlite::Connection;
use uuid::Uuid;

use crate::Result;
use crate::insert::insert;

/// Invitations of each small organization.
const ROWS_PER_SMALL: u32 = 100;
/// Invitations of each large organization: the largest page of a list.
const ROWS_PER_LARGE: u32 = 1000;
/// Most large organizations in a file.
const MOST_LARGE: u32 = 20;
/// Invitations whose ids are kept for requests.
const SAMPLES: u32 = 20_000;
/// Page cache while seeding, in KiB.
const CACHE_KIB: i64 = 1_000_000;

/// Who has how many invitations.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Layout {
    /// Organizations named `large-<n>`.
    pub large: u32,
    /// Invitations of each of these.
    rows_per_large: u32,
    /// Organizations named `small-<n>`, with [`ROWS_PER_SMALL`] invitations each.
    pub small: u32,
}

impl Layout {
    /// A few large organizations, and many small ones.
    pub fn spread(rows: u32) -> Self {
        let large = (rows / (5 * ROWS_PER_LARGE)).clamp(1, MOST_LARGE);
        let small = rows.saturating_sub(large * ROWS_PER_LARGE) / ROWS_PER_SMALL;
        Self {
            large,
            rows_per_large: ROWS_PER_LARGE,
            small,
        }
    }

    /// All invitations in `large-0`.
    pub fn one_organization(rows: u32) -> Self {
        Self {
            large: 1,
            rows_per_large: rows,
            small: 0,
        }
    }

    /// All invitations.
    fn rows(self) -> u32 {
        self.large * self.rows_per_large + self.small * ROWS_PER_SMALL
    }

    /// The organization of the invitation `row`, before shuffling.
    fn organization(self, row: u32) -> String {
        let in_large = self.large * self.rows_per_large;
        if row < in_large {
            format!("large-{}", row / self.rows_per_large)
        } else {
            format!("small-{}", (row - in_large) / ROWS_PER_SMALL)
        }
    }
}

/// A data file to copy from.
pub struct Seed {
    /// The data file.
    pub path: PathBuf,
    /// A line for each sampled invitation: organization, space, id.
    pub samples: PathBuf,
    /// Who has how many invitations in it.
    pub layout: Layout,
}

impl Seed {
    /// The file with this layout in `folder`, made now or by an earlier bench.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn get(folder: &Path, layout: Layout) -> Result<Self> {
        let mut version = DefaultHasher::new();
        (
            layout,
            include_str!("../../schema.sql"),
            include_str!("insert.rs"),
            include_str!("seed.rs"),
        )
            .hash(&mut version);
        let name = format!("seed-{}-{:016x}", layout.rows(), version.finish());
        let seed = Self {
            path: folder.join(name.clone() + ".db"),
            samples: folder.join(name + ".samples"),
            layout,
        };
        if !seed.samples.exists() || !seed.path.exists() {
            eprintln!(
                "seeding {} with {} invitations ...",
                seed.path.display(),
                layout.rows()
            );
            seed.make()?;
        }
        Ok(seed)
    }

    /// A sampled invitation: organization and id.
    ///
    /// # Errors
    /// When there is none.
    pub fn sample(&self) -> Result<(String, String)> {
        let samples = fs::read_to_string(&self.samples)?;
        let first = samples.lines().next().and_then(|line| line.split_once(' '));
        let (organization, id) = first.ok_or("no samples")?;
        Ok((organization.to_owned(), id.to_owned()))
    }

    /// A copy at `path` that is on the disk when this returns, so that no later sync pays for it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn copy_to(&self, path: &Path) -> Result<()> {
        remove(path)?;
        fs::copy(&self.path, path)?;
        Ok(File::open(path)?.sync_all()?)
    }

    /// Makes the file, and last its samples.
    fn make(&self) -> Result<()> {
        remove(&self.path)?;
        let options = Options {
            workers: 1,
            synchronous: Synchronous::Full,
            clock: Clock::System,
            ids: Ids::Random,
        };
        drop(Db::open(&self.path, &options).map_err(|failure| failure.to_string())?);
        let conn = Connection::open(&self.path)?;
        // Whoever stops this half-way has no samples file, and starts over.
        leave_wal(&conn)?;
        conn.pragma_update(None, "synchronous", "off")?;
        conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let sampled = self.fill(&conn)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.close().map_err(|(_, error)| error)?;
        File::open(&self.path)?.sync_all()?;
        let mut samples = BufWriter::new(File::create(&self.samples)?);
        for (organization, id) in sampled {
            writeln!(samples, "{organization} {id}")?;
        }
        Ok(samples.flush()?)
    }

    /// Inserts all rows in random order; answers the sampled ones.
    fn fill(&self, conn: &Connection) -> Result<Vec<(String, Uuid)>> {
        let mut random = Random(1);
        let mut rows: Vec<u32> = (0..self.layout.rows()).collect();
        for last in (1..self.layout.rows()).rev() {
            rows.swap(last as usize, random.below(last + 1) as usize);
        }
        let mut sampled = Vec::new();
        conn.execute_batch("begin")?;
        for row in rows {
            let organization = self.layout.organization(row);
            let email = format!("{:012x}.{row}@example.com", random.next() >> 16);
            let inserted = insert(conn, &organization, &email)?;
            if random.below(self.layout.rows()) < SAMPLES {
                sampled.push((organization, inserted.id));
            }
        }
        conn.execute_batch("commit")?;
        Ok(sampled)
    }
}

/// Turns the journal off. That takes the file for itself, and a thread of the pool may let go of it
/// only a moment later.
fn leave_wal(conn: &Connection) -> Result<()> {
    for _ in 0..100 {
        if conn.pragma_update(None, "journal_mode", "off").is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(conn.pragma_update(None, "journal_mode", "off")?)
}

/// Removes a data file with all that lies beside it.
fn remove(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// The same random numbers at every start (`SplitMix64`): a seeded file is the same for everybody.
struct Random(u64);

impl Random {
    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        let scaled = ((self.next() >> 32) * u64::from(bound)) >> 32;
        u32::try_from(scaled).unwrap_or_default()
    }
}
