//! Memory sizes: `4000`, `4000M`, `4G`, `1.50T`.
//!
//! Source: sbatch(1) `--mem`; squeue(1) and the TRES of scontrol(1) and sacct(1) print the same forms. Old sacct adds
//! `c` (per CPU) or `n` (per node) to `ReqMem`.

use super::Malformed;

/// Reads a size as MiB, rounded up. Without a unit it is MiB already.
pub fn parse(text: &str) -> Result<u64, Malformed> {
    mebibytes(text).ok_or_else(|| Malformed(format!("{text:?} is no memory size: write a number with K, M, G or T")))
}

fn mebibytes(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['c', 'n']).unwrap_or(text);
    let text = text.strip_suffix(['B', 'b']).unwrap_or(text);
    let unit = text.chars().last()?;
    let (number, kibibytes) = match unit.to_ascii_uppercase() {
        'K' => (text.strip_suffix(unit)?, 1.0),
        'M' => (text.strip_suffix(unit)?, 1024.0),
        'G' => (text.strip_suffix(unit)?, 1024.0 * 1024.0),
        'T' => (text.strip_suffix(unit)?, 1024.0 * 1024.0 * 1024.0),
        'P' => (text.strip_suffix(unit)?, 1024.0 * 1024.0 * 1024.0 * 1024.0),
        _ => (text, 1024.0),
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let mebibytes = (number.parse::<f64>().ok()? * kibibytes / 1024.0).ceil();
    // Up to 2^53 every whole number is exact.
    if !(0.0..=9_007_199_254_740_992.0).contains(&mebibytes) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative and at most 2^53")]
    Some(mebibytes as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit() {
        for (text, mebibytes) in [
            ("4000", 4000),
            ("100M", 100),
            ("4G", 4096),
            ("1.50T", 1_572_864),
            ("1500K", 2),
            ("4gb", 4096),
            ("100Mc", 100),
            ("4Gn", 4096),
            ("0", 0),
            ("31.25G", 32_000),
        ] {
            assert_eq!(parse(text), Ok(mebibytes), "{text}");
        }
        for text in ["", "M", "-1", "1e9G", "inf", "NaN", "1..2", "4 G", "9999999999999999P"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_mebibytes_are_kept(size in 0..u64::from(u32::MAX)) {
            prop_assert_eq!(parse(&format!("{size}M")), Ok(size));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
