//! Times as the old system wrote them: numbers of three kinds, and text of several.
use jiff::Timestamp;
use jiff::civil::DateTime;
use rusqlite::types::ValueRef;
use slurmdash_api::UnixSeconds;

/// From here on a number is in milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;
/// The end of the year 9999, seconds.
const LAST: UnixSeconds = 253_402_300_799;
/// Longest text that can be a time, bytes.
const MAX_TEXT: usize = 64;

/// A time in whole seconds; `None` when the cell holds none from 1970 to 9999.
pub fn of_cell(cell: ValueRef<'_>) -> Option<UnixSeconds> {
    match cell {
        ValueRef::Integer(number) => of_integer(number),
        ValueRef::Real(number) => of_real(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(of_text),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A time from text: ISO 8601, with a blank or a `T`, in UTC where it names no offset; or a number.
pub fn of_text(text: &str) -> Option<UnixSeconds> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return of_integer(number);
    }
    if let Ok(number) = text.parse::<f64>() {
        return of_real(number);
    }
    let text = text.strip_suffix("UTC").or(text.strip_suffix("GMT")).unwrap_or(text).trim_end();
    let since = if let Ok(at) = text.parse::<Timestamp>() {
        at.duration_since(Timestamp::UNIX_EPOCH)
    } else {
        // The last days of 9999, which stand for "never", are no timestamps of jiff's.
        let civil: DateTime = text.strip_suffix(['Z', 'z']).unwrap_or(text).parse().ok()?;
        civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0))
    };
    if since.is_negative() { None } else { within(since.as_secs()) }
}

fn of_integer(number: i64) -> Option<UnixSeconds> {
    #[expect(clippy::cast_precision_loss, reason = "only compared with a limit far from where that matters")]
    let is_milliseconds = number as f64 >= MILLISECONDS_FROM;
    within(if is_milliseconds { number / 1000 } else { number })
}

fn of_real(number: f64) -> Option<UnixSeconds> {
    let seconds = if number >= MILLISECONDS_FROM { number / 1000.0 } else { number };
    #[expect(clippy::cast_precision_loss, reason = "2^53 is far above the limit")]
    let is_within = (0.0..=LAST as f64).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "it is within, and whole seconds are wanted")]
    is_within.then_some(seconds as UnixSeconds)
}

fn within(seconds: UnixSeconds) -> Option<UnixSeconds> {
    (0..=LAST).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_the_old_system_wrote_times_is_read() {
        for text in [
            "1704164645",
            "1704164645.9",
            "1704164645123",
            "2024-01-02 03:04:05",
            "2024-01-02T03:04:05",
            " 2024-01-02 03:04:05.999999 ",
            "2024-01-02T03:04:05Z",
            "2024-01-02T03:04:05.5Z",
            "2024-01-02 03:04:05+00:00",
            "2024-01-02T12:04:05+09:00",
            "2024-01-02T12:04:05+0900",
            "2024-01-01 22:04:05.25-05:00",
            "2024-01-02 03:04:05 UTC",
        ] {
            assert_eq!(of_text(text), Some(1_704_164_645), "{text}");
        }
        assert_eq!(of_text("2024-01-02"), Some(1_704_153_600));
        assert_eq!(of_cell(ValueRef::Real(1_704_164_645.7)), Some(1_704_164_645));
        assert_eq!(of_cell(ValueRef::Integer(1_704_164_645_999)), Some(1_704_164_645));
        assert_eq!(of_text("9999-12-31 23:59:59"), Some(LAST));
        assert_eq!(of_text("9999-12-31T23:59:59Z"), Some(LAST));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "never", "2024-13-01", "2024-02-30 00:00:00", "-5", "1e300", "NaN", "inf", "1969-12-31 23:59:59.5"]
        {
            assert_eq!(of_text(text), None, "{text}");
        }
        for cell in [
            ValueRef::Null,
            ValueRef::Blob(b"2024-01-02"),
            ValueRef::Integer(i64::MAX),
            ValueRef::Integer(i64::MIN),
            ValueRef::Real(f64::NAN),
            ValueRef::Text(b"\xff2024"),
        ] {
            assert_eq!(of_cell(cell), None, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_read_or_refused(text in "\\PC*", near in "[0-9T:. +Z-]{0,30}", number: i64, real: f64) {
            for answer in [of_text(&text), of_text(&near), of_integer(number), of_real(real)] {
                prop_assert!(answer.is_none_or(|seconds| (0..=LAST).contains(&seconds)));
            }
        }

        #[test]
        fn times_come_back_from_every_notation(seconds in 0..=LAST - 2 * 86400, micros in 0..1_000_000, minutes in -14 * 60_i64..14 * 60) {
            let at = Timestamp::from_second(seconds).unwrap();
            let civil = at.to_zoned(TimeZone::UTC).datetime();
            prop_assert_eq!(of_text(&format!("{civil}")), Some(seconds));
            prop_assert_eq!(of_text(&format!("{civil}.{micros:06}")), Some(seconds));
            prop_assert_eq!(of_text(&civil.strftime("%Y-%m-%d %H:%M:%S").to_string()), Some(seconds));
            prop_assert_eq!(of_text(&at.to_string()), Some(seconds));
            if let Ok(shifted) = Timestamp::from_second(seconds + minutes * 60) {
                let civil = shifted.to_zoned(TimeZone::UTC).datetime();
                let sign = if minutes < 0 { '-' } else { '+' };
                let offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
                if seconds + minutes * 60 >= 0 {
                    prop_assert_eq!(of_text(&format!("{civil}{offset}")), Some(seconds));
                }
            }
            if seconds < 100_000_000_000 {
                prop_assert_eq!(of_integer(seconds), Some(seconds));
            }
            if seconds >= 100_000_000 {
                prop_assert_eq!(of_integer(seconds * 1000 + i64::from(micros / 1000)), Some(seconds));
            }
        }
    }
}
