//! Roles, and the words that accounts had before there were roles. Nothing here follows today's permissions.

/// Every permission of schemas 1 to 4, in the order in which they were written.
pub const WORDS: [&str; 7] =
    ["job:view", "job:submit", "job:manage", "node:view", "data:read", "data:write", "template:view"];
/// What everybody could do but an administrator's part.
const USER: [&str; 6] = ["job:view", "job:submit", "node:view", "data:read", "data:write", "template:view"];
const VIEWER: [&str; 3] = ["job:view", "node:view", "template:view"];

/// The role that stands for exactly these words, in any order.
pub fn role_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let mut words: Vec<&str> = words.into_iter().collect();
    words.sort_unstable();
    words.dedup();
    let is = |role: &[&str]| role.len() == words.len() && role.iter().all(|word| words.contains(word));
    match () {
        () if is(&WORDS) => Some("admin"),
        () if is(&USER) => Some("user"),
        () if is(&VIEWER) => Some("viewer"),
        () => None,
    }
}

/// What a role could do at schema 4: one that was made since, nothing.
pub fn words_of(role: &str) -> &'static [&'static str] {
    match role {
        "admin" | "operator" => &WORDS,
        "user" => &USER,
        "viewer" => &VIEWER,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exactly_these_words_are_a_role() {
        let mut reversed = WORDS;
        reversed.reverse();
        assert_eq!(role_of(reversed), Some("admin"));
        assert_eq!(role_of(USER), Some("user"));
        assert_eq!(role_of(["node:view", "template:view", "job:view", "job:view"]), Some("viewer"));
        for left_out in WORDS {
            let words = WORDS.into_iter().filter(|word| *word != left_out);
            assert_eq!(role_of(words), (left_out == "job:manage").then_some("user"), "{left_out}");
        }
        for words in [&[][..], &["job:view"], &["job:view", "node:view", "data:read", "template:view"], &["a"; 7]] {
            assert_eq!(role_of(words.iter().copied()), None, "{words:?}");
        }
        assert_eq!(role_of(WORDS.into_iter().chain(["audit:view"])), None);
        assert!(words_of("root").is_empty());
    }
}
