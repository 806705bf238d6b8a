//! Writes text so that bash and sbatch read back exactly that text.

/// Quotes a value for a POSIX shell: inside single quotes nothing has a meaning, and a single quote itself is written
/// outside of them as `\'`. Right for every text without NUL.
///
/// Source: POSIX.1-2017, Shell & Utilities, 2.2.2 Single-Quotes.
pub fn for_shell(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for (number, part) in value.split('\'').enumerate() {
        if number > 0 {
            quoted.push_str("'\\''");
        }
        quoted.push_str(part);
    }
    quoted.push('\'');
    quoted
}

/// Quotes a value for an `#SBATCH` line, where a blank ends a value, `#` begins a comment, and quotes and backslashes
/// are special. The value must be one line.
///
/// Source: sbatch(1), and the argument reader of Slurm's `src/sbatch/opt.c`.
pub fn for_sbatch(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%=[]".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sbatch_values_are_plain_where_they_can_be() {
        assert_eq!(for_sbatch("0-9%2"), "0-9%2");
        assert_eq!(for_sbatch("my job #1"), r#""my job #1""#);
        assert_eq!(for_sbatch(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(for_sbatch(""), r#""""#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Real bash prints back what was quoted, whatever it is, and runs nothing of it.
        #[test]
        fn bash_reads_back_what_was_quoted(values in proptest::collection::vec("([$`\\\\'\"\n;|&(){}*?!#~ ]|touch|[^\0]){0,40}", 1..4)) {
            let mut script = String::from("set -u\n");
            script.extend(values.iter().enumerate().map(|(i, value)| format!("export V{i}={}\n", for_shell(value))));
            script.extend((0..values.len()).map(|i| format!("printf '%s\\0' \"$V{i}\"\n")));
            let ran = Command::new("bash").env_clear().args(["-c", &script]).output().unwrap();
            let expected: Vec<u8> = values.iter().flat_map(|v| v.bytes().chain([0])).collect();
            prop_assert_eq!(ran.stdout, expected);
            prop_assert!(ran.stderr.is_empty() && ran.status.success());
        }
    }
}
