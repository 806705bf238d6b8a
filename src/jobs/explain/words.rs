//! Text in both languages, made at one place so that a missing translation does not compile; and how numbers, sizes,
//! times and quotations are written in it.
use jiff::Timestamp;
use jiff::tz::TimeZone;
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{Explanation, JobState, Severity, Words};

use super::text;

/// A fixed text: English, Korean. `{}` stands for what [`Pair::with`] fills in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair(pub &'static str, pub &'static str);

impl Pair {
    /// Nothing to say.
    pub(super) const NONE: Pair = Pair("", "");

    /// The text with a name in place of `{}`.
    pub(super) fn with(self, name: &str) -> Both {
        Both { en: self.0.replacen("{}", name, 1), ko: self.1.replacen("{}", name, 1) }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Both {
    /// In English.
    pub en: String,
    /// In Korean.
    pub ko: String,
}

impl From<Pair> for Both {
    fn from(pair: Pair) -> Self {
        Self { en: pair.0.to_owned(), ko: pair.1.to_owned() }
    }
}

impl Both {
    pub(super) fn new(en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self { en: en.into(), ko: ko.into() }
    }

    /// One more sentence.
    pub(super) fn and(mut self, more: impl Into<Both>) -> Self {
        let more = more.into();
        for (text, more) in [(&mut self.en, more.en), (&mut self.ko, more.ko)] {
            if !text.is_empty() && !more.is_empty() {
                text.push(' ');
            }
            text.push_str(&more);
        }
        self
    }

    /// One more sentence, if there is one.
    pub(super) fn and_maybe(self, more: Option<Both>) -> Self {
        match more {
            Some(more) => self.and(more),
            None => self,
        }
    }

    /// Items of a list.
    pub(super) fn listed(items: impl IntoIterator<Item = Both>) -> Self {
        let (en, ko): (Vec<String>, Vec<String>) = items.into_iter().map(|item| (item.en, item.ko)).unzip();
        Self { en: en.join(", "), ko: ko.join(", ") }
    }
}

/// A sentence with values that read the same in both languages, taken from the variables it names.
macro_rules! both {
    ($en:literal, $ko:literal) => {
        $crate::jobs::explain::words::Both { en: format!($en), ko: format!($ko) }
    };
}
pub(super) use both;

/// An explanation while it is put together.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub code: &'static str,
    pub severity: Severity,
    pub short: Both,
    pub what: Both,
    pub why: Both,
    pub todo: Both,
}

impl Said {
    /// Of fixed texts: a few words, what is so, why, what to do.
    pub(super) fn fixed(code: &'static str, severity: Severity, [short, what, why, todo]: [Pair; 4]) -> Self {
        Self { code, severity, short: short.into(), what: what.into(), why: why.into(), todo: todo.into() }
    }

    /// For the wire.
    pub(super) fn finish(self) -> Explanation {
        Explanation {
            code: self.code.to_owned(),
            severity: self.severity,
            en: Words { short: self.short.en, what: self.what.en, why: self.why.en, todo: self.todo.en },
            ko: Words { short: self.short.ko, what: self.what.ko, why: self.why.ko, todo: self.todo.ko },
        }
    }
}

/// `12,345`.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 node`, `3 nodes`.
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// MiB with a binary unit, rounded down to a tenth: `3.9 GiB`.
pub(super) fn memory(mebibytes: u64) -> String {
    let (mut scale, mut unit) = (1_u64, "MiB");
    for larger in ["GiB", "TiB", "PiB"] {
        if mebibytes / scale >= 1024 {
            (scale, unit) = (scale * 1024, larger);
        }
    }
    let (whole, tenth) = (mebibytes / scale, mebibytes % scale * 10 / scale);
    if tenth == 0 || whole >= 100 { format!("{} {unit}", number(whole)) } else { format!("{whole}.{tenth} {unit}") }
}

/// Seconds as Slurm writes them: `05:00`, `1:05:00`, `2-03:04:05`.
pub(super) fn duration(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{rest:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// A point in time: `2026-11-25 17:00 KST`.
pub(super) fn instant(time: UnixSeconds, zone: &TimeZone) -> String {
    match Timestamp::from_second(time) {
        Ok(stamp) => stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        Err(_) => time.to_string(),
    }
}

/// How long from `now` to `time`; `None` when that is past.
pub(super) fn until(time: UnixSeconds, now: UnixSeconds) -> Option<u64> {
    u64::try_from(time.checked_sub(now)?).ok().filter(|seconds| *seconds > 0)
}

/// A point in time to come, with how long it is until then.
pub(super) fn moment(time: UnixSeconds, now: UnixSeconds, zone: &TimeZone) -> Both {
    let at = instant(time, zone);
    match until(time, now).map(duration) {
        Some(left) => both!("{at} (in {left})", "{at}({left} 후)"),
        None => both!("{at}", "{at}"),
    }
}

/// A name from outside, fit to stand in a sentence.
pub(super) fn name(text: &str) -> String {
    text::cut(&text::clean(text).replace('\n', " "), 80)
}

/// Names in a row, at most `most` of them.
pub(super) fn names(list: &[&str], most: usize) -> Both {
    let shown = list.iter().take(most).map(|item| name(item)).collect::<Vec<_>>().join(", ");
    match list.len().saturating_sub(most) as u64 {
        0 => both!("{shown}", "{shown}"),
        more => both!("{shown} and {more} more", "{shown} 외 {more}개"),
    }
}

/// A job's state in the middle of a sentence.
pub(super) fn state(state: JobState) -> Pair {
    match state {
        JobState::Pending => Pair("waiting", "대기"),
        JobState::Configuring => Pair("being made ready", "준비 중"),
        JobState::Running => Pair("running", "실행 중"),
        JobState::Completing => Pair("ending", "마무리 중"),
        JobState::Suspended => Pair("suspended", "일시 중지"),
        JobState::Completed => Pair("completed", "완료"),
        JobState::Failed => Pair("failed", "실패"),
        JobState::Cancelled => Pair("cancelled", "취소됨"),
        JobState::Timeout => Pair("timed out", "시간 초과"),
        JobState::NodeFail => Pair("ended by a node failure", "노드 장애"),
        JobState::OutOfMemory => Pair("out of memory", "메모리 부족"),
        JobState::Preempted => Pair("preempted", "선점됨"),
        JobState::BootFail => Pair("ended by a boot failure", "부팅 실패"),
        JobState::Deadline => Pair("past its deadline", "기한 초과"),
        JobState::Unknown => Pair("in an unknown state", "알 수 없음"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sizes_and_times_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [(1, "1 node"), (2, "2 nodes"), (0, "0 nodes")].map(|(n, text)| counted(n, "node", "nodes") == text),
            [true; 3]
        );
        assert_eq!(
            [512, 4000, 4096, 161_000, 3 << 20].map(memory),
            ["512 MiB", "3.9 GiB", "4 GiB", "157 GiB", "3 TiB"]
        );
        assert_eq!(memory(u64::MAX), "17,179,869,183 PiB");
        assert_eq!([59, 300, 3900, 183_845].map(duration), ["00:59", "05:00", "1:05:00", "2-03:04:05"]);
        assert_eq!(instant(1_700_000_000, &TimeZone::UTC), "2023-11-14 22:13 UTC");
        assert_eq!(instant(i64::MAX, &TimeZone::UTC), i64::MAX.to_string());
        assert_eq!(moment(3600, 0, &TimeZone::UTC).ko, "1970-01-01 01:00 UTC(1:00:00 후)");
        assert_eq!(until(i64::MIN, i64::MAX), None);
        assert_eq!(names(&["a", "b", "c"], 2).en, "a, b and 1 more");
    }
}
