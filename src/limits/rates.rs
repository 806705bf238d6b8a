//! Rate limits: so many requests in a window of so many seconds.
//!
//! A window begins with the first request that is counted in it and ends so many seconds later, whatever comes. So
//! "10 a minute" means just that: ten may come at once, an eleventh within that minute is refused, and when the minute
//! is over there are ten again. A bucket that refills drop by drop (GCRA) could not promise this: at 100 a minute it
//! takes another request after 0.6 seconds, and a hundred and first would be refused only from those who are quick. Over
//! the edge of two windows as many as twice the number may come in a row; with a bucket it would be one less.
//!
//! Windows begin and end on whole seconds of the program's [`Clock`], the same that the rest of the program sees and
//! tests move: a window may end less than a second early, and whoever has waited as long as they were told is never
//! refused. A clock that is set back begins the windows anew.
//!
//! A request is counted under its caller's general limit and, where its route has one of its own, under that too. A
//! refused one is counted nowhere, so that a program that knocks at one door keeps nobody from the others.

use std::fmt::Write as _;
use std::net::IpAddr;

use slurmdash_api::UnixSeconds;

use super::Place;
use super::table::{Entry, Found, Key, Table};
use crate::clock::Clock;
use crate::config::limits::{Limits, MAX_WINDOW, RouteLimit};

/// Chunks of an upload that has been begun, and was counted then, are not counted one by one.
const CHUNKS: (&str, &str) = ("POST", "/api/v2/files/upload/chunk");

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// A signed-in person, by account id, whatever the address, session or API key.
    User(&'a str),
    /// Somebody else, by the client's address ([`super::client::client_address`]).
    Stranger(IpAddr),
}

/// One limit and its name in the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    name: String,
    requests: u32,
    seconds: u32,
}

/// How a caller stands under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Whether this request was taken.
    is_taken: bool,
    /// How many more are.
    left: u32,
    /// Seconds until the window ends; at least one.
    ends_in: u32,
}

/// Whether a request may go on, and what its answer's headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The general policy and the route's, with the caller's standing where it was looked at.
    policies: [Option<(&'a Policy, Option<Standing>)>; 2],
}

impl Decision<'_> {
    /// Refused: whole seconds, at least one, after which it is worth trying again (`Retry-After`, `retry_after`).
    pub fn wait(&self) -> Option<u64> {
        self.refusal().map(|(_, standing)| standing.ends_in.into())
    }

    /// The name of the policy that refuses the request, for the log.
    pub fn refused_by(&self) -> Option<&str> {
        self.refusal().map(|(policy, _)| policy.name.as_str())
    }

    /// The value of the header `RateLimit-Policy`: quota and window of each policy. Nothing when nothing is limited.
    ///
    /// Source: draft-ietf-httpapi-ratelimit-headers-11, section 3.
    pub fn policy_field(&self) -> Option<String> {
        let policies = self.policies.iter().flatten();
        list(policies.map(|(policy, _)| (policy.name.as_str(), 'q', policy.requests, 'w', policy.seconds)))
    }

    /// The value of the header `RateLimit`: what is left of each quota, and the seconds until it is whole again.
    ///
    /// Source: draft-ietf-httpapi-ratelimit-headers-11, section 4.
    pub fn limit_field(&self) -> Option<String> {
        list(self.seen().map(|(policy, standing)| (policy.name.as_str(), 'r', standing.left, 't', standing.ends_in)))
    }

    fn refusal(&self) -> Option<(&Policy, Standing)> {
        self.seen().find(|(_, standing)| !standing.is_taken)
    }

    fn seen(&self) -> impl Iterator<Item = (&Policy, Standing)> {
        self.policies.iter().flatten().filter_map(|&(policy, standing)| Some((policy, standing?)))
    }
}

/// A List of Strings with two Integer parameters each (RFC 9651). Names have neither quotes nor backslashes.
fn list<'a>(items: impl Iterator<Item = (&'a str, char, u32, char, u32)>) -> Option<String> {
    let mut text = String::new();
    for (name, one, first, other, second) in items {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(text, "{comma}\"{name}\";{one}={first};{other}={second}");
    }
    (!text.is_empty()).then_some(text)
}

/// Everybody's windows.
pub struct Rates {
    clock: Clock,
    is_enabled: bool,
    stranger: Policy,
    user: Policy,
    routes: Vec<Route>,
    strangers: Table<Window>,
    /// Apart from strangers, so that no flood of addresses takes a signed-in person's place.
    users: Table<Window>,
}

struct Route {
    method: String,
    path: String,
    policy: Policy,
}

impl Rates {
    /// As configured; the configuration has been judged.
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        let minute = |name: &str, requests| Policy { name: name.into(), requests, seconds: 60 };
        let route = |(name, limit): (&String, &RouteLimit)| {
            let (method, path) = name.split_once(' ')?;
            let policy = Policy { name: name.clone(), requests: limit.requests, seconds: limit.seconds };
            Some(Route { method: method.into(), path: path.into(), policy })
        };
        Self {
            clock,
            is_enabled: limits.enabled,
            stranger: minute("stranger", limits.stranger_per_minute),
            user: minute("user", limits.user_per_minute),
            routes: limits.routes.iter().filter_map(route).collect(),
            strangers: Table::new(limits.max_keys),
            users: Table::new(limits.max_keys),
        }
    }

    /// Counts a request, or refuses it. `path` is the route's as in the API's description, with its names in braces.
    pub fn decide(&self, who: Who<'_>, method: &str, path: &str) -> Decision<'_> {
        if !self.is_enabled {
            return Decision { policies: [None, None] };
        }
        let now = self.clock.now();
        let is_chunk = (method, path) == CHUNKS && matches!(who, Who::User(_));
        let policy = match who {
            Who::User(_) => &self.user,
            Who::Stranger(_) => &self.stranger,
        };
        let general = (!is_chunk).then(|| self.limit(who, 0, policy));
        let route = self.routes.iter().zip(1..).find(|(route, _)| route.method == method && route.path == path);
        let route = route.map(|(route, class)| self.limit(who, class, &route.policy));

        let first = general.as_ref().map(|limit| limit.take(now));
        let goes_on = first.is_none_or(|(_, standing)| standing.is_taken);
        let second = route.as_ref().filter(|_| goes_on).map(|limit| limit.take(now).1);
        let first = match (&general, first) {
            // All or nothing.
            (Some(limit), Some((found, standing))) if second.is_some_and(|second| !second.is_taken) => {
                Some(limit.give_back(found, now).unwrap_or(standing))
            }
            (_, first) => first.map(|(_, standing)| standing),
        };
        Decision { policies: [general.map(|limit| (limit.policy, first)), route.map(|limit| (limit.policy, second))] }
    }

    /// Windows that are remembered now, in all.
    pub fn remembered(&self) -> usize {
        self.strangers.len() + self.users.len()
    }

    fn limit<'a>(&'a self, who: Who<'_>, class: u16, policy: &'a Policy) -> Limit<'a> {
        let (table, key) = match who {
            Who::User(id) => (&self.users, self.users.key((class, id), (class, id))),
            Who::Stranger(address) => {
                let place = Place::of(address);
                (&self.strangers, self.strangers.key((class, place), (class, place.around())))
            }
        };
        Limit { table, key, policy }
    }
}

/// One caller's window under one policy.
struct Limit<'a> {
    table: &'a Table<Window>,
    key: Key,
    policy: &'a Policy,
}

impl Limit<'_> {
    fn take(&self, now: UnixSeconds) -> (Found, Standing) {
        self.table.with(self.key, now, |window| window.take(self.policy, now))
    }

    fn give_back(&self, found: Found, now: UnixSeconds) -> Option<Standing> {
        self.table.again(self.key, found, |window| window.give_back(self.policy, now))
    }
}

/// Requests of one caller since their window began.
#[derive(Debug, Default)]
struct Window {
    /// First second after it.
    ends: UnixSeconds,
    used: u32,
}

impl Entry for Window {
    fn is_idle(&self, now: UnixSeconds) -> bool {
        !self.is_open(MAX_WINDOW, now)
    }
}

impl Window {
    /// Whether it goes on; one that ends later than it can was begun before the clock was set back.
    fn is_open(&self, seconds: u32, now: UnixSeconds) -> bool {
        now < self.ends && self.ends.saturating_sub(now) <= seconds.into()
    }

    fn take(&mut self, policy: &Policy, now: UnixSeconds) -> Standing {
        if !self.is_open(policy.seconds, now) {
            *self = Self { ends: now.saturating_add(policy.seconds.into()), used: 0 };
        }
        let is_taken = self.used < policy.requests;
        self.used += u32::from(is_taken);
        self.standing(policy, now, is_taken)
    }

    fn give_back(&mut self, policy: &Policy, now: UnixSeconds) -> Standing {
        self.used = self.used.saturating_sub(1);
        self.standing(policy, now, true)
    }

    fn standing(&self, policy: &Policy, now: UnixSeconds, is_taken: bool) -> Standing {
        let ends_in = u32::try_from(self.ends.saturating_sub(now)).unwrap_or(0).max(1);
        Standing { is_taken, left: policy.requests.saturating_sub(self.used), ends_in }
    }
}

#[cfg(test)]
mod tests;
