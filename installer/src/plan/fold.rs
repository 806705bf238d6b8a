//! Many names in one, as Slurm writes lists of hosts: `node[001-064,100],head`. Source: hostlist of Slurm.

/// Folds names into one expression that expands to them in the same order. Only the digits at the end of a name count.
pub(crate) fn fold<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut groups: Vec<(&str, Vec<Range>)> = Vec::new();
    for name in names {
        let (prefix, digits) = split(name);
        match groups.last_mut() {
            Some((before, ranges)) if *before == prefix && !digits.is_empty() && !ranges.is_empty() => {
                if !ranges.last_mut().is_some_and(|range| range.takes(digits)) {
                    ranges.push(Range::new(digits));
                }
            }
            _ if digits.is_empty() => groups.push((name, Vec::new())),
            _ => groups.push((prefix, vec![Range::new(digits)])),
        }
    }
    let parts: Vec<String> = groups.iter().map(|(prefix, ranges)| written(prefix, ranges)).collect();
    parts.join(",")
}

/// Numbers that follow each other, written with the width of the first.
struct Range<'a> {
    first: &'a str,
    last: u64,
    more: u64,
}

impl<'a> Range<'a> {
    fn new(digits: &'a str) -> Self {
        Self { first: digits, last: digits.parse().unwrap_or(0), more: 0 }
    }

    /// Takes the next number in, if it is that.
    fn takes(&mut self, digits: &str) -> bool {
        let next = self.last + 1;
        let is_next = digits == format!("{next:0width$}", width = self.first.len());
        if is_next {
            self.last = next;
            self.more += 1;
        }
        is_next
    }

    fn written(&self) -> String {
        if self.more == 0 {
            return self.first.to_owned();
        }
        format!("{}-{:0width$}", self.first, self.last, width = self.first.len())
    }
}

fn written(prefix: &str, ranges: &[Range]) -> String {
    match ranges {
        [] => prefix.to_owned(),
        [only] if only.more == 0 => format!("{prefix}{}", only.first),
        _ => {
            let ranges: Vec<String> = ranges.iter().map(Range::written).collect();
            format!("{prefix}[{}]", ranges.join(","))
        }
    }
}

/// A name without the digits at its end, and those; longer numbers than any host has stay with the name.
fn split(name: &str) -> (&str, &str) {
    let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[prefix.len()..];
    if digits.len() > 18 { (name, "") } else { (prefix, digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_in_order() {
        for (names, folded) in [
            (vec!["n1"], "n1"),
            (vec!["head"], "head"),
            (vec!["n1", "n2", "n3"], "n[1-3]"),
            (vec!["n8", "n9", "n10"], "n[8-10]"),
            (vec!["n098", "n099", "n100", "n200"], "n[098-100,200]"),
            (vec!["n09", "n10", "n011"], "n[09-10,011]"),
            (vec!["n2", "n1"], "n[2,1]"),
            (vec!["a1", "b1", "a2"], "a1,b1,a2"),
            (vec!["head", "n1", "n2"], "head,n[1-2]"),
            (vec!["10.77.0.9", "10.77.0.10"], "10.77.0.[9-10]"),
            (vec![], ""),
        ] {
            assert_eq!(fold(names.iter().copied()), folded, "{names:?}");
        }
    }
}
