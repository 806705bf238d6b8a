//! Numbers, sizes, durations and times as the current language writes them.
//!
//! `Intl` does the writing; which unit and how many digits is decided here, in functions that run without a browser.
use std::cell::RefCell;
use std::fmt::Write as _;

use js_sys::{Array, Intl, Object, Reflect};
use slurmdash_api::UnixSeconds;
use wasm_bindgen::JsValue;

use super::{Language, language};
use crate::browser;

/// Formatters are costly to make and cheap to use: one set for each language, made when first needed.
struct Formatters {
    language: Language,
    numbers: [Intl::NumberFormat; 2],
    relative: Intl::RelativeTimeFormat,
    exact: Intl::DateTimeFormat,
    clock: Intl::DateTimeFormat,
}

thread_local! {
    static FORMATTERS: RefCell<Option<Formatters>> = const { RefCell::new(None) };
}

fn options(pairs: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (key, value) in pairs {
        let _ = Reflect::set(&options, &JsValue::from_str(key), value);
    }
    options
}

fn with_formatters<R>(work: impl FnOnce(&Formatters) -> R) -> R {
    let language = language();
    FORMATTERS.with_borrow_mut(|held| {
        if held.as_ref().is_none_or(|formatters| formatters.language != language) {
            *held = None;
        }
        work(held.get_or_insert_with(|| Formatters::new(language)))
    })
}

impl Formatters {
    fn new(language: Language) -> Self {
        let locales = Array::of1(&JsValue::from_str(language.tag()));
        let digits = |most: u32| options(&[("maximumFractionDigits", most.into())]);
        let exact = options(&[("dateStyle", "medium".into()), ("timeStyle", "medium".into())]);
        let clock = options(&[("hour", "2-digit".into()), ("minute", "2-digit".into()), ("hourCycle", "h23".into())]);
        Self {
            language,
            numbers: [0, 1].map(|most| Intl::NumberFormat::new(&locales, &digits(most))),
            relative: Intl::RelativeTimeFormat::new(&locales, &options(&[("numeric", "auto".into())])),
            exact: Intl::DateTimeFormat::new(&locales, &exact),
            clock: Intl::DateTimeFormat::new(&locales, &clock),
        }
    }
}

fn write_number(value: f64, digits: usize) -> String {
    with_formatters(|formatters| {
        let format = formatters.numbers[digits.min(1)].format();
        format.call1(&JsValue::UNDEFINED, &value.into()).ok().and_then(|text| text.as_string()).unwrap_or_default()
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not met, and would still read right")]
fn to_f64(value: u64) -> f64 {
    value as f64
}

/// A count: `12,345`.
pub fn count(value: usize) -> String {
    write_number(to_f64(value as u64), 0)
}

/// A number with at most one digit after the point: `3.4`.
pub fn decimal(value: f64) -> String {
    write_number(value, 1)
}

/// Per cent, 0 to 100, rounded down, so that only a full meter says 100.
pub fn percent_of(part: u64, whole: u64) -> u64 {
    (part.min(whole) * 100).checked_div(whole).unwrap_or(0)
}

/// A size in bytes with a binary unit: `1.5 GiB`.
pub fn bytes(value: u64) -> String {
    let (scaled, unit) = scale(to_f64(value), &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
    format!("{} {unit}", write_number(scaled, digits_for(scaled)))
}

/// Memory in MiB, as Slurm counts it, with a binary unit: `3.9 GiB`.
pub fn memory(mebibytes: u64) -> String {
    let (scaled, unit) = scale(to_f64(mebibytes), &["MiB", "GiB", "TiB", "PiB"]);
    format!("{} {unit}", write_number(scaled, digits_for(scaled)))
}

fn scale(mut value: f64, units: &[&'static str]) -> (f64, &'static str) {
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    (value, units.get(unit).copied().unwrap_or_default())
}

/// One digit after the point below 100, none above: three figures say enough.
fn digits_for(value: f64) -> usize {
    usize::from(value < 100.0)
}

/// A duration as Slurm writes it: `05:00`, `1:05:00`, `2-03:04:05`.
pub fn duration(seconds: u64) -> String {
    let (days, hours) = (seconds / 86400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    let _ = match (days, hours) {
        (0, 0) => write!(text, "{minutes:02}:{rest:02}"),
        (0, _) => write!(text, "{hours}:{minutes:02}:{rest:02}"),
        _ => write!(text, "{days}-{hours:02}:{minutes:02}:{rest:02}"),
    };
    text
}

fn date(time: UnixSeconds) -> js_sys::Date {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date that Slurm can name are exact")]
    let milliseconds = time as f64 * 1000.0;
    js_sys::Date::new(&milliseconds.into())
}

fn write_date(format: &Intl::DateTimeFormat, time: UnixSeconds) -> String {
    format.format().call1(&JsValue::UNDEFINED, &date(time)).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// A point in time in full, in the person's own time zone.
pub fn exact_time(time: UnixSeconds) -> String {
    with_formatters(|formatters| write_date(&formatters.exact, time))
}

/// The time of day: `10:42`.
pub fn clock_time(time: UnixSeconds) -> String {
    with_formatters(|formatters| write_date(&formatters.clock, time))
}

/// How far a point in time is from now: `3 minutes ago`, `in 2 hours`.
pub fn relative_time(time: UnixSeconds) -> String {
    let (amount, unit) = relative_unit(time - browser::now());
    #[expect(clippy::cast_precision_loss, reason = "the amount is a small number of units")]
    let amount = amount as f64;
    with_formatters(|formatters| formatters.relative.format(amount, unit).as_string().unwrap_or_default())
}

/// The amount and the `Intl` unit that tell a distance in seconds (negative: past) best.
fn relative_unit(distance: i64) -> (i64, &'static str) {
    let far = distance.abs();
    match far {
        0..45 => (0, "second"),
        45..90 => (distance.signum(), "minute"),
        90..3_600 => (distance / 60, "minute"),
        3_600..86_400 => (distance / 3_600, "hour"),
        86_400..2_592_000 => (distance / 86_400, "day"),
        2_592_000..31_536_000 => (distance / 2_592_000, "month"),
        _ => (distance / 31_536_000, "year"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_slurm_writes_them() {
        assert_eq!(duration(0), "00:00");
        assert_eq!(duration(65), "01:05");
        assert_eq!(duration(3_665), "1:01:05");
        assert_eq!(duration(2 * 86_400 + 3 * 3_600 + 4 * 60 + 5), "2-03:04:05");
        assert_eq!(duration(86_400), "1-00:00:00");
    }

    #[test]
    fn sizes_take_the_largest_unit_that_is_at_least_one() {
        let units = ["B", "KiB", "MiB"];
        assert_eq!(scale(0.0, &units), (0.0, "B"));
        assert_eq!(scale(1023.0, &units), (1023.0, "B"));
        assert_eq!(scale(1536.0, &units), (1.5, "KiB"));
        assert_eq!(scale(1024.0 * 1024.0 * 5000.0, &units), (5000.0, "MiB"));
        assert_eq!(digits_for(99.9), 1);
        assert_eq!(digits_for(100.0), 0);
    }

    #[test]
    fn a_meter_is_full_only_when_everything_is_used() {
        assert_eq!(percent_of(999, 1000), 99);
        assert_eq!(percent_of(1000, 1000), 100);
        assert_eq!(percent_of(5, 0), 0);
        assert_eq!(percent_of(7, 5), 100);
    }

    #[test]
    fn distances_use_the_unit_a_person_would() {
        assert_eq!(relative_unit(-10), (0, "second"));
        assert_eq!(relative_unit(-60), (-1, "minute"));
        assert_eq!(relative_unit(7_300), (2, "hour"));
        assert_eq!(relative_unit(-3 * 86_400), (-3, "day"));
        assert_eq!(relative_unit(-70 * 86_400), (-2, "month"));
        assert_eq!(relative_unit(400 * 86_400), (1, "year"));
    }
}
