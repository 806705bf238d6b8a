//! Time limits and elapsed times: `90`, `1:30`, `2:00:00`, `1-12`, `1-12:30`, `1-12:30:00`, `UNLIMITED`.
//!
//! Source: sbatch(1) `--time`; squeue(1) and scontrol(1) print the same forms.

use super::{Malformed, digits};

/// Reads a time limit. Answers seconds, or `None` for no limit: `UNLIMITED`, `INFINITE`, `-1`, and 0 as sbatch(1) says.
///
/// A lone number is minutes. Numbers are not held to their usual range: `90:00` is an hour and a half.
pub fn parse_limit(text: &str) -> Result<Option<u64>, Malformed> {
    if ["UNLIMITED", "INFINITE", "-1"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(None);
    }
    let seconds = parse(text)?;
    Ok((seconds > 0).then_some(seconds))
}

/// Reads a time as a number of seconds; 0 is fine. A lone number is minutes.
pub fn parse(text: &str) -> Result<u64, Malformed> {
    seconds(text).ok_or_else(|| {
        Malformed(format!("{text:?} is no time: write minutes, minutes:seconds, hours:minutes:seconds or days-hours"))
    })
}

fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(digits::<u64>(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(digits::<u64>).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match (days, parts.as_slice()) {
        (None, [m]) => (0, *m, 0),
        (None, [m, s]) => (0, *m, *s),
        (Some(_), [h]) => (*h, 0, 0),
        (Some(_), [h, m]) => (*h, *m, 0),
        (_, [h, m, s]) => (*h, *m, *s),
        _ => return None,
    };
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)
}

/// Writes a time as Slurm does: `D-HH:MM:SS`, `HH:MM:SS`.
pub fn format(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 { format!("{days}-{clock}") } else { clock }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_the_manual_page() {
        for (text, seconds) in [
            ("90", 5400),
            ("1:30", 90),
            ("2:00:00", 7200),
            ("1-12", 129_600),
            ("1-12:30", 131_400),
            ("1-12:30:15", 131_415),
            ("00:00:10", 10),
            ("90:00", 5400),
        ] {
            assert_eq!(parse_limit(text), Ok(Some(seconds)), "{text}");
        }
        for text in ["UNLIMITED", "infinite", "-1", "0", "0:00"] {
            assert_eq!(parse_limit(text), Ok(None), "{text}");
        }
        for text in ["", "abc", "1:2:3:4", "1-", "-5", "1-2-3", "+5", " 5", "5 ", "1:-2", "99999999999999999999-0", "١"]
        {
            assert!(parse_limit(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..u64::from(u32::MAX)) {
            prop_assert_eq!(parse(&format(seconds)), Ok(seconds));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = parse_limit(&text);
        }
    }
}
