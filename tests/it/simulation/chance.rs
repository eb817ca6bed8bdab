//! What peers and clocks leave to chance: all of it follows from a seed.

/// A stream of random numbers (SplitMix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to one below `high`.
    pub fn number(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + i64::try_from((bits ^ (bits >> 31)) >> 1).expect("63 bits") % (high - low)
    }

    /// Whether something happens that happens in so many of a hundred cases.
    pub fn percent(&mut self, percent: i64) -> bool {
        self.number(0, 100) < percent
    }

    /// One of `choices`.
    pub fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = i64::try_from(choices.len()).expect("few");
        choices[usize::try_from(self.number(0, count)).expect("an index")]
    }
}
