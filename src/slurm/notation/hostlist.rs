//! Node names in Slurm's short notation: `node[001-003,007],viz1`.
//!
//! Source: scontrol(1) `show hostnames` and `show hostlist`.

use super::{Malformed, digits};

/// Most names one list may stand for: more than the largest cluster has, and few enough to hold.
pub const MOST: usize = 65_536;

/// Longest name: more than any host has, so that many brackets can't make few names of enormous length.
const LONGEST: usize = 255;

/// Writes every name out, in the order given; several brackets in one name multiply.
///
/// Refuses a list that stands for more than [`MOST`] names before making them.
pub fn expand(text: &str) -> Result<Vec<String>, Malformed> {
    let mut names = Vec::new();
    if text.is_empty() {
        return Ok(names);
    }
    for part in split_outside_brackets(text)? {
        names.append(&mut expand_one(part, MOST - names.len())?);
    }
    Ok(names)
}

/// Splits at the commas that are not inside brackets.
fn split_outside_brackets(text: &str) -> Result<Vec<&str>, Malformed> {
    let bad = || Malformed(format!("{} has unbalanced brackets", shown(text)));
    let (mut parts, mut begin, mut inside) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' if inside => return Err(bad()),
            b'[' => inside = true,
            b']' if !inside => return Err(bad()),
            b']' => inside = false,
            b',' if !inside => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err(bad());
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

/// Expands one name with any number of brackets into at most `room` names.
fn expand_one(text: &str, room: usize) -> Result<Vec<String>, Malformed> {
    let bad = || Malformed(format!("{} is no list of node names", shown(text)));
    if text.is_empty() {
        return Err(bad());
    }
    let mut names = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (ranges, after) = after.split_once(']').ok_or_else(bad)?;
        let numbers = expand_ranges(ranges, room / names.len())?;
        names =
            names.iter().flat_map(|name| numbers.iter().map(move |number| format!("{name}{before}{number}"))).collect();
        rest = after;
        if names.first().is_some_and(|name| name.len() > LONGEST) {
            return Err(bad());
        }
    }
    if rest.len() > LONGEST || names.len() > room {
        return Err(too_many(text));
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

/// The numbers inside one pair of brackets, leading zeros kept; at most `room`.
fn expand_ranges(ranges: &str, room: usize) -> Result<Vec<String>, Malformed> {
    let bad = || Malformed(format!("[{}] is no range of numbers", shown(ranges)));
    let mut numbers = Vec::new();
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (from, to) = (digits::<u64>(first).ok_or_else(bad)?, digits::<u64>(last).ok_or_else(bad)?);
        let count = to.checked_sub(from).ok_or_else(bad)?;
        if usize::try_from(count).map_or(true, |count| count >= room.saturating_sub(numbers.len())) {
            return Err(too_many(ranges));
        }
        let width = first.len().min(LONGEST);
        numbers.extend((from..=to).map(|number| format!("{number:0width$}")));
    }
    Ok(numbers)
}

fn too_many(text: &str) -> Malformed {
    Malformed(format!("{} stands for more than {MOST} node names", shown(text)))
}

/// The beginning of a text, for messages.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Neighbours in a list that differ only in their number; none of them when the name doesn't end in one.
struct Group<'a> {
    prefix: &'a str,
    ranges: Vec<Range>,
}

struct Range {
    first: u64,
    last: u64,
    width: usize,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.width;
        write!(f, "{:0width$}", self.first)?;
        if self.last > self.first { write!(f, "-{:0width$}", self.last) } else { Ok(()) }
    }
}

impl std::fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.ranges.as_slice() {
            [] => f.write_str(self.prefix),
            [only] if only.first == only.last => write!(f, "{}{only}", self.prefix),
            ranges => {
                let ranges: Vec<String> = ranges.iter().map(Range::to_string).collect();
                write!(f, "{}[{}]", self.prefix, ranges.join(","))
            }
        }
    }
}

/// Writes names in the short notation. Neighbours with the same prefix and number width share brackets; order is kept.
pub fn compress(names: &[impl AsRef<str>]) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for name in names {
        let name = name.as_ref();
        let digits_at = name.bytes().rposition(|b| !b.is_ascii_digit()).map_or(0, |at| at + 1);
        let (prefix, number) = name.split_at(digits_at);
        let Some(value) = number.parse::<u64>().ok().filter(|number| *number < u64::MAX) else {
            groups.push(Group { prefix: name, ranges: Vec::new() });
            continue;
        };
        let range = Range { first: value, last: value, width: number.len() };
        match groups.last_mut().filter(|group| group.prefix == prefix && !group.ranges.is_empty()) {
            None => groups.push(Group { prefix, ranges: vec![range] }),
            Some(group) => match group.ranges.last_mut() {
                Some(before) if before.last + 1 == value && before.width == range.width => before.last = value,
                _ => group.ranges.push(range),
            },
        }
    }
    groups.iter().map(Group::to_string).collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_forms() {
        assert_eq!(expand("").unwrap(), Vec::<String>::new());
        assert_eq!(expand("login").unwrap(), ["login"]);
        assert_eq!(expand("n[1-3]").unwrap(), ["n1", "n2", "n3"]);
        assert_eq!(expand("n[08-11,20],viz1").unwrap(), ["n08", "n09", "n10", "n11", "n20", "viz1"]);
        assert_eq!(expand("r[1-2]n[1-2]-ib").unwrap(), ["r1n1-ib", "r1n2-ib", "r2n1-ib", "r2n2-ib"]);
    }

    #[test]
    fn the_hostile_forms_cost_nothing() {
        for text in [
            "n[1-4000000000]",
            "n[0-18446744073709551615]",
            "n[1-60000],m[1-60000]",
            "a[1-999]b[1-999]c[1-999]d[1-999]",
            "n[1-3",
            "n1-3]",
            "n[[1]]",
            "n[]",
            "n[3-1]",
            "n[-1]",
            "n[a-b]",
            "a,,b",
            ",",
            "n[99999999999999999999]",
        ] {
            assert!(expand(text).is_err(), "{text}");
        }
        assert!(expand(&format!("n[{}1-2]", "0".repeat(100_000))).is_err());
    }

    #[test]
    fn compresses_like_scontrol() {
        assert_eq!(compress(&["node001", "node002", "node003"]), "node[001-003]");
        assert_eq!(compress(&["n1", "n3", "n4", "viz001"]), "n[1,3-4],viz001");
        assert_eq!(compress(&["login", "n1"]), "login,n1");
        assert_eq!(compress(&["n9", "n10"]), "n[9,10]");
        assert_eq!(compress(&[] as &[&str]), "");
    }

    proptest! {
        #[test]
        fn what_is_compressed_expands(names in proptest::collection::vec("[a-z]{1,3}[0-9]{0,3}", 0..20)) {
            prop_assert_eq!(expand(&compress(&names)).unwrap(), names);
        }

        #[test]
        fn never_panics(text in "[-a0-9,\\[\\]é]*") {
            let _ = expand(&text);
        }
    }
}
