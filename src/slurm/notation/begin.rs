//! Earliest start times as `sbatch --begin` takes them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use slurmdash_api::UnixSeconds;

use super::Malformed;

/// A time that somebody wrote. Local times are the cluster's own.
///
/// Left out of what sbatch takes: dates without a year's four digits (`0131`, `01/31/27`) and AM/PM, which are read
/// wrongly too easily. Source: sbatch(1), `--begin`; `uts` and seconds are `parse_time()` of Slurm's `parse_time.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Unix seconds: `uts1795357619`.
    At(UnixSeconds),
    /// So many seconds from now: `now+1hour`.
    In(i64),
    /// At this time of the day, today or tomorrow.
    Clock(Time),
    /// At the beginning of a day from today on: `today`, `tomorrow`.
    Day(i64),
    /// A date, with or without a time.
    Date(DateTime),
}

impl Begin {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::read(text).ok_or_else(|| Malformed(format!("{text:?} is no time to begin at")))
    }

    fn read(text: &str) -> Option<Self> {
        let clock = |hour| Time::new(hour, 0, 0, 0).ok().map(Self::Clock);
        match text {
            "now" => return Some(Self::In(0)),
            "today" => return Some(Self::Day(0)),
            "tomorrow" => return Some(Self::Day(1)),
            "midnight" => return clock(0),
            "noon" => return clock(12),
            "fika" => return clock(15),
            "teatime" => return clock(16),
            _ => {}
        }
        if let Some(seconds) = text.strip_prefix("uts") {
            return number(seconds, 10).map(Self::At);
        }
        if let Some(span) = text.strip_prefix("now+") {
            let unit = span.find(|c: char| !c.is_ascii_digit()).unwrap_or(span.len());
            let (count, unit) = span.split_at(unit);
            let each = match unit {
                "" | "second" | "seconds" => 1,
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3600,
                "day" | "days" => 86_400,
                "week" | "weeks" => 7 * 86_400,
                _ => return None,
            };
            return number(count, 9)?.checked_mul(each).filter(|seconds| *seconds < i64::from(i32::MAX)).map(Self::In);
        }
        match text.split_once('T') {
            Some((day, clock)) => Some(Self::Date(date(day)?.to_datetime(time(clock)?))),
            None if text.contains('-') => Some(Self::Date(date(text)?.to_datetime(Time::midnight()))),
            None => time(text).map(Self::Clock),
        }
    }

    /// When that is; `None` outside of what a calendar holds.
    pub fn instant(self, now: UnixSeconds, zone: &TimeZone) -> Option<UnixSeconds> {
        let here = || Timestamp::from_second(now).ok().map(|now| now.to_zoned(zone.clone()));
        let at = |time: DateTime| time.to_zoned(zone.clone()).ok();
        let seconds = |zoned: &Zoned| zoned.timestamp().as_second();
        match self {
            Self::At(at) => Some(at),
            Self::In(seconds) => now.checked_add(seconds),
            Self::Day(days) => {
                let day = here()?.date().checked_add(days.days()).ok()?;
                at(day.to_datetime(Time::midnight())).as_ref().map(seconds)
            }
            Self::Clock(time) => {
                let today = here()?.date();
                let first = at(today.to_datetime(time)).as_ref().map(seconds)?;
                if first >= now {
                    return Some(first);
                }
                at(today.tomorrow().ok()?.to_datetime(time)).as_ref().map(seconds)
            }
            Self::Date(time) => at(time).as_ref().map(seconds),
        }
    }
}

fn number(text: &str, longest: usize) -> Option<i64> {
    let digits = (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn date(text: &str) -> Option<Date> {
    let [year, month, day] = text.split('-').collect::<Vec<&str>>().try_into().ok()?;
    let part = |text: &str| number(text, 2).filter(|_| text.len() == 2)?.try_into().ok();
    let year = number(year, 4).filter(|_| year.len() == 4)?;
    Date::new(year.try_into().ok()?, part(month)?, part(day)?).ok()
}

fn time(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(':').collect();
    let part = |text: &str| number(text, 2)?.try_into().ok();
    match *parts.as_slice() {
        [hour, minute] => Time::new(part(hour)?, part(minute)?, 0, 0).ok(),
        [hour, minute, second] => Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_sbatch_reads_them() {
        // 2026-11-25T06:43:39Z.
        let now = 1_795_589_019;
        let midnight = now - 6 * 3600 - 43 * 60 - 39;
        for (text, at) in [
            ("now", now),
            ("now+90", now + 90),
            ("now+2hours", now + 7200),
            ("now+1week", now + 604_800),
            ("uts1795589020", now + 1),
            ("tomorrow", midnight + 86_400),
            ("noon", midnight + 12 * 3600),
            ("midnight", midnight + 86_400),
            ("06:43:39", now),
            ("6:00", midnight + 30 * 3600),
            ("2026-11-26", midnight + 86_400),
            ("2026-11-25T08:00", midnight + 8 * 3600),
        ] {
            assert_eq!(Begin::parse(text).unwrap().instant(now, &TimeZone::UTC), Some(at), "{text}");
        }
        for wrong in
            ["", "now+", "now+1fortnight", "25:00", "2026-13-01", "2026-1-1", "2026-11-25T", "uts", "T8:00", "1"]
        {
            assert!(Begin::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(now\\+|uts|[-0-9:Tdh]|\\PC){0,12}", now in any::<i64>()) {
            if let Ok(begin) = Begin::parse(&text) {
                let _ = begin.instant(now, &TimeZone::UTC);
            }
        }
    }
}
