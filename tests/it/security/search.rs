//! A search for many secrets in a long text.

use std::collections::HashSet;

/// Bytes of a secret that are looked for: as good as the whole.
const WINDOW: usize = 16;

/// Finds any of many secrets in a text, by their beginnings.
pub struct Search {
    /// What is looked for.
    needles: HashSet<[u8; WINDOW]>,
    /// How they begin: a look at it is cheap.
    starts: Vec<bool>,
}

impl Search {
    /// A search for the MACs of `tokens`, in hex and as bytes.
    pub fn new(tokens: &[String], more: &[u8]) -> Self {
        let hex = tokens.iter().map(|token| token.as_bytes()[37..].to_vec());
        let digits = |at: usize, token: &String| {
            u8::from_str_radix(&token[37 + at..39 + at], 16).expect("hex")
        };
        let raw = tokens.iter().map(|token| {
            (0..64)
                .step_by(2)
                .map(|at| digits(at, token))
                .collect::<Vec<_>>()
        });
        let needles: Vec<Vec<u8>> = hex.chain(raw).chain([more.to_vec()]).collect();
        // Beginnings and ends: what is cut anywhere is found all the same.
        let ends = needles
            .iter()
            .flat_map(|needle| [&needle[..WINDOW], &needle[needle.len() - WINDOW..]]);
        let needles: HashSet<[u8; WINDOW]> = ends
            .map(|end| end.try_into().expect("its length"))
            .collect();
        let mut starts = vec![false; 1 << 24];
        needles
            .iter()
            .for_each(|needle| starts[start_of(needle)] = true);
        Self { needles, starts }
    }

    /// How often anything is found in `text`.
    pub fn count(&self, text: &[u8]) -> usize {
        let might_be = text
            .array_windows()
            .filter(|window| self.starts[start_of(window)]);
        might_be
            .filter(|window| self.needles.contains(*window))
            .count()
    }
}

/// The first three bytes as a number.
fn start_of(needle: &[u8; WINDOW]) -> usize {
    usize::from(needle[0]) << 16 | usize::from(needle[1]) << 8 | usize::from(needle[2])
}
