//! The kinds of security events, and how bad each is.
use slurmdash_api::audit::Severity;
use slurmdash_api::audit::Severity::{High, Low, Medium};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The word: `token_reused`.
    pub word: &'static str,
    /// What its rows in the audit log are called: `security.token_reused`.
    pub action: &'static str,
    /// How bad a single one is.
    pub severity: Severity,
    /// From how many in one event on it is worse, and how bad it is then; the least first.
    pub worse_from: &'static [(u64, Severity)],
}

impl Kind {
    /// How bad so many of them in one event are.
    pub fn severity_of(&self, count: u64) -> Severity {
        let worse = self.worse_from.iter().rev().find(|(from, _)| count >= *from);
        worse.map_or(self.severity, |(_, severity)| *severity)
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, $severity:ident $(, from $from:literal $worse:ident)*; )*) => {
        $(
            $(#[$doc])*
            pub const $name: Kind = Kind {
                word: $word,
                action: concat!("security.", $word),
                severity: $severity,
                worse_from: &[$(($from, $worse)),*],
            };
        )*

        /// All of them.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    /// A password was wrong, or there is no such account.
    LOGIN_FAILED = "login_failed", Low, from 20 Medium, from 200 High;
    /// Sign-ins came faster than they are taken.
    LOGIN_THROTTLED = "login_throttled", Medium;
    /// A refresh token came that had been used before: somebody has a copy.
    TOKEN_REUSED = "token_reused", High;
    /// A token came that is none of ours, or not any more.
    TOKEN_INVALID = "token_invalid", Low;
    /// An API key came that is none of ours, or not any more.
    KEY_INVALID = "key_invalid", Low, from 20 Medium;
    /// More requests came than are taken.
    LIMIT_HIT = "limit_hit", Low;
    /// Somebody wanted what they may not.
    PERMISSION_REFUSED = "permission_refused", Low;
    /// A file name that leads out of its folder, or is made to confuse.
    PATH_ATTACK = "path_attack", High;
    /// A page of another site tried to act as somebody.
    ORIGIN_REFUSED = "origin_refused", Medium;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_of_a_kind_are_worse_than_one() {
        let counts = [1, 19, 20, 199, 200, u64::MAX];
        assert_eq!(counts.map(|count| LOGIN_FAILED.severity_of(count)), [Low, Low, Medium, Medium, High, High]);
        assert_eq!(counts.map(|count| KEY_INVALID.severity_of(count)), [Low, Low, Medium, Medium, Medium, Medium]);
        assert!(counts.iter().all(|count| TOKEN_REUSED.severity_of(*count) == High));
        assert_eq!(PATH_ATTACK.action, "security.path_attack");
    }
}
