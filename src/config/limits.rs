//! Section `limits`: how often somebody may ask, and how often a password may be guessed.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longest window, seconds.
pub const MAX_WINDOW: u32 = 24 * 3600;
/// Most routes with a limit of their own.
const MAX_ROUTES: usize = 64;

/// How often somebody may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests are limited. Failed sign-ins always are.
    pub enabled: bool,
    /// Requests a minute from one address (IPv6: from one /64) without signing in.
    pub stranger_per_minute: u32,
    /// Requests a minute of one signed-in person, with API keys and all sessions.
    pub user_per_minute: u32,
    /// Failed sign-ins a minute from one address, and at one account.
    pub login_failures_per_minute: u32,
    /// Routes with a limit of their own, by method and path, beside the one above. Those of the file are added to the
    /// defaults.
    pub routes: BTreeMap<String, RouteLimit>,
    /// Addresses and people that are remembered one by one; about 60 bytes each. More of them share.
    pub max_keys: usize,
}

/// So many requests in a window of so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteLimit {
    /// Requests.
    pub requests: u32,
    /// Seconds.
    pub seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let route = |name: &str, requests, seconds| (name.to_owned(), RouteLimit { requests, seconds });
        Self {
            enabled: true,
            stranger_per_minute: 100,
            user_per_minute: 1_000,
            login_failures_per_minute: 5,
            routes: BTreeMap::from([
                route("POST /api/apptainer/scan", 5, 300),
                route("POST /api/jobs/submit", 10, 60),
                route("POST /api/v2/upload/external", 60, 60),
            ]),
            max_keys: 1_000_000,
        }
    }
}

impl Limits {
    /// Names every value that is wrong.
    pub(super) fn judge(&self, refuse: &mut impl FnMut(&str, String)) {
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                refuse(key, format!("must be between {least} and {most}, not {value}"));
            }
        };
        within("limits.stranger_per_minute", self.stranger_per_minute.into(), 1, 1_000_000);
        within("limits.user_per_minute", self.user_per_minute.into(), 1, 1_000_000);
        within("limits.login_failures_per_minute", self.login_failures_per_minute.into(), 1, 100);
        within("limits.max_keys", u64::try_from(self.max_keys).unwrap_or(u64::MAX), 1_000, 10_000_000);
        for (name, limit) in &self.routes {
            within(&format!("limits.routes.{name}.requests"), limit.requests.into(), 1, 1_000_000);
            within(&format!("limits.routes.{name}.seconds"), limit.seconds.into(), 1, MAX_WINDOW.into());
        }
        for name in self.routes.keys().filter(|name| !is_route(name)) {
            let words = "must be a method and a path as in the API's description, such as POST /api/jobs/submit or \
                         GET /api/jobs/{id}, not";
            refuse(&format!("limits.routes.{name}"), format!("{words} {name:?}"));
        }
        if self.routes.len() > MAX_ROUTES {
            refuse("limits.routes", format!("must have at most {MAX_ROUTES} routes, not {}", self.routes.len()));
        }
    }
}

/// Whether it is a method and a path. Its letters can stand in a header.
fn is_route(name: &str) -> bool {
    let Some((method, path)) = name.split_once(' ') else { return false };
    let plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '?' | '#');
    matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE") && path.starts_with('/') && path.chars().all(plain)
}
