//! How many tests passed, failed and were skipped, and how that is read from each runner's report.

use std::fmt;
use std::ops::AddAssign;

use serde_json::Value;

/// The result of some tests.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Ran and were right.
    pub passed: usize,
    /// Ran and were wrong, or never ended.
    pub failed: usize,
    /// Could not run: `name: reason`.
    pub skipped: Vec<String>,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped.len())
    }
}

/// The start of the line with which a Rust test says that it can't run here.
const SKIPPED: &str = "SKIPPED ";

impl Counts {
    /// From nextest's report in `JUnit`'s format (XML): one `<testcase name= classname=>` a test, `<failure` or `<error` in the bad ones.
    pub fn from_junit(report: &str) -> Self {
        let mut counts = Self::default();
        for case in report.split("<testcase ").skip(1) {
            let case = case.split("</testcase>").next().unwrap_or(case);
            let name = case.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("?");
            if case.contains("<failure") || case.contains("<error") {
                counts.failed += 1;
            } else if let Some(reason) = skip_reason(case) {
                counts.skipped.push(format!("{}: {reason}", unescape(name)));
            } else {
                counts.passed += 1;
            }
        }
        counts
    }

    /// From what `cargo test -- --show-output` prints: a `test result:` line a binary, and each test's output under
    /// `---- name stdout ----`.
    pub fn from_libtest(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            let count = |word: &str| {
                let number = line.split([' ', ';', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>();
                let at = number.iter().position(|part| *part == word).and_then(|at| at.checked_sub(1));
                at.and_then(|at| number[at].parse::<usize>().ok()).unwrap_or(0)
            };
            counts.passed += count("passed");
            counts.failed += count("failed");
        }
        for (name, said) in output.split("\n---- ").skip(1).filter_map(|part| part.split_once(" stdout ----\n")) {
            if let Some(reason) = skip_reason(said.split("\n\n").next().unwrap_or(said)) {
                counts.skipped.push(format!("{name}: {reason}"));
                counts.passed = counts.passed.saturating_sub(1);
            }
        }
        for line in output.lines().filter_map(|line| line.strip_prefix("test ")) {
            if let Some((name, _)) = line.split_once(" ... ignored") {
                counts.skipped.push(format!("{name}: marked as ignored"));
            }
        }
        counts
    }

    /// From Playwright's JSON report: suites in suites, `specs` with a `tests` entry a project.
    pub fn from_playwright(report: &Value) -> Self {
        let mut counts = Self::default();
        for suite in report["suites"].as_array().into_iter().flatten() {
            counts += Self::from_suite(suite);
        }
        // An error outside of every test, such as a set-up that never came up, is one failure more.
        counts.failed += report["errors"].as_array().map_or(0, Vec::len);
        counts
    }

    fn from_suite(suite: &Value) -> Self {
        let mut counts = Self::default();
        for inner in suite["suites"].as_array().into_iter().flatten() {
            counts += Self::from_suite(inner);
        }
        for spec in suite["specs"].as_array().into_iter().flatten() {
            for test in spec["tests"].as_array().into_iter().flatten() {
                match test["status"].as_str() {
                    Some("expected") => counts.passed += 1,
                    Some("skipped") => {
                        let annotations = test["annotations"].as_array().into_iter().flatten();
                        let reason = annotations
                            .filter(|annotation| annotation["type"] == "skip")
                            .find_map(|annotation| annotation["description"].as_str())
                            .unwrap_or("never started");
                        let project = test["projectName"].as_str().unwrap_or_default();
                        let title = spec["title"].as_str().unwrap_or_default();
                        counts.skipped.push(format!("{project} › {title}: {reason}"));
                    }
                    _ => counts.failed += 1,
                }
            }
        }
        counts
    }
}

/// The reason in a test's output, which may stand in XML.
fn skip_reason(output: &str) -> Option<String> {
    let line = output.lines().find_map(|line| line.split_once(SKIPPED).filter(|(before, _)| starts_output(before)))?.1;
    Some(unescape(line.split("</system-").next().unwrap_or(line)))
}

/// Whether what stands before the word is nothing, or the XML element that the output begins in.
fn starts_output(before: &str) -> bool {
    before.trim().is_empty() || before.ends_with("<system-out>") || before.ends_with("<system-err>")
}

fn unescape(text: &str) -> String {
    [("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_junit_report_gives_its_three_numbers() {
        let report = r#"<testsuites name="x" tests="3" failures="1">
            <testsuite name="slurmdash"><testcase name="a::good" classname="slurmdash" time="0.1"></testcase>
            <testcase name="a::bad" classname="slurmdash"><failure type="test failure"/></testcase>
            <testcase name="real::cluster" classname="it"><system-out>running 1 test
SKIPPED slurmctld isn&apos;t installed
test real::cluster ... ok</system-out></testcase></testsuite></testsuites>"#;
        let counts = Counts::from_junit(report);
        assert_eq!((counts.passed, counts.failed), (1, 1));
        assert_eq!(counts.skipped, ["real::cluster: slurmctld isn't installed"]);
        assert_eq!(counts.to_string(), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn cargo_tests_output_gives_the_same() {
        let output = "running 3 tests\ntest a::good ... ok\ntest b ... ignored\ntest real::cluster ... ok\n\n\
                      successes:\n\n---- real::cluster stdout ----\nSKIPPED no munge\n\n\n\
                      test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let counts = Counts::from_libtest(output);
        assert_eq!((counts.passed, counts.failed), (1, 1));
        assert_eq!(counts.skipped, ["real::cluster: no munge", "b: marked as ignored"]);
    }

    #[test]
    fn a_playwright_report_names_what_was_skipped() {
        let test = |project: &str, status: &str, annotations: Value| json!({"projectName": project, "status": status, "annotations": annotations});
        let skip = json!([{"type": "skip", "description": "Slurm is not installed"}]);
        let report = json!({"errors": [], "suites": [{"suites": [{"specs": [
            {"title": "flow", "tests": [test("sim", "expected", json!([])), test("slurm", "skipped", skip)]},
            {"title": "login", "tests": [test("sim", "unexpected", json!([]))]},
        ]}]}]});
        let counts = Counts::from_playwright(&report);
        assert_eq!((counts.passed, counts.failed), (1, 1));
        assert_eq!(counts.skipped, ["slurm › flow: Slurm is not installed"]);
        assert_eq!(Counts::from_playwright(&json!({"errors": [{"message": "no server"}]})).failed, 1);
    }
}
