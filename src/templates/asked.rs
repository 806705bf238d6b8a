//! The request's further settings: what is wrong with each, in words for the form's field.
use std::collections::BTreeMap;

use slurmdash_api::jobs::JobRequest;
use slurmdash_api::problem::FieldProblem;

use super::settings::field;
use super::text;
use crate::slurm::notation::begin::Begin;

/// Most environment variables.
const MOST_VARIABLES: usize = 200;

/// Most bytes of all their names and values: one program's arguments and environment have to fit into 128 KiB at worst.
const MOST_ENVIRONMENT: usize = 64 << 10;

/// Longest path, bytes (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// Longest constraint or dependency, bytes.
const LONGEST_LIST: usize = 4096;

/// When sbatch writes mail. Source: sbatch(1), `--mail-type`.
const MAIL_TYPES: [&str; 13] = [
    "NONE",
    "BEGIN",
    "END",
    "FAIL",
    "REQUEUE",
    "ALL",
    "INVALID_DEPEND",
    "STAGE_OUT",
    "TIME_LIMIT",
    "TIME_LIMIT_90",
    "TIME_LIMIT_80",
    "TIME_LIMIT_50",
    "ARRAY_TASKS",
];

/// Says what is wrong with a value.
type Check = fn(&str) -> Option<String>;

/// What is wrong with a request's further settings, all at once.
pub fn problems(request: &JobRequest) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut number = |name: &str, value: Option<u64>, most: u64| {
        if value.is_some_and(|value| !(1..=most).contains(&value)) {
            problems.push(field(name, format!("must be from 1 to {most}")));
        }
    };
    number("tasks_per_node", request.tasks_per_node.map(u64::from), 10_000);
    number("memory_per_cpu", request.memory_per_cpu, 64 << 20);
    if request.memory.is_some() && request.memory_per_cpu.is_some() {
        problems.push(field("memory_per_cpu", "can't go together with memory on each node; give one of the two"));
    }
    let checks: [(&str, &Option<String>, Check); 9] = [
        ("constraint", &request.constraint, constraint),
        ("dependency", &request.dependency, dependency),
        ("begin", &request.begin, begin_problem),
        ("reservation", &request.reservation, reservation),
        ("mail_type", &request.mail_type, mail_type),
        ("mail_user", &request.mail_user, mail_user),
        ("work_dir", &request.work_dir, work_dir),
        ("output", &request.output, output),
        ("error", &request.error, output),
    ];
    for (name, value, check) in checks {
        problems.extend(value.as_deref().and_then(check).map(|message| field(name, message)));
    }
    problems.extend(environment(&request.environment));
    problems
}

/// An earliest start as sbatch takes it: Unix seconds have a form of their own there.
pub fn begin(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_digit()) { format!("uts{text}") } else { text.to_owned() }
}

fn begin_problem(text: &str) -> Option<String> {
    // Which of the two is meant by a short number nobody can say: sbatch reads 1231 as a date.
    let seconds = text.len() >= 9 || !text.bytes().all(|b| b.is_ascii_digit());
    let good = seconds && Begin::parse(&begin(text)).is_ok();
    (!good).then(|| "must be a time such as 2027-01-31T08:00, 16:30, tomorrow or now+2hours".into())
}

/// Source: sbatch(1), `--constraint`.
fn constraint(text: &str) -> Option<String> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"_.:=-&|*!()[],".contains(&b);
    let good = (1..=LONGEST_LIST).contains(&text.len()) && text.bytes().all(word) && !text.starts_with('-');
    (!good).then(|| "must be features of nodes such as intel, or intel&gpu, or [rack1|rack2]".into())
}

/// Source: sbatch(1), `--dependency`.
fn dependency(text: &str) -> Option<String> {
    let good = text.len() <= LONGEST_LIST
        && !(text.contains(',') && text.contains('?'))
        && text.split([',', '?']).all(is_dependency);
    (!good).then(|| {
        "must be such as afterok:123, afterany:123:124, after:123+10 or singleton; several are joined by , (all) or ? \
         (any)"
            .into()
    })
}

fn is_dependency(text: &str) -> bool {
    let number = |text: &str| {
        (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u32>().is_ok()
    };
    let job = |text: &str| text.parse::<crate::slurm::JobId>().is_ok();
    let Some((kind, jobs)) = text.split_once(':') else { return text == "singleton" };
    match kind {
        "after" => jobs.split(':').all(|one| match one.split_once('+') {
            Some((id, minutes)) => job(id) && number(minutes),
            None => job(one),
        }),
        "afterok" | "afterany" | "afternotok" | "aftercorr" | "afterburstbuffer" => jobs.split(':').all(job),
        _ => false,
    }
}

fn reservation(text: &str) -> Option<String> {
    (!text::is_slurm_name(text)).then(|| "must be 1 to 64 letters, digits, _ . or -, and not begin with -".into())
}

fn mail_type(text: &str) -> Option<String> {
    let known = |word: &str| MAIL_TYPES.iter().any(|kind| kind.eq_ignore_ascii_case(word));
    (text.len() > 256 || !text.split(',').all(known))
        .then(|| format!("must be some of {}, separated by commas", MAIL_TYPES.join(", ")))
}

fn mail_user(text: &str) -> Option<String> {
    let good = |part: &str, more: &[u8]| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    let fits = match text.split_once('@') {
        Some((name, host)) => good(name, b"._%+-") && good(host, b".-"),
        None => good(text, b"._-"),
    };
    (!fits || text.len() > 254 || text.starts_with('-')).then(|| "must be a mail address or a login".into())
}

fn work_dir(text: &str) -> Option<String> {
    if !text.starts_with('/') {
        return Some("must be an absolute path: begin with /".into());
    }
    path(text)
}

/// Source: sbatch(1), "filename pattern".
fn output(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("is empty".into());
    }
    if text.ends_with('/') {
        return Some("is a folder; name a file in it".into());
    }
    path(text)
}

fn path(text: &str) -> Option<String> {
    if text.split('/').any(|part| part == "..") {
        return Some("must not go up with ..".into());
    }
    text::line_problem(text, LONGEST_PATH)
}

fn environment(variables: &BTreeMap<String, String>) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let size: usize = variables.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    if variables.len() > MOST_VARIABLES || size > MOST_ENVIRONMENT {
        let most = MOST_ENVIRONMENT >> 10;
        problems.push(field("environment", format!("may hold {MOST_VARIABLES} variables and {most} KiB at most")));
        return problems;
    }
    for (name, value) in variables {
        if let Some(message) = variable(name, value) {
            let shown: String = name.chars().filter(|c| !text::is_hostile(*c)).take(64).collect();
            problems.push(field(format!("environment.{shown}"), message));
        }
    }
    problems
}

fn variable(name: &str, value: &str) -> Option<String> {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let good = name.bytes().next().is_some_and(first) && name.bytes().all(|b| first(b) || b.is_ascii_digit());
    if !good || name.len() > 128 {
        return Some("must be a name of letters, digits and _ that does not begin with a digit".into());
    }
    if ["SLURM", "SBATCH_", "LD_"].iter().any(|begin| name.starts_with(begin)) {
        return Some("is Slurm's or the system's own and can't be set here".into());
    }
    if name == "PATH" {
        return Some("would hide the system's programs; write export PATH=…:$PATH in the script instead".into());
    }
    value.contains('\0').then(|| "holds a NUL character, which is not allowed here".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::settings::Settings;
    use super::*;
    use slurmdash_api::templates::TemplateResources;

    #[test]
    fn what_sbatch_takes_is_taken() {
        for good in ["afterok:1", "afterany:12:13_4,afternotok:5", "after:7+10:8", "singleton", "afterok:1?aftercorr:2"]
        {
            assert_eq!(dependency(good), None, "{good}");
        }
        for wrong in
            ["", "afterok", "afterok:", "afterok:0", "afterok:x", "after:1+", "afterok:1,", "afterok:1,after:2?after:3"]
        {
            assert!(dependency(wrong).is_some(), "{wrong}");
        }
        for good in ["1795357619", "now+1hour", "2027-01-31T08:00", "16:30", "tomorrow"] {
            assert_eq!(begin_problem(good), None, "{good}");
        }
        for wrong in ["", "1231", "soon", "now+1 hour", "99999999999999999999", "-1"] {
            assert!(begin_problem(wrong).is_some(), "{wrong}");
        }
        for good in ["BEGIN,end", "time_limit_80", "ALL"] {
            assert_eq!(mail_type(good), None, "{good}");
        }
        for good in ["ann", "a.b+c@example.org"] {
            assert_eq!(mail_user(good), None, "{good}");
        }
        for wrong in ["-f", "a b", "a@", "@b", "a@b@c", "a;b", "a\nb", ""] {
            assert!(mail_user(wrong).is_some(), "{wrong}");
        }
        assert!(constraint("-x").is_some() && constraint("a b").is_some() && constraint("[a|b]&!c*2").is_none());
        assert!(work_dir("a/b").is_some() && work_dir("/a/../b").is_some() && work_dir("/a b/c").is_none());
        assert!(output("logs/").is_some() && output(" ").is_some() && output("logs/%x-%j.out").is_none());
    }

    #[test]
    fn variables_of_slurm_and_the_loader_stay_theirs() {
        for name in ["SLURM_CONF", "SLURMD_DEBUG", "SBATCH_EXPORT", "LD_PRELOAD", "PATH", "1A", "A-B", "A=B", "", "Ä"]
        {
            assert!(variable(name, "x").is_some(), "{name}");
        }
        assert_eq!(variable("_MY_2", "any\ntext, =\"$(id)\""), None);
        assert!(variable("A", "\0").is_some());
    }

    #[test]
    fn memory_is_given_one_way() {
        let request = JobRequest { memory: Some(1), memory_per_cpu: Some(1), ..JobRequest::default() };
        assert_eq!(problems(&request).iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["memory_per_cpu"]);
    }

    fn hostile() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("(afterok:[0-9]{1,3}|now\\+[0-9]h?|/[a-z]|[-#\"'\\\\\n\r =:,$;a-zA-Z%/.\u{2028}]){1,6}")
    }

    proptest! {
        /// Whatever passes is one option on one line, and sbatch reads back that value.
        #[test]
        fn nothing_smuggles_another_option(
            (constraint, dependency, begin, reservation, mail_type) in (hostile(), hostile(), hostile(), hostile(), hostile()),
            (mail_user, work_dir, output, error) in (hostile(), hostile(), hostile(), hostile()),
        ) {
            let mut request = JobRequest {
                job_name: "job".into(),
                constraint, dependency, begin, reservation, mail_type, mail_user, work_dir, output, error,
                ..JobRequest::default()
            };
            for problem in problems(&request) {
                match problem.field.as_str() {
                    "constraint" => request.constraint = None,
                    "dependency" => request.dependency = None,
                    "begin" => request.begin = None,
                    "reservation" => request.reservation = None,
                    "mail_type" => request.mail_type = None,
                    "mail_user" => request.mail_user = None,
                    "work_dir" => request.work_dir = None,
                    "output" => request.output = None,
                    "error" => request.error = None,
                    other => panic!("{other}"),
                }
            }
            let mut found = Vec::new();
            let settings = Settings::collect(&request, &TemplateResources::default(), &mut found);
            prop_assert_eq!(found, vec![]);
            let asked = [
                ("job-name", Some("job".to_owned())),
                ("constraint", request.constraint),
                ("dependency", request.dependency),
                ("begin", request.begin.as_deref().map(super::begin)),
                ("reservation", request.reservation),
                ("mail-type", request.mail_type),
                ("mail-user", request.mail_user),
                ("chdir", request.work_dir),
                ("output", request.output),
                ("error", request.error),
            ];
            let expected: Vec<String> =
                asked.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value?))).collect();
            let lines = settings.sbatch_lines();
            let read: Vec<String> = lines
                .split_terminator('\n')
                .flat_map(|line| shlex::split(line.strip_prefix("#SBATCH ").unwrap()).unwrap())
                .collect();
            prop_assert_eq!(read, expected);
        }
    }
}
