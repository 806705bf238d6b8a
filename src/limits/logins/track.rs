//! The failures that are remembered of one address, at one account, or of both together.
use slurmdash_api::UnixSeconds;

use super::{MINUTE, QUIET, Rule};
use crate::limits::table::Entry;

/// Failures of one address, at one account, or of both together.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// Whose unlocking forgets it.
    pub(super) account: Option<u64>,
    /// Tries under way.
    pending: u32,
    /// When the failures of the last minute were; fewer than the limit.
    recent: Vec<UnixSeconds>,
    /// Pauses in a row.
    bursts: u32,
    /// First second after the last pause.
    until: UnixSeconds,
    /// The last failure.
    failed_at: UnixSeconds,
}

impl Entry for Track {
    fn is_idle(&self, now: UnixSeconds) -> bool {
        let quiet = if self.bursts > 0 { QUIET } else { MINUTE };
        self.pending == 0 && !is_between(self.failed_at, now, self.until.max(self.failed_at).saturating_add(quiet))
    }
}

impl Track {
    /// A try begins: how many bursts there have been, or the seconds to wait.
    pub(super) fn begin(&mut self, limit: usize, now: UnixSeconds) -> Result<u32, u64> {
        if is_between(self.failed_at, now, self.until) {
            return Err(u64::try_from(self.until.saturating_sub(now)).unwrap_or(1));
        }
        if !is_between(self.failed_at, now, self.until.max(self.failed_at).saturating_add(QUIET)) {
            self.bursts = 0;
        }
        self.recent.retain(|&at| is_between(at, now, at.saturating_add(MINUTE)));
        let under_way = usize::try_from(self.pending).unwrap_or(usize::MAX);
        if self.recent.len().saturating_add(under_way) < limit {
            self.pending += 1;
            return Ok(self.bursts);
        }
        // It is full of tries under way, which end soon, one way or the other.
        Err(1)
    }

    /// A try is over, and was no failure.
    pub(super) fn end(&mut self) {
        self.pending = self.pending.saturating_sub(1);
    }

    /// Forgets the failures, but no try under way.
    pub(super) fn forgive(&mut self) {
        *self = Self { account: self.account, pending: self.pending, ..Self::default() };
    }

    /// A try has failed: the pause that this begins.
    pub(super) fn fail(&mut self, rule: Rule, limit: usize, now: UnixSeconds) -> Option<u64> {
        self.end();
        self.failed_at = now;
        self.recent.retain(|&at| is_between(at, now, at.saturating_add(MINUTE)));
        self.recent.push(now);
        if self.recent.len() < limit {
            return None;
        }
        self.recent.clear();
        self.bursts = self.bursts.saturating_add(1);
        let pause = rule.pause(self.bursts);
        self.until = now.saturating_add(pause);
        u64::try_from(pause).ok()
    }
}

/// From `begin` on and before `end`. Before `begin` the clock has been set back, and what was then no longer counts.
fn is_between(begin: UnixSeconds, now: UnixSeconds, end: UnixSeconds) -> bool {
    begin <= now && now < end
}
