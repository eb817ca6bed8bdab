//! What waits for the writer: jobs, rows and bytes, and the share that one actor may hold.

/// How many times of what is left free an actor may hold.
const SHARE: usize = 3;

/// What a job takes up while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// One for each job.
    pub jobs: usize,
    /// Rows that it makes or changes: roughly its time.
    pub rows: usize,
    /// Bytes of memory that it holds.
    pub bytes: usize,
}

impl Load {
    /// A job that changes a row or a few. Its body is smaller than this, once it was read.
    pub const ONE: Self = Self {
        jobs: 1,
        rows: 1,
        bytes: 8 * 1024,
    };

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            jobs: self.jobs + other.jobs,
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
        }
    }

    /// This without `other`, which is a part of it.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            jobs: self.jobs - other.jobs,
            rows: self.rows - other.rows,
            bytes: self.bytes - other.bytes,
        }
    }

    /// Each of the three with its counterparts in `total` and `bound`.
    fn each(self, total: Self, bound: Self) -> [(usize, usize, usize); 3] {
        [
            (self.jobs, total.jobs, bound.jobs),
            (self.rows, total.rows, bound.rows),
            (self.bytes, total.bytes, bound.bytes),
        ]
    }

    /// Whether an actor may hold this much, where `total` is held by all of them together.
    pub(crate) fn is_fair(self, total: Self, bound: Self) -> bool {
        self.each(total, bound)
            .iter()
            .all(|&(own, total, bound)| total <= bound && own <= SHARE * (bound - total))
    }
}
