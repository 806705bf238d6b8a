//! Device tokens: what a browser shows that somebody has signed in to an account from it before.
//!
//! One opens nothing. It only moves the browser's tries at that account's password out of the strangers' queue
//! ([`super::logins`]), so that strangers who guess can't keep the owner out. Source: OWASP, "Slow Down Online Guessing
//! Attacks with Device Cookies".

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use data_encoding::BASE64URL_NOPAD;
use slurmdash_api::UnixSeconds;

use crate::secret::Secret;

/// How long a token is good: 180 days, in seconds.
pub const DEVICE_TOKEN_SECONDS: UnixSeconds = 180 * 24 * 3600;
/// Tells this use of the store's key from every other.
const LABEL: &[u8] = b"slurmdash device token 1";
/// Bytes of the time at the beginning of a token; the signature follows.
const TIME: usize = 8;
/// Characters of a token: base64url of the time and 32 bytes of HMAC-SHA-256.
const LENGTH: usize = 54;

/// Signs and checks device tokens.
#[derive(Clone)]
pub struct Devices {
    key: hmac::Key,
}

impl Devices {
    /// `key`: the store's token key. Another key is derived from it, as in HKDF's first step (RFC 5869, section 2.2).
    pub fn new(key: &[u8]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(HMAC_SHA256, LABEL), key);
        Self { key: hmac::Key::new(HMAC_SHA256, derived.as_ref()) }
    }

    /// A token for the browser from which somebody has just signed in to this account.
    pub fn issue(&self, account_id: &str, now: UnixSeconds) -> Secret {
        let expires_at = now.saturating_add(DEVICE_TOKEN_SECONDS).to_be_bytes();
        let tag = hmac::sign(&self.key, &signed(expires_at, account_id));
        Secret::new(BASE64URL_NOPAD.encode(&[expires_at.as_slice(), tag.as_ref()].concat()))
    }

    /// Whether the token is ours, for this account, and not over.
    ///
    /// A token has only one spelling, so that its text may stand for the browser.
    pub fn is_of(&self, token: &str, account_id: &str, now: UnixSeconds) -> bool {
        if token.len() != LENGTH {
            return false;
        }
        let Ok(bytes) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return false };
        let Some((expires_at, tag)) = bytes.split_first_chunk::<TIME>() else { return false };
        // Takes the same time wherever the tag is wrong.
        hmac::verify(&self.key, &signed(*expires_at, account_id), tag).is_ok()
            && now < UnixSeconds::from_be_bytes(*expires_at)
    }
}

/// The time has a fixed length, so that no two pairs give the same bytes.
fn signed(expires_at: [u8; TIME], account_id: &str) -> Vec<u8> {
    [expires_at.as_slice(), account_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_account_and_its_time_only() {
        let devices = Devices::new(&[1; 32]);
        let token = devices.issue("ada", 1_000);
        let token = token.expose();
        assert_eq!(token.len(), LENGTH);
        assert!(devices.is_of(token, "ada", 1_000));
        assert!(devices.is_of(token, "ada", 1_000 + DEVICE_TOKEN_SECONDS - 1));
        assert!(!devices.is_of(token, "ada", 1_000 + DEVICE_TOKEN_SECONDS), "over by a second");
        assert!(!devices.is_of(token, "grace", 1_000), "another account");
        assert!(!devices.is_of(token, "", 1_000));
        assert!(!Devices::new(&[2; 32]).is_of(token, "ada", 1_000), "another key");
    }

    #[test]
    fn nothing_else_is_a_token() {
        let devices = Devices::new(&[1; 32]);
        let token = devices.issue("ada", 1_000).expose().to_owned();
        for at in 0..token.len() {
            for letter in ["A", "B", "-", "_", "=", "+", " ", "\0"] {
                let mut other = token.clone();
                other.replace_range(at..=at, letter);
                assert_eq!(devices.is_of(&other, "ada", 1_000), other == token, "{at} {letter:?}");
            }
        }
        for other in ["", "A", &token[1..], &format!("{token}A"), &format!("{token}="), &"é".repeat(27)] {
            assert!(!devices.is_of(other, "ada", 1_000), "{other}");
        }
    }

    #[test]
    fn the_key_is_not_the_one_that_signs_sessions() {
        let (key, expires_at) = ([1; 32], 2_000_i64.to_be_bytes());
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), &signed(expires_at, "ada"));
        let token = BASE64URL_NOPAD.encode(&[expires_at.as_slice(), tag.as_ref()].concat());
        assert!(!Devices::new(&key).is_of(&token, "ada", 1_000));
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let devices = Devices::new(&[1; 32]);
        for now in [UnixSeconds::MIN, -1, 0, UnixSeconds::MAX] {
            let token = devices.issue("ada", now);
            assert_eq!(devices.is_of(token.expose(), "ada", now), now != UnixSeconds::MAX);
        }
    }
}
