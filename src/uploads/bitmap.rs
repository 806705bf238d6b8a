//! Which chunks of a file are there: one bit each.

/// A set of chunk numbers below a fixed count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    total: u32,
    set: u32,
}

impl Bitmap {
    /// None of `total` chunks.
    pub fn new(total: u32) -> Self {
        Self { words: vec![0; total.div_ceil(64) as usize], total, set: 0 }
    }

    /// Whether chunk `index` is there.
    pub fn has(&self, index: u32) -> bool {
        index < self.total && self.words[(index / 64) as usize] & (1 << (index % 64)) != 0
    }

    /// Adds a chunk; one beyond the count changes nothing.
    pub fn insert(&mut self, index: u32) {
        if index < self.total && !self.has(index) {
            self.words[(index / 64) as usize] |= 1 << (index % 64);
            self.set += 1;
        }
    }

    /// Takes a chunk out.
    pub fn remove(&mut self, index: u32) {
        if self.has(index) {
            self.words[(index / 64) as usize] &= !(1 << (index % 64));
            self.set -= 1;
        }
    }

    /// How many are there.
    pub fn count(&self) -> u32 {
        self.set
    }

    /// Whether all are there.
    pub fn is_full(&self) -> bool {
        self.set == self.total
    }

    /// The first `limit` that are not there, in order.
    pub fn missing(&self, limit: usize) -> Vec<u32> {
        // A full word holds nothing that is missing; skipping it makes a large, nearly finished file quick.
        let words = self.words.iter().zip((0..self.total).step_by(64));
        let gaps = words.filter(|(word, _)| **word != u64::MAX).flat_map(|(_, first)| first..first.saturating_add(64));
        gaps.filter(|&index| index < self.total && !self.has(index)).take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_set_it_stands_for(total in 0_u32..400, steps in proptest::collection::vec((any::<bool>(), 0_u32..450), 0..300)) {
            let mut bitmap = Bitmap::new(total);
            let mut set = BTreeSet::new();
            for (insert, index) in steps {
                if insert {
                    bitmap.insert(index);
                    if index < total { set.insert(index); }
                } else {
                    bitmap.remove(index);
                    set.remove(&index);
                }
            }
            let missing: Vec<u32> = (0..total).filter(|index| !set.contains(index)).collect();
            prop_assert_eq!(bitmap.count() as usize, set.len());
            prop_assert_eq!(bitmap.is_full(), missing.is_empty());
            prop_assert_eq!(bitmap.missing(3), missing.iter().copied().take(3).collect::<Vec<_>>());
            prop_assert_eq!(bitmap.missing(usize::MAX), missing);
        }
    }
}
