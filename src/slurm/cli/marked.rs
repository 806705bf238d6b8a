//! Ends of fields that nobody could know beforehand, so that no value passes for another field or another row.

use crate::slurm::notation::Malformed;

/// The unit separator: the end of fields that Slurm itself writes.
pub const UNIT: char = '\u{1f}';

/// The end of a field that holds anything: unguessable, new for every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// A mark from random bytes.
    pub fn new(random: [u8; 8]) -> Mark {
        // The record separator keeps squeue from reading digits as a field's size.
        Mark(format!("\u{1e}{:016x}", u64::from_be_bytes(random)))
    }

    /// The mark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Rows of exactly so many fields, each of which ends in the mark, and the row in a line feed.
    pub fn rows<'a, const N: usize>(&'a self, text: &'a str) -> impl Iterator<Item = Result<[&'a str; N], Malformed>> {
        let mut rest = text;
        std::iter::from_fn(move || {
            if rest.trim_end_matches('\n').is_empty() {
                return None;
            }
            let mut fields = [""; N];
            for (nth, slot) in fields.iter_mut().enumerate() {
                let Some((field, after)) = rest.split_once(self.as_str()) else {
                    rest = "";
                    return Some(Err(Malformed(format!("a row with {nth} of {N} fields"))));
                };
                (*slot, rest) = (field, after);
            }
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            Some(Ok(fields))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the fields hold, they come back as they were; whatever is printed, nothing panics.
        #[test]
        fn fields_come_back(fields in proptest::collection::vec("(\n|\u{1e}|\u{1f}|[|=]|\\PC){0,6}", 6), noise in "\\PC*") {
            let mark = Mark::new(*b"mark it!");
            let m = mark.as_str();
            let rows = fields.chunks(2).map(|row| format!("{}{m}{}{m}\n", row[0], row[1]));
            let text = rows.collect::<Vec<String>>().concat();
            let read: Vec<&str> = mark.rows::<2>(&text).flat_map(|row| row.unwrap()).collect();
            prop_assert_eq!(read, fields);
            let _ = mark.rows::<2>(&noise).count();
        }
    }
}
