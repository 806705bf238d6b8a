//! Lists of hosts as Slurm writes them: `node[001-064,100],login1`. Source: slurm.conf(5),
//! `NodeName`; `scontrol show hostlist` of scontrol(1).
//!
//! A name may hold up to two brackets; what is in them are decimal numbers and ranges, and a range's leading zeros are
//! kept. Everything is bounded before it is made, so a hostile range costs nothing.
use std::collections::BTreeMap;

/// Brackets in one name.
const MAX_BRACKETS: usize = 2;
/// Characters of a name, brackets left out.
const MAX_NAME: usize = 255;
/// Digits of a number, so that it fits 64 bits.
const MAX_DIGITS: usize = 18;

/// Why a text is no list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostlistError {
    /// Nothing between two commas, or nothing at all.
    #[error("a name is empty")]
    Empty,
    /// A bracket without its other half, or within another.
    #[error("brackets don't match in {0}")]
    Unmatched(String),
    /// More brackets than Slurm takes.
    #[error("{0} has more than two brackets")]
    Brackets(String),
    /// A name that no host could have, however it goes on.
    #[error("{0} is longer than 255 characters")]
    Long(String),
    /// What is between brackets is no number and no range.
    #[error("[{0}] holds something other than numbers and ranges such as 1-8")]
    Range(String),
    /// A range that runs backwards.
    #[error("the range {0} runs backwards")]
    Backwards(String),
    /// More hosts than may be.
    #[error("stands for {count} hosts; there may be at most {limit}")]
    TooMany {
        /// So many.
        count: u128,
        /// The bound.
        limit: usize,
    },
}

/// All names that a list stands for, in its order; a name that is there twice comes twice. No more than `limit`.
pub fn expand(text: &str, limit: usize) -> Result<Vec<String>, HostlistError> {
    let patterns = split(text)?.into_iter().map(Pattern::parse).collect::<Result<Vec<_>, _>>()?;
    let count = patterns.iter().fold(0_u128, |sum, pattern| sum.saturating_add(pattern.count()));
    if count > limit as u128 {
        return Err(HostlistError::TooMany { count, limit });
    }
    let mut names = Vec::new();
    for pattern in &patterns {
        pattern.expand(&mut names);
    }
    Ok(names)
}

/// The shortest list of these names, sorted, each once; the last number of a name is folded, as Slurm does.
pub fn fold<T: AsRef<str>>(names: &[T]) -> String {
    let mut groups: BTreeMap<&str, BTreeMap<(u64, usize), &str>> = BTreeMap::new();
    for name in names {
        let name = name.as_ref();
        let (prefix, digits) = last_number(name);
        let number = digits.parse().unwrap_or(0);
        groups.entry(prefix).or_default().insert((number, digits.len()), digits);
    }
    let mut list = Vec::new();
    for (prefix, numbers) in groups {
        let mut ranges: Vec<Run> = Vec::new();
        for ((number, width), digits) in numbers {
            if width == 0 {
                list.push(prefix.to_owned());
                continue;
            }
            match ranges.iter_mut().rev().take(MAX_DIGITS + 1).find(|run| run.goes_on_with(number, digits)) {
                Some(run) => run.last = number,
                None => ranges.push(Run { width, first: number, last: number }),
            }
        }
        match ranges.as_slice() {
            [] => {}
            [one] if one.first == one.last => list.push(format!("{prefix}{one}")),
            ranges => {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                list.push(format!("{prefix}[{}]", ranges.join(",")));
            }
        }
    }
    list.join(",")
}

/// A name before its last digits, and these digits; none when there are more than fit.
fn last_number(name: &str) -> (&str, &str) {
    let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[prefix.len()..];
    if digits.len() > MAX_DIGITS { (name, "") } else { (prefix, digits) }
}

/// Numbers one after the other, written with this many digits at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    width: usize,
    first: u64,
    last: u64,
}

impl Run {
    fn count(self) -> u128 {
        u128::from(self.last - self.first) + 1
    }

    fn goes_on_with(self, number: u64, digits: &str) -> bool {
        self.last.checked_add(1) == Some(number) && digits == format!("{number:0width$}", width = self.width)
    }

    fn parse(text: &str, whole: &str) -> Result<Self, HostlistError> {
        let wrong = || HostlistError::Range(shown(whole));
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
            if plain { digits.parse::<u64>().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let run = Self { width: first.len(), first: number(first)?, last: number(last)? };
        if run.first > run.last { Err(HostlistError::Backwards(shown(text))) } else { Ok(run) }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.width;
        write!(f, "{:0width$}", self.first)?;
        if self.last > self.first { write!(f, "-{:0width$}", self.last) } else { Ok(()) }
    }
}

/// A name with its brackets: plain text and, after each but the last piece of it, the runs of a bracket.
struct Pattern<'a> {
    text: Vec<&'a str>,
    runs: Vec<Vec<Run>>,
}

impl<'a> Pattern<'a> {
    fn parse(name: &'a str) -> Result<Self, HostlistError> {
        if name.is_empty() {
            return Err(HostlistError::Empty);
        }
        let mut pattern = Self { text: Vec::new(), runs: Vec::new() };
        let mut rest = name;
        while let Some((before, after)) = rest.split_once('[') {
            let (inside, behind) = after.split_once(']').ok_or_else(|| HostlistError::Unmatched(shown(name)))?;
            if before.contains(']') || inside.contains('[') {
                return Err(HostlistError::Unmatched(shown(name)));
            }
            if pattern.runs.len() == MAX_BRACKETS {
                return Err(HostlistError::Brackets(shown(name)));
            }
            pattern.text.push(before);
            pattern.runs.push(inside.split(',').map(|text| Run::parse(text.trim(), inside)).collect::<Result<_, _>>()?);
            rest = behind;
        }
        if rest.contains(']') {
            return Err(HostlistError::Unmatched(shown(name)));
        }
        pattern.text.push(rest);
        // Before it is made many times over.
        if pattern.text.iter().map(|text| text.len()).sum::<usize>() > MAX_NAME {
            return Err(HostlistError::Long(shown(name)));
        }
        Ok(pattern)
    }

    fn count(&self) -> u128 {
        let of = |runs: &Vec<Run>| runs.iter().fold(0_u128, |sum, run| sum.saturating_add(run.count()));
        self.runs.iter().fold(1_u128, |product, runs| product.saturating_mul(of(runs)))
    }

    fn expand(&self, names: &mut Vec<String>) {
        let mut made = vec![String::new()];
        for (at, text) in self.text.iter().enumerate() {
            for name in &mut made {
                name.push_str(text);
            }
            let Some(runs) = self.runs.get(at) else { continue };
            let numbers = || runs.iter().flat_map(|run| (run.first..=run.last).map(|number| (number, run.width)));
            made = made
                .iter()
                .flat_map(|name| numbers().map(move |(number, width)| format!("{name}{number:0width$}")))
                .collect();
        }
        names.append(&mut made);
    }
}

/// Names between commas that are in no bracket.
fn split(text: &str) -> Result<Vec<&str>, HostlistError> {
    let mut names = Vec::new();
    let (mut depth, mut begin) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1).ok_or_else(|| HostlistError::Unmatched(shown(text)))?,
            ',' if depth == 0 => {
                names.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
        if depth > 1 {
            return Err(HostlistError::Unmatched(shown(text)));
        }
    }
    names.push(text[begin..].trim());
    Ok(names)
}

/// A text for a message: its beginning, with what isn't printable escaped.
fn shown(text: &str) -> String {
    let begin: String = text.chars().take(60).collect();
    let more = if begin.len() < text.len() { "…" } else { "" };
    format!("{}{more}", begin.escape_debug())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        expand(text, 10_000).unwrap()
    }

    #[test]
    fn ranges_keep_their_zeros_and_their_order() {
        assert_eq!(names("node[008-011,100]"), ["node008", "node009", "node010", "node011", "node100"]);
        assert_eq!(names("n[9-11]"), ["n9", "n10", "n11"]);
        assert_eq!(names("b,a"), ["b", "a"]);
        assert_eq!(names("r[1-2]n[1-2]"), ["r1n1", "r1n2", "r2n1", "r2n2"]);
        assert_eq!(names("10.77.0.[11-12]"), ["10.77.0.11", "10.77.0.12"]);
        assert_eq!(names("a[1,3]-ib, b"), ["a1-ib", "a3-ib", "b"]);
    }

    #[test]
    fn what_is_no_list_is_refused_in_words() {
        for (text, words) in [
            ("", "a name is empty"),
            ("a,,b", "a name is empty"),
            ("a[1-2", "brackets don't match in a[1-2"),
            ("a]1[", "brackets don't match in a]1["),
            ("a[[1]]", "brackets don't match in a[[1]]"),
            ("a[1]b[1]c[1]", "a[1]b[1]c[1] has more than two brackets"),
            ("a[]", "[] holds something other than numbers and ranges such as 1-8"),
            ("a[1-]", "[1-] holds something other than numbers and ranges such as 1-8"),
            ("a[+1]", "[+1] holds something other than numbers and ranges such as 1-8"),
            ("a[1;2]", "[1;2] holds something other than numbers and ranges such as 1-8"),
            ("a[3-1]", "the range 3-1 runs backwards"),
            ("n[0-99999999999]", "stands for 100000000000 hosts; there may be at most 10000"),
            (
                "n[0-999999999999999999]m[0-999999999999999999]",
                "stands for 1000000000000000000000000000000000000 hosts; there may be at most 10000",
            ),
        ] {
            assert_eq!(expand(text, 10_000).unwrap_err().to_string(), words, "{text}");
        }
    }

    #[test]
    fn folds_as_slurm_does() {
        assert_eq!(fold(&["node002", "node001", "node003", "node100"]), "node[001-003,100]");
        assert_eq!(fold(&["n9", "n10", "n11"]), "n[9-11]");
        assert_eq!(fold(&["n1", "n01", "n2", "n02"]), "n[1-2,01-02]");
        assert_eq!(fold(&["head1", "login", "head1"]), "head1,login");
        assert_eq!(fold::<&str>(&[]), "");
    }

    proptest! {
        #[test]
        fn folding_and_expanding_gives_the_same_names(
            names in prop::collection::btree_set("[a-z]{1,3}(-[a-z])?[0-9]{0,4}", 1..60)
        ) {
            let folded = fold(&names.iter().collect::<Vec<_>>());
            let again: BTreeSet<String> = expand(&folded, 10_000).unwrap().into_iter().collect();
            prop_assert_eq!(&again, &names, "{}", folded);
        }

        #[test]
        fn nothing_makes_it_panic(text in "[a-z0-9\\[\\],é -]{0,40}") {
            if let Ok(names) = expand(&text, 100) {
                prop_assert!(names.len() <= 100);
                fold(&names);
            }
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = expand(&text, 100);
            fold(&[text]);
        }
    }
}
