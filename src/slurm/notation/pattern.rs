//! Output file names with `%j` and the like filled in.
//!
//! Source: sbatch(1), "filename pattern".

/// What a pattern may name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The record's own number (`%j`).
    pub job_id: u32,
    /// The array's number; the job's own when it is none (`%A`).
    pub array_job_id: u32,
    /// The array task (`%a`).
    pub task: Option<u32>,
    /// Job name (`%x`).
    pub name: &'a str,
    /// Unix user (`%u`).
    pub user: &'a str,
    /// The first node (`%N`).
    pub node: &'a str,
}

/// What `%a` becomes outside an array: Slurm's `NO_VAL`.
const NO_TASK: u32 = u32::MAX - 1;

/// Fills the pattern in. A number before the letter pads with zeros (`%4j`); an unknown letter stays as written, and so
/// does everything in a pattern with a backslash. A `/` inside a name becomes `_`, so that no job name picks a folder.
pub fn expand(pattern: &str, names: &Names<'_>) -> String {
    if pattern.contains('\\') {
        return pattern.replace('\\', "");
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let letter_at = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let width = after[..letter_at].parse::<usize>().unwrap_or(0).min(10);
        let mut following = after[letter_at..].chars();
        let number = |number: u32| format!("{number:0width$}");
        let value = match following.next() {
            Some('%') if letter_at == 0 => Some("%".to_owned()),
            Some('j') => Some(number(names.job_id)),
            Some('J') => Some(format!("{}.batch", number(names.job_id))),
            Some('A') => Some(number(names.array_job_id)),
            Some('a') => Some(number(names.task.unwrap_or(NO_TASK))),
            Some('n' | 't') => Some(number(0)),
            Some('s') => Some("batch".to_owned()),
            Some('x') => Some(names.name.replace('/', "_")),
            Some('u') => Some(names.user.replace('/', "_")),
            Some('N') => Some(names.node.to_owned()),
            _ => None,
        };
        if let Some(value) = value {
            out.push_str(&value);
            rest = following.as_str();
        } else {
            out.push('%');
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: Names<'_> =
        Names { job_id: 42, array_job_id: 40, task: Some(7), name: "a/b c", user: "ada", node: "node001" };

    #[test]
    fn every_letter() {
        assert_eq!(expand("slurm-%j.out", &NAMES), "slurm-42.out");
        assert_eq!(expand("%A_%a-%4a-%x-%u-%N-%%-%t", &NAMES), "40_7-0007-a_b c-ada-node001-%-0");
        assert_eq!(expand("%a", &Names { task: None, ..NAMES }), "4294967294");
        assert_eq!(expand("%J", &NAMES), "42.batch");
        assert_eq!(expand("\\%j", &NAMES), "%j");
        assert_eq!(expand("100%", &NAMES), "100%");
        assert_eq!(expand("%z%99j", &NAMES), "%z0000000042");
        assert_eq!(expand("%5%", &NAMES), "%5%");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[%0-9jAaxuNé\\\\]*") {
            let _ = expand(&text, &NAMES);
        }

        #[test]
        fn plain_text_stays(text in "[^%\\\\]*") {
            prop_assert_eq!(expand(&text, &NAMES), text);
        }
    }
}
