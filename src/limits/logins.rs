//! Brute force: how often a password may be guessed.
//!
//! So many failures within a minute (5 unless configured otherwise) are free; then there is a pause, which doubles with
//! each further burst up to a limit and is forgotten after a quarter of an hour without failures. Failures count
//!
//! - for the **address**: a pause of 1 minute, then 2, 4, 8, 15;
//! - for the **account**, all strangers together: 1 minute, then 2 and never more. That leaves all guessers of the world
//!   3,600 tries a day at one account, too few for a password of any worth, and the owner who comes from a new place never
//!   waits for more than two minutes because of others;
//! - for an address **at an account under siege** (strangers have been stopped there twice in a row): one failure is a
//!   pause of 15 minutes. Whoever hammers at an account so falls behind everybody who has not just failed there, and the
//!   owner gets a turn though the guessers are quicker: with some thirty addresses they are all out before they may come
//!   again. From many more they could still be first every time; against that there is the next.
//!
//! The owner's own browsers and addresses are **familiar** ([`Familiarity`]) and counted each apart, where no stranger's
//! failures weigh. An admin can [`Logins::unlock`] an account.
//!
//! A try counts as a failure from the moment it begins ([`Attempt`]), so a thousand at once are no more than five. A
//! refused try counts nowhere, else whoever keeps knocking would keep the door shut. Accounts are counted by name,
//! whether there is such an account or not.

mod track;

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use slurmdash_api::UnixSeconds;

use super::Place;
use super::table::{Found, Key, Table};
use crate::clock::Clock;
use crate::config::limits::Limits;
use track::Track;

/// Failures are counted over so long, seconds.
const MINUTE: UnixSeconds = 60;
/// Pauses are forgotten when nothing failed for so long after the last, seconds.
const QUIET: UnixSeconds = 15 * 60;
/// Longest pause of an address, seconds.
const ADDRESS_PAUSE: UnixSeconds = 15 * 60;
/// Longest pause of strangers at an account, seconds.
const ACCOUNT_PAUSE: UnixSeconds = 2 * 60;
/// Pause of an address that fails at an account under siege, seconds.
const SIEGE_PAUSE: UnixSeconds = 15 * 60;
/// Strangers who were stopped so often in a row lay siege.
const SIEGE: u32 = 2;
/// Letters of an account's name that are looked at; no account's is longer.
const NAME: usize = 256;

/// How an account's owner is told from strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity<'a> {
    /// Not at all.
    Stranger,
    /// The address has a live session of this account. Others may share it.
    Address,
    /// The browser shows this device token, which is valid for this account ([`super::devices`]).
    Device(&'a str),
}

/// What stopped a try, or is stopped by a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Whoever comes from this address.
    Address,
    /// Strangers at this account.
    Account,
    /// This familiar browser or address at this account.
    Familiar,
}

/// A try is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed sign-ins; try again in {seconds} seconds")]
pub struct Wait {
    /// Whole seconds, at least one, after which it is worth trying again.
    pub seconds: u64,
    /// Why, for the log; the caller is not told.
    pub stopped: Stopped,
}

/// Counts failures. Cheap to clone.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    clock: Clock,
    failures_per_minute: u32,
    // Apart from each other, so that where newcomers must share, only their like do.
    addresses: Table<Track>,
    accounts: Table<Track>,
    familiar: Table<Track>,
}

impl Logins {
    /// As configured; the configuration has been judged.
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        let failures_per_minute = limits.login_failures_per_minute;
        // Of each kind an eighth of the keys: each holds several times more than a window, and failing takes longer.
        let table = || Table::new(limits.max_keys / 8);
        let (addresses, accounts, familiar) = (table(), table(), table());
        Self(Arc::new(Inner { clock, failures_per_minute, addresses, accounts, familiar }))
    }

    /// Begins a try at an account's password, or says how long to wait.
    ///
    /// `account` is the name as it was typed, of any length; letter case makes no difference.
    pub fn may_try(&self, account: &str, address: IpAddr, familiarity: Familiarity<'_>) -> Result<Attempt, Wait> {
        let now = self.0.clock.now();
        let (account, place) = (self.0.account(account), Place::of(address));
        let mut attempt = Attempt { logins: self.0.clone(), held: Vec::with_capacity(3) };
        let admitted = match familiarity {
            Familiarity::Stranger => attempt.hold_as_stranger(account, place, now),
            Familiarity::Address => attempt.hold(Counted::OwnAddress(account, place), now).map(drop),
            Familiarity::Device(token) => attempt.hold(Counted::Device(account, token), now).map(drop),
        };
        match admitted {
            Ok(()) => Ok(attempt),
            Err(wait) => {
                attempt.untried();
                Err(wait)
            }
        }
    }

    /// Forgets every failure at an account, wherever it came from; addresses stay stopped at other accounts.
    ///
    /// Says whether there was any. It looks at everything that is remembered.
    pub fn unlock(&self, account: &str) -> bool {
        let account = self.0.account(account);
        let forget = |table: &Table<Track>| table.forget(|track| track.account == Some(account));
        self.0.tables().map(forget).iter().sum::<usize>() > 0
    }

    /// What is remembered now: addresses, accounts and pairs of both.
    pub fn remembered(&self) -> usize {
        self.0.tables().map(Table::len).iter().sum()
    }
}

impl Inner {
    fn account(&self, name: &str) -> u64 {
        self.accounts.hash(Name(name))
    }

    fn tables(&self) -> [&Table<Track>; 3] {
        [&self.addresses, &self.accounts, &self.familiar]
    }

    fn table(&self, rule: Rule) -> &Table<Track> {
        match rule {
            Rule::Address | Rule::Siege => &self.addresses,
            Rule::Account => &self.accounts,
            Rule::Familiar => &self.familiar,
        }
    }

    fn limit(&self, rule: Rule) -> usize {
        let limit = if rule == Rule::Siege { 1 } else { self.failures_per_minute };
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}

/// An account's name, of which letter case and what is beyond any account's length make no difference.
struct Name<'a>(&'a str);

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.chars().take(NAME).flat_map(char::to_lowercase).for_each(|letter| letter.hash(state));
    }
}

/// What failures are counted of; accounts by their hash.
#[derive(Debug, Clone, Copy, Hash)]
enum Counted<'a> {
    Address(Place),
    Strangers(u64),
    Besieger(u64, Place),
    OwnAddress(u64, Place),
    Device(u64, &'a str),
}

impl Counted<'_> {
    fn rule(self) -> Rule {
        match self {
            Self::Address(_) => Rule::Address,
            Self::Strangers(_) => Rule::Account,
            Self::Besieger(..) => Rule::Siege,
            Self::OwnAddress(..) | Self::Device(..) => Rule::Familiar,
        }
    }

    fn account(self) -> Option<u64> {
        match self {
            Self::Address(_) => None,
            Self::Strangers(account)
            | Self::Besieger(account, _)
            | Self::OwnAddress(account, _)
            | Self::Device(account, _) => Some(account),
        }
    }

    /// What is counted instead when there is no room for each.
    fn around(self) -> Self {
        match self {
            Self::Address(place) => Self::Address(place.around()),
            Self::Besieger(account, place) => Self::Besieger(account, place.around()),
            other => other,
        }
    }
}

/// How failures are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Address,
    Account,
    Siege,
    Familiar,
}

impl Rule {
    /// How long the pause after so many bursts is, seconds.
    fn pause(self, bursts: u32) -> UnixSeconds {
        let (first, longest) = match self {
            Self::Address | Self::Familiar => (MINUTE, ADDRESS_PAUSE),
            Self::Account => (MINUTE, ACCOUNT_PAUSE),
            Self::Siege => (SIEGE_PAUSE, SIEGE_PAUSE),
        };
        (first << bursts.saturating_sub(1).min(16)).min(longest)
    }

    fn stopped(self) -> Stopped {
        match self {
            Self::Address | Self::Siege => Stopped::Address,
            Self::Account => Stopped::Account,
            Self::Familiar => Stopped::Familiar,
        }
    }
}

/// A try under way: a failure until it is settled, and also when it is dropped without a word, so that going away in the
/// middle is no way to guess for nothing.
#[must_use = "a try that is dropped is a failure"]
pub struct Attempt {
    logins: Arc<Inner>,
    /// Empty once it is settled.
    held: Vec<Held>,
}

struct Held {
    key: Key,
    found: Found,
    rule: Rule,
}

/// The pauses that a failure began, in seconds; for the log and the security events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failed {
    /// Of the address: everywhere, or at an account under siege.
    pub address: Option<u64>,
    /// Of strangers at the account.
    pub account: Option<u64>,
    /// Of the familiar browser or address at the account.
    pub familiar: Option<u64>,
}

impl Attempt {
    /// The password, or what goes with it, was wrong.
    pub fn failed(mut self) -> Failed {
        self.fail()
    }

    /// The password was right.
    ///
    /// A stranger's earlier failures stay: signing in to one's own account must not wash the address clean for the next
    /// guess at somebody else's.
    pub fn succeeded(mut self) {
        self.release(|rule, track| {
            if rule == Rule::Familiar {
                track.forgive();
            }
        });
    }

    /// No password was looked at, and the fault is ours: too busy, or the login host is away.
    pub fn untried(mut self) {
        self.release(|_, _| ());
    }

    fn hold_as_stranger(&mut self, account: u64, place: Place, now: UnixSeconds) -> Result<(), Wait> {
        // The address first: while it is stopped it uses up nobody's tries at an account.
        self.hold(Counted::Address(place), now)?;
        if self.hold(Counted::Strangers(account), now)? >= SIEGE {
            self.hold(Counted::Besieger(account, place), now)?;
        }
        Ok(())
    }

    /// Answers the bursts there have been.
    fn hold(&mut self, counted: Counted<'_>, now: UnixSeconds) -> Result<u32, Wait> {
        let rule = counted.rule();
        let (table, limit) = (self.logins.table(rule), self.logins.limit(rule));
        let key = table.key(counted, counted.around());
        let (found, bursts) = table.with(key, now, |track| {
            track.account = counted.account();
            track.begin(limit, now)
        });
        match bursts {
            Ok(bursts) => {
                self.held.push(Held { key, found, rule });
                Ok(bursts)
            }
            Err(seconds) => Err(Wait { seconds, stopped: rule.stopped() }),
        }
    }

    fn release(&mut self, also: impl Fn(Rule, &mut Track)) {
        for held in self.held.drain(..) {
            self.logins.table(held.rule).again(held.key, held.found, |track| {
                track.end();
                also(held.rule, track);
            });
        }
    }

    fn fail(&mut self) -> Failed {
        let mut failed = Failed::default();
        let now = self.logins.clock.now();
        for Held { key, found, rule } in self.held.drain(..) {
            let (table, limit) = (self.logins.table(rule), self.logins.limit(rule));
            let pause = table.again(key, found, |track| track.fail(rule, limit, now)).flatten();
            let begun = match rule.stopped() {
                Stopped::Address => &mut failed.address,
                Stopped::Account => &mut failed.account,
                Stopped::Familiar => &mut failed.familiar,
            };
            *begun = pause.or(*begun);
        }
        failed
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.fail();
    }
}

#[cfg(test)]
mod tests;
