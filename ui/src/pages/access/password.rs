//! What a new password must be: long. Nothing else makes it better for the people who have to remember it.
use crate::i18n::{format, t};

/// Shortest and longest, bytes: the server's own bounds.
const SHORTEST: usize = 12;
const LONGEST: usize = 1_024;
/// From here on it is better than most, bytes.
const GOOD: usize = 20;

/// What there is to say of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordState {
    /// Nothing was typed.
    Missing,
    /// So many bytes are missing.
    Short(usize),
    /// Longer than the server takes.
    Long,
    /// Good enough.
    Fair,
    /// Good.
    Strong,
}

/// Judges by length alone.
pub fn strength(password: &str) -> PasswordState {
    match password.len() {
        0 => PasswordState::Missing,
        length if length < SHORTEST => PasswordState::Short(SHORTEST - length),
        length if length > LONGEST => PasswordState::Long,
        length if length < GOOD => PasswordState::Fair,
        _ => PasswordState::Strong,
    }
}

impl PasswordState {
    /// Whether the server would take it.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Fair | Self::Strong)
    }

    /// What is wrong with it; empty when nothing is.
    pub fn problem(self) -> String {
        let words = t().access;
        match self {
            Self::Missing => words.password_missing(),
            Self::Short(left) => words.password_short(&format::count(left)),
            Self::Long => words.password_long(),
            Self::Fair | Self::Strong => String::new(),
        }
    }

    /// What is said under the field while it is typed.
    pub fn help(self) -> String {
        let words = t().access;
        match self {
            Self::Missing => words.password_help(),
            Self::Short(_) | Self::Long => self.problem(),
            Self::Fair => words.password_fair(),
            Self::Strong => words.password_strong(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(strength(""), PasswordState::Missing);
        assert_eq!(strength("elevenbytes"), PasswordState::Short(1));
        assert_eq!(strength("한글네자"), PasswordState::Fair);
        assert_eq!(strength(&"x".repeat(20)), PasswordState::Strong);
        assert_eq!(strength(&"x".repeat(1_025)), PasswordState::Long);
    }
}
