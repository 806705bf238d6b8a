//! Job arrays: `0-9%2`, `1,3,5-9:2`.
//!
//! Source: sbatch(1) `--array`.

use std::collections::BTreeSet;

use super::{Malformed, digits};

/// An array's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// The indices, each once, in order.
    pub tasks: BTreeSet<u32>,
    /// How many may run at once (`%2`).
    pub limit: Option<u32>,
}

/// Reads an array specification whose indices are below `max_size` (`MaxArraySize` of slurm.conf(5)).
pub fn parse(text: &str, max_size: u32) -> Result<Array, Malformed> {
    let bad =
        || Malformed(format!("{text:?} is no array: write indices below {max_size} such as 0-9, 1,3,5-9:2 or 0-9%2"));
    let (indices, limit) = match text.split_once('%') {
        Some((indices, limit)) => (indices, Some(digits::<u32>(limit).filter(|limit| *limit > 0).ok_or_else(bad)?)),
        None => (text, None),
    };
    let mut tasks = BTreeSet::new();
    for part in indices.split(',') {
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range, digits::<u32>(step).filter(|step| *step > 0).ok_or_else(bad)?),
            None => (part, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (digits::<u32>(first).ok_or_else(bad)?, digits::<u32>(last).ok_or_else(bad)?);
        if first > last || last >= max_size {
            return Err(bad());
        }
        tasks.extend((first..=last).step_by(step as usize));
    }
    Ok(Array { tasks, limit })
}

/// Writes tasks as Slurm lists them: `3-20%2`.
pub fn format(tasks: &BTreeSet<u32>, limit: Option<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &task in tasks {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == task => *last = task,
            _ => ranges.push((task, task)),
        }
    }
    let ranges: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    let limit = limit.map(|limit| format!("%{limit}")).unwrap_or_default();
    ranges.join(",") + &limit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tasks(text: &str) -> Vec<u32> {
        parse(text, 1001).unwrap().tasks.into_iter().collect()
    }

    #[test]
    fn every_form_of_the_manual_page() {
        assert_eq!(tasks("0-3"), [0, 1, 2, 3]);
        assert_eq!(tasks("1,3,5-9:2"), [1, 3, 5, 7, 9]);
        assert_eq!(tasks("7"), [7]);
        assert_eq!(tasks("5,5,4-6"), [4, 5, 6]);
        assert_eq!(parse("0-9%2", 1001).unwrap().limit, Some(2));
        for text in ["", "a", "3-1", "0-1001", "0-9%0", "0-9%", "0-9:0", "1,,2", "1-", "-1", "0-4294967295", "1 2"] {
            assert!(parse(text, 1001).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            tasks in proptest::collection::btree_set(0..1000_u32, 1..40),
            limit in proptest::option::of(1..50_u32),
        ) {
            let array = parse(&format(&tasks, limit), 1001).unwrap();
            prop_assert_eq!(array, Array { tasks, limit });
        }

        #[test]
        fn never_panics(text in "[-0-9,:%a ]*") {
            let _ = parse(&text, 10_000);
        }
    }
}
