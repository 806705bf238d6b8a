//! Names that come from outside and become names on disk: kept as given, never trusted.
use crate::templates::text;

/// Longest file name, bytes: what Linux file systems take.
const MAX_NAME: usize = 255;

/// What is wrong with a file's name; a good one is one component of a path, on one line, that looks like what it is.
pub fn filename_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("is empty".into())
    } else if matches!(name, "." | "..") {
        Some("is no name of a file".into())
    } else if let Some(separator) = name.chars().find(|c| matches!(c, '/' | '\\')) {
        Some(format!("holds {separator}; give the name alone, without folders"))
    } else if let Some(problem) = text::line_problem(name, MAX_NAME) {
        Some(problem)
    } else if name.trim() != name {
        Some("begins or ends with a blank".into())
    } else if name.strip_prefix('.').is_some_and(|rest| rest.strip_suffix(".part").is_some()) {
        Some("looks like one of the files that uploads are collected in (.….part)".into())
    } else {
        None
    }
}

/// What is wrong with a job folder's name.
pub fn job_id_problem(job_id: &str) -> Option<String> {
    let good = (1..=64).contains(&job_id.len())
        && job_id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (!good).then(|| "must be 1 to 64 letters, digits, - and _".into())
}

/// Whether an account's name can be a folder.
pub fn is_folder(username: &str) -> bool {
    filename_problem(username).is_none() && !username.starts_with('.') && username.len() <= 128
}

/// Name of the file that the bytes of an upload are collected in, beside the final one. It has only the id in it, so
/// that it fits whatever the final name's length is.
pub fn part_name(upload_id: &str) -> String {
    format!(".{upload_id}.part")
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_kept_or_refused_with_a_reason() {
        for good in
            ["a", "train.py", "한글 파일 (1).csv", "...", "a..b", "-rf", ".bashrc", "$(id);'\".sh", &"a".repeat(255)]
        {
            assert_eq!(filename_problem(good), None, "{good}");
        }
        let long = "a".repeat(256);
        for wrong in [
            "",
            ".",
            "..",
            "a/b",
            "/",
            "..\\x",
            "a\0",
            "a\nb",
            "a\u{7f}",
            "a\u{9b}m",
            "\u{202e}gpj.exe",
            " a",
            "a ",
            ".0123.part",
            "a\u{feff}",
            &long,
            &"가".repeat(86),
        ] {
            assert!(filename_problem(wrong).is_some(), "{wrong:?}");
        }
        for (job_id, good) in [("a-B_9", true), ("", false), ("..", false), ("a/b", false), ("é", false)] {
            assert_eq!(job_id_problem(job_id).is_none(), good, "{job_id}");
        }
    }

    proptest! {
        /// Whatever is accepted is exactly one ordinary component of a path.
        #[test]
        fn accepted_names_stay_in_their_folder(name in "(\\.|/|\\\\| |[^/]|\\PC){0,12}") {
            if filename_problem(&name).is_none() {
                let path = Path::new("/up").join(&name);
                prop_assert_eq!(path.parent(), Some(Path::new("/up")));
                let last = path.components().next_back();
                prop_assert_eq!(last, Some(Component::Normal(name.as_ref())));
                prop_assert!(!name.bytes().any(|b| b < 0x20 || b == 0x7f));
            }
        }
    }
}
