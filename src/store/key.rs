//! Byte keys whose order is the order of what they hold.
use slurmdash_api::UnixSeconds;

/// A key, or the beginning of one. Parts are joined so that comparing bytes compares part by part, and no part can be
/// mistaken for the beginning of a longer one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Key(Vec<u8>);

impl Key {
    /// No parts: the beginning of every key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that are a whole key already.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Adds text. A NUL inside becomes `00 FF`, the end is `00 00`, so that shorter text comes first.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        for &byte in text.as_bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.extend([0, 0]);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Adds a time; times before 1970 come before those after.
    #[must_use]
    pub fn time(self, time: UnixSeconds) -> Self {
        self.number(time.cast_unsigned() ^ (1 << 63))
    }

    /// Adds one byte.
    #[must_use]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds another key.
    #[must_use]
    pub fn join(mut self, other: &Key) -> Self {
        self.0.extend(&other.0);
        self
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first key after all that begin with this one; `None` when there is none.
    pub fn after_prefix(&self) -> Option<Key> {
        let last = self.0.iter().rposition(|&byte| byte != 0xFF)?;
        let mut next = self.0[..=last].to_vec();
        next[last] += 1;
        Some(Self(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_their_parts_do(a: (String, i64, u8), b: (String, i64, u8)) {
            let key = |(text, time, byte): &(String, i64, u8)| Key::new().text(text).time(*time).byte(*byte);
            // UTF-8 orders as its characters do.
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }

        #[test]
        fn only_equal_text_is_a_prefix(a in "[a\u{0}\u{7f}é]{0,4}", b in "[a\u{0}\u{7f}é]{0,4}", rest: u64) {
            let group = Key::new().text(&a);
            let key = Key::new().text(&b).number(rest);
            prop_assert_eq!(key.bytes().starts_with(group.bytes()), a == b);
            let inside = key >= group && group.after_prefix().is_none_or(|end| key < end);
            prop_assert_eq!(inside, a == b);
        }
    }

    #[test]
    fn a_prefix_of_highest_bytes_has_no_end() {
        assert_eq!(Key::raw([0xFF, 0xFF]).after_prefix(), None);
        assert_eq!(Key::raw([1, 0xFF]).after_prefix(), Some(Key::raw([2])));
        assert_eq!(Key::new().after_prefix(), None);
    }
}
