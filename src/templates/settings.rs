//! A job's settings: checked field by field, and written as `#SBATCH` lines.
use slurmdash_api::jobs::JobRequest;
use slurmdash_api::problem::FieldProblem;
use slurmdash_api::templates::TemplateResources;

use super::{asked, quote, text};
pub use crate::slurm::Settings;

/// Largest script, bytes.
pub const MAX_SCRIPT: usize = 1024 * 1024;

impl Settings {
    /// Takes the settings of a request, and the template's where the request has none. What is wrong is added to
    /// `problems`.
    pub fn collect(request: &JobRequest, suggested: &TemplateResources, problems: &mut Vec<FieldProblem>) -> Self {
        if let Some(message) = job_name_problem(&request.job_name) {
            problems.push(field("job_name", message));
        }
        for (name, value) in [("account", &request.account), ("qos", &request.qos)] {
            problems.extend(value.as_deref().and_then(slurm_name_problem).map(|message| field(name, message)));
        }
        if let Some(message) = request.array.as_deref().and_then(array_problem) {
            problems.push(field("array", message));
        }
        problems.extend(asked::problems(request));
        let merged = TemplateResources {
            partition: request.partition.clone().or_else(|| suggested.partition.clone()),
            nodes: request.nodes.or(suggested.nodes),
            tasks: request.tasks.or(suggested.tasks),
            cpus_per_task: request.cpus_per_task.or(suggested.cpus_per_task),
            // Memory for each CPU takes the place of the template's memory on each node.
            memory: request.memory.or(suggested.memory.filter(|_| request.memory_per_cpu.is_none())),
            gpus: request.gpus.or(suggested.gpus),
            time: request.time.clone().or_else(|| suggested.time.clone()),
        };
        problems.extend(resource_problems(&merged));
        Self {
            name: request.job_name.clone(),
            partition: merged.partition,
            account: request.account.clone(),
            qos: request.qos.clone(),
            nodes: merged.nodes,
            tasks: merged.tasks,
            tasks_per_node: request.tasks_per_node,
            cpus_per_task: merged.cpus_per_task,
            memory: merged.memory,
            memory_per_cpu: request.memory_per_cpu,
            gpus: merged.gpus.filter(|&gpus| gpus > 0),
            time: merged.time,
            array: request.array.clone(),
            constraint: request.constraint.clone(),
            dependency: request.dependency.clone(),
            begin: request.begin.as_deref().map(asked::begin),
            reservation: request.reservation.clone(),
            mail_type: request.mail_type.clone(),
            mail_user: request.mail_user.clone(),
            work_dir: request.work_dir.clone(),
            output: request.output.clone(),
            error: request.error.clone(),
            environment: request.environment.clone(),
        }
    }

    /// The settings as `#SBATCH` lines, each ended by a line feed.
    pub fn sbatch_lines(&self) -> String {
        let text =
            |name: &str, value: &Option<String>| value.as_ref().map(|v| format!("--{name}={}", quote::for_sbatch(v)));
        let number = |name: &str, value: Option<u32>| value.map(|v| format!("--{name}={v}"));
        [
            Some(format!("--job-name={}", quote::for_sbatch(&self.name))),
            text("partition", &self.partition),
            text("account", &self.account),
            text("qos", &self.qos),
            number("nodes", self.nodes),
            number("ntasks", self.tasks),
            number("ntasks-per-node", self.tasks_per_node),
            number("cpus-per-task", self.cpus_per_task),
            self.memory.map(|memory| format!("--mem={memory}M")),
            self.memory_per_cpu.map(|memory| format!("--mem-per-cpu={memory}M")),
            self.gpus.map(|gpus| format!("--gres=gpu:{gpus}")),
            text("time", &self.time),
            text("array", &self.array),
            text("constraint", &self.constraint),
            text("dependency", &self.dependency),
            text("begin", &self.begin),
            text("reservation", &self.reservation),
            text("mail-type", &self.mail_type),
            text("mail-user", &self.mail_user),
            text("chdir", &self.work_dir),
            text("output", &self.output),
            text("error", &self.error),
        ]
        .into_iter()
        .flatten()
        .flat_map(|option| ["#SBATCH ".to_owned(), option, "\n".to_owned()])
        .collect()
    }

    /// What sbatch takes but a person may not mean.
    pub fn warnings(&self) -> Vec<String> {
        match (self.nodes, self.tasks) {
            (Some(nodes), Some(tasks)) if tasks < nodes => vec![format!(
                "{tasks} {} can't spread over {nodes} nodes: Slurm will use only {tasks} of them.",
                if tasks == 1 { "task" } else { "tasks" }
            )],
            _ => Vec::new(),
        }
    }
}

/// One refused field.
pub fn field(field: impl Into<String>, message: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), message: message.into() }
}

/// What is wrong with a job name: it must be 1 to 128 characters on one line.
fn job_name_problem(name: &str) -> Option<String> {
    let characters = name.chars().count();
    if name.trim().is_empty() {
        Some("is empty".into())
    } else if characters > 128 {
        Some(format!("is {characters} characters long; at most 128 are allowed"))
    } else {
        text::line_problem(name, 128 * 4)
    }
}

fn slurm_name_problem(name: &str) -> Option<String> {
    (!text::is_slurm_name(name)).then(|| "must be 1 to 64 letters, digits, _ . or -, and not begin with -".into())
}

/// What is wrong with resources, all at once.
pub fn resource_problems(resources: &TemplateResources) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut check = |name: &str, value: Option<u64>, least: u64, most: u64| {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            problems.push(field(name, format!("must be from {least} to {most}")));
        }
    };
    check("nodes", resources.nodes.map(u64::from), 1, 100_000);
    check("tasks", resources.tasks.map(u64::from), 1, 1_000_000);
    check("cpus_per_task", resources.cpus_per_task.map(u64::from), 1, 10_000);
    // 64 TiB on one node.
    check("memory", resources.memory, 1, 64 << 20);
    check("gpus", resources.gpus.map(u64::from), 0, 1024);
    problems
        .extend(resources.partition.as_deref().and_then(slurm_name_problem).map(|message| field("partition", message)));
    if let Some(time) = resources.time.as_deref()
        && time_limit_seconds(time).is_none()
    {
        problems.push(field("time", "must be a time such as 90 (minutes), 01:30:00, 2-12 (days-hours) or 2-12:30:00"));
    }
    problems
}

/// Reads a time limit as sbatch takes it and answers seconds: `minutes`, `minutes:seconds`, `hours:minutes:seconds`,
/// `days-hours`, `days-hours:minutes`, `days-hours:minutes:seconds`.
///
/// Stricter than sbatch in that parts after the first stay below 60 (hours after days below 24) and the whole is more
/// than nothing: a limit of 0 means "no limit" to Slurm, which nobody types on purpose. A year is the most.
///
/// Source: sbatch(1), `--time`.
pub fn time_limit_seconds(time: &str) -> Option<u64> {
    const YEAR: u64 = 366 * 86_400;
    let number = |text: &str| {
        let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let below = |text: &str, limit: u64| number(text).filter(|&n| n < limit);
    let seconds = if let Some((days, rest)) = time.split_once('-') {
        let parts: Vec<&str> = rest.split(':').collect();
        let (hours, minutes, seconds) = match *parts.as_slice() {
            [hours] => (hours, "0", "0"),
            [hours, minutes] => (hours, minutes, "0"),
            [hours, minutes, seconds] => (hours, minutes, seconds),
            _ => return None,
        };
        number(days)? * 86_400 + below(hours, 24)? * 3600 + below(minutes, 60)? * 60 + below(seconds, 60)?
    } else {
        let parts: Vec<&str> = time.split(':').collect();
        match *parts.as_slice() {
            [minutes] => number(minutes)? * 60,
            [minutes, seconds] => number(minutes)? * 60 + below(seconds, 60)?,
            [hours, minutes, seconds] => number(hours)? * 3600 + below(minutes, 60)? * 60 + below(seconds, 60)?,
            _ => return None,
        }
    };
    (1..=YEAR).contains(&seconds).then_some(seconds)
}

/// What is wrong with array indices: `0-9`, `1,3,5`, `0-99:10`, each with `%n` for at most n at once.
///
/// Source: sbatch(1), `--array`.
fn array_problem(spec: &str) -> Option<String> {
    const MOST: u32 = 4_000_000;
    let number = |text: &str| {
        let digits = (1..=7).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten().filter(|&n| n <= MOST)
    };
    let indices = |part: &str| match part.split_once('-') {
        None => number(part).is_some(),
        Some((first, rest)) => {
            let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
            matches!((number(first), number(last), number(step)), (Some(first), Some(last), Some(step)) if first <= last && step >= 1)
        }
    };
    let (list, at_once) = spec.split_once('%').map_or((spec, None), |(list, most)| (list, Some(most)));
    let good = spec.len() <= 1024
        && list.split(',').all(indices)
        && at_once.is_none_or(|most| number(most).is_some_and(|most| most >= 1));
    (!good).then(|| "must be array indices such as 0-9, 1,3,5, 0-99:10, or 0-9%2 for two at a time".into())
}

/// What is wrong with a script's text.
pub fn script_text_problem(script: &str) -> Option<String> {
    if script.len() > MAX_SCRIPT {
        Some(format!("is {} bytes long; at most {MAX_SCRIPT} are allowed", script.len()))
    } else if script.contains('\0') {
        Some("holds a NUL character, which is not allowed here".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_sbatch_reads_them() {
        for (time, seconds) in [
            ("90", 5400),
            ("1:30", 90),
            ("01:00:00", 3600),
            ("1-0", 86_400),
            ("1-12:30", 131_400),
            ("2-03:04:05", 183_845),
            ("100:00:00", 360_000),
        ] {
            assert_eq!(time_limit_seconds(time), Some(seconds), "{time}");
        }
        for wrong in [
            "", "0", "00:00:00", "soon", "1:60", "1:2:3:4", "-1", "1-", "1-24", "1-1:60", "1d", " 1", "1\n", "+1", "٣",
            "9999999", "999999-0",
        ] {
            assert_eq!(time_limit_seconds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn array_indices_are_read_as_sbatch_reads_them() {
        for good in ["0", "0-9", "1,3,5", "0-99:10", "0-9%2", "1,4-6%1"] {
            assert_eq!(array_problem(good), None, "{good}");
        }
        for wrong in
            ["", ",", "9-0", "0-9:0", "0-9%0", "0-9%", "a", "0-9%2%3", "-1", "0 ", "0-9\n#SBATCH -N9", "99999999"]
        {
            assert!(array_problem(wrong).is_some(), "{wrong:?}");
        }
    }
}
