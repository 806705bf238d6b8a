//! Reads what people type into settings: counts, amounts of memory, times. Pure; the words for what is wrong are chosen
//! by the form.

/// A whole number of at least `least`; `Ok(None)` for an empty text.
pub fn count(text: &str, least: u32) -> Result<Option<u32>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(value) if value >= least => Ok(Some(value)),
        _ => Err(()),
    }
}

/// An amount of memory in MiB: a number alone is MiB, as Slurm takes it; with a unit `500M`, `8G`, `1.5 GiB`, `1T`.
/// `Ok(None)` for an empty text.
pub fn memory(text: &str) -> Result<Option<u64>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| ())?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "m" | "mb" | "mib" => 1.0,
        "k" | "kb" | "kib" => 1.0 / 1024.0,
        "g" | "gb" | "gib" => 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0,
        _ => return Err(()),
    };
    let mebibytes = (number * factor).ceil();
    // Beyond a PiB a node's memory is a typing error.
    if !(1.0..=1_073_741_824.0).contains(&mebibytes) {
        return Err(());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be between 1 and 2^30")]
    Ok(Some(mebibytes as u64))
}

/// Writes MiB as people type them: `8G`, `500M`.
pub fn write_memory(mebibytes: u64) -> String {
    if mebibytes >= 1024 && mebibytes.is_multiple_of(1024) {
        format!("{}G", mebibytes / 1024)
    } else {
        format!("{mebibytes}M")
    }
}

/// Seconds of a time as Slurm writes it: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
/// `days-hours:minutes`, `days-hours:minutes:seconds`. `None` when it is none of these, or no time at all.
pub fn time_seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(number).collect::<Option<_>>()?;
    let seconds = match (days, parts.as_slice()) {
        (None, [minutes]) => minutes.checked_mul(60)?,
        (None, [minutes, seconds]) => clock(0, 0, *minutes, *seconds)?,
        (None, [hours, minutes, seconds]) => clock(0, *hours, *minutes, *seconds)?,
        (Some(days), [hours]) => clock(days, *hours, 0, 0)?,
        (Some(days), [hours, minutes]) => clock(days, *hours, *minutes, 0)?,
        (Some(days), [hours, minutes, seconds]) => clock(days, *hours, *minutes, *seconds)?,
        _ => return None,
    };
    (seconds > 0).then_some(seconds)
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn clock(days: u64, hours: u64, minutes: u64, seconds: u64) -> Option<u64> {
    days.checked_mul(86_400)?
        .checked_add(hours.checked_mul(3_600)?)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)
}

/// Whether a text can be a job's name.
pub fn is_job_name(text: &str) -> bool {
    let text = text.trim();
    (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Whether a text names array tasks, as `sbatch --array` takes them without the limit: `0-9`, `1,3,5`, `0-100:10`.
pub fn is_array(text: &str) -> bool {
    let is_number = |text: &str| number(text.trim()).is_some();
    text.trim().split(',').all(|part| {
        let (range, step) = part.split_once(':').map_or((part, None), |(range, step)| (range, Some(step)));
        match range.split_once('-') {
            Some((first, last)) => is_number(first) && is_number(last) && step.is_none_or(is_number),
            None => is_number(range) && step.is_none(),
        }
    })
}

/// Whether a text can be an environment variable's name.
pub fn is_variable(name: &str) -> bool {
    !name.starts_with(|letter: char| letter.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A job name made from a template's name: what a person would type who is in a hurry.
pub fn suggest_name(name: &str) -> String {
    let mut suggestion = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_alphanumeric() {
            suggestion.push(c);
        } else if !suggestion.ends_with('-') && !suggestion.is_empty() {
            suggestion.push('-');
        }
    }
    suggestion.trim_end_matches('-').chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_large_enough() {
        assert_eq!(count(" 4 ", 1), Ok(Some(4)));
        assert_eq!(count("", 1), Ok(None));
        assert_eq!(count("0", 0), Ok(Some(0)));
        for wrong in ["0", "-1", "1.5", "two", "99999999999"] {
            assert_eq!(count(wrong, 1), Err(()), "{wrong}");
        }
    }

    #[test]
    fn memory_takes_units() {
        assert_eq!(memory("2048"), Ok(Some(2048)));
        assert_eq!(memory("8G"), Ok(Some(8192)));
        assert_eq!(memory("1.5 GiB"), Ok(Some(1536)));
        assert_eq!(memory("1t"), Ok(Some(1_048_576)));
        assert_eq!(memory("512k"), Ok(Some(1)));
        assert_eq!(memory(" "), Ok(None));
        for wrong in ["G", "8X", "-1", "0", "1e9G", "99999999T", "1..5G", "8G8"] {
            assert_eq!(memory(wrong), Err(()), "{wrong}");
        }
        assert_eq!(write_memory(8192), "8G");
        assert_eq!(write_memory(1536), "1536M");
        assert_eq!(memory(&write_memory(1536)), Ok(Some(1536)));
    }

    #[test]
    fn times_are_read_as_slurm_reads_them() {
        assert_eq!(time_seconds("90"), Some(5_400));
        assert_eq!(time_seconds("1:30"), Some(90));
        assert_eq!(time_seconds("01:30:00"), Some(5_400));
        assert_eq!(time_seconds("2-0"), Some(172_800));
        assert_eq!(time_seconds("1-2:3"), Some(93_780));
        assert_eq!(time_seconds("1-02:03:04"), Some(93_784));
        for wrong in ["", "0", "0:00", "x", "1:2:3:4", "1-", "-1", "1-2-3", "1:", "99999999999999999999", "+5"] {
            assert_eq!(time_seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn arrays_and_variables_are_told_from_typing_errors() {
        assert!(["0-9", "1,3,5", "0-100:10", " 7 ", "1-3,8"].into_iter().all(is_array));
        assert!(!["", "a", "1-", "-3", "1:2", "1-5:", "0-9%2", "1;2"].into_iter().any(is_array));
        assert!(["A", "_x", "OMP_NUM_THREADS"].into_iter().all(is_variable));
        assert!(!["", "1A", "A-B", "A B", "Ä"].into_iter().any(is_variable));
    }

    #[test]
    fn names_are_suggested_and_checked() {
        assert_eq!(suggest_name("PyTorch Training"), "pytorch-training");
        assert_eq!(suggest_name("  LS-DYNA / CalculiX  "), "ls-dyna-calculix");
        assert_eq!(suggest_name("구조 해석"), "구조-해석");
        assert!(is_job_name("a") && is_job_name(&"x".repeat(128)));
        assert!(!is_job_name(" ") && !is_job_name(&"x".repeat(129)) && !is_job_name("a\u{7}"));
    }
}
