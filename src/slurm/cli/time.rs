//! Times and counts in the tables that commands print.
//!
//! With `SLURM_TIME_FORMAT=%s` squeue, scontrol and sacct of 22.05 and 24.11 print Unix seconds (squeue(1), sacct(1),
//! "ENVIRONMENT VARIABLES"); what is not known is `N/A`, `Unknown`, `None` or nothing.

use slurmdash_api::UnixSeconds;

use crate::slurm::notation::duration;

/// A point in time; `None` where there is none.
pub fn instant(text: &str) -> Option<UnixSeconds> {
    // Slurm writes times it does not know as 0 in places.
    text.parse::<UnixSeconds>().ok().filter(|seconds| *seconds > 0)
}

/// A time limit in seconds; `None` when there is none or it isn't set.
pub fn limit(text: &str) -> Option<u64> {
    duration::parse_limit(text).ok().flatten()
}

/// A time that has passed, seconds; 0 for what has not begun.
pub fn elapsed(text: &str) -> u64 {
    duration::parse(text).unwrap_or(0)
}

/// A count that squeue may have shortened: `16`, `1-1` (at least), `2K` for 2048. Slurm's `NO_VAL` is none.
pub fn count(text: &str) -> Option<u32> {
    let least = text.split('-').next().unwrap_or(text);
    let (number, unit) = match least.strip_suffix(['K', 'k']) {
        Some(number) => (number, 1024.0),
        None => match least.strip_suffix(['M', 'm']) {
            Some(number) => (number, 1_048_576.0),
            None => return least.parse().ok().filter(|count| *count < u32::MAX - 1),
        },
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value = number.parse::<f64>().ok().filter(|_| plain)? * unit;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and never negative")]
    (value < f64::from(u32::MAX - 1)).then_some(value.round() as u32)
}

/// Text, or `None` for Slurm's ways to write nothing.
pub fn present(text: &str) -> Option<String> {
    (!matches!(text, "" | "(null)" | "N/A" | "None" | "n/a")).then(|| text.to_owned())
}

/// Exit code and signal: `3:0` as scontrol and sacct write it, or the raw wait status (768) as squeue of 22.05 does.
pub fn exit_code(text: &str) -> Option<(i32, Option<i32>)> {
    let (code, signal) = if let Some((code, signal)) = text.split_once(':') {
        (code.parse().ok()?, signal.parse().ok()?)
    } else {
        let status = text.parse::<i32>().ok().filter(|status| *status >= 0)?;
        (status >> 8 & 0xff, status & 0x7f)
    };
    Some((code, (signal > 0).then_some(signal)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_tables_hold() {
        assert_eq!(
            (instant("1795357619"), instant("N/A"), instant("0"), instant("")),
            (Some(1_795_357_619), None, None, None)
        );
        assert_eq!((limit("1-00:00:00"), limit("UNLIMITED"), limit("NOT_SET")), (Some(86_400), None, None));
        assert_eq!((elapsed("1:02:03"), elapsed("INVALID")), (3723, 0));
        assert_eq!(
            (count("16"), count("1-1"), count("2K"), count("1.50K")),
            (Some(16), Some(1), Some(2048), Some(1536))
        );
        for nothing in ["", "infK", "9999999M", "4294967294", "4294967295", "-1"] {
            assert_eq!(count(nothing), None, "{nothing}");
        }
        assert_eq!((exit_code("3:0"), exit_code("0:9")), (Some((3, None)), Some((0, Some(9)))));
        assert_eq!((exit_code("768"), exit_code("9"), exit_code("-1")), (Some((3, None)), Some((0, Some(9))), None));
        assert_eq!((present("(null)"), present("x")), (None, Some("x".to_owned())));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = (instant(&text), limit(&text), elapsed(&text), count(&text), exit_code(&text), present(&text));
        }
    }
}
