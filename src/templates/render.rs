//! From a job request to the exact script that sbatch gets. Pure: no file is opened, no clock is read.
//!
//! The script has, in this order:
//!
//! 1. `#!/bin/bash`
//! 2. `#SBATCH` lines for every setting, so that the script a person reviews says everything
//! 3. `export NAME='value'`: the template's parameters in upper case; `FILE_<NAME>` for each file of the template
//!    (empty when it was not uploaded); `FILE_1`, `FILE_2`, … for all uploaded files in the order they were named, and
//!    `FILE_COUNT`
//! 4. the body: the template's script, or the person's command line; inside `apptainer exec` when there is an image
//!
//! A person's own whole script stays as it is (but for CRLF line ends, which become LF). The lines of 2 and 3 are put in
//! front of its first command: after its own `#SBATCH` lines, so that they win in sbatch's reading as well, and
//! before anything runs.
//!
//! No value is ever pasted into script text: values stand in single quotes in part 3 and nowhere else.
use std::fmt::Write as _;
use std::path::PathBuf;

use slurmdash_api::jobs::{JobRequest, ParameterValue};
use slurmdash_api::problem::FieldProblem;
use slurmdash_api::templates::{Template, TemplateResources};
use slurmdash_api::uploads::FileType;

use super::settings::{Settings, field, script_text_problem};
use super::{environment, quote, text, value};
use crate::slurm::Submission;

/// Longest body that can be handed to `apptainer exec`, bytes: one argument of a program may have 128 KiB on Linux.
const MAX_BODY_IN_IMAGE: usize = 100 * 1024;

/// A file that was uploaded for the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedFile {
    /// Its name, without folders.
    pub name: String,
    /// Where it lies: absolute.
    pub path: PathBuf,
    /// Its type.
    pub kind: FileType,
}

/// The result: a script and the settings that are also in its `#SBATCH` lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The whole script.
    pub script: String,
    /// The settings.
    pub settings: Settings,
    /// What sbatch takes but a person may not mean.
    pub warnings: Vec<String>,
}

impl Rendered {
    /// What to hand to Slurm. `work_dir` and `stdout` are final: whoever calls knows the job's folder where the request
    /// names none (`settings.work_dir`, `settings.output`). `mark` is as in [`Submission::mark`].
    pub fn into_submission(self, work_dir: PathBuf, stdout: PathBuf, mark: String) -> Submission {
        let stderr = self.settings.error.as_ref().map(|error| work_dir.join(error));
        Submission { script: self.script, settings: self.settings, work_dir, stdout, stderr, mark }
    }
}

/// Why a request makes no job: every field that is wrong, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(|p| format!("{} {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
pub struct RenderError {
    /// The fields, at least one.
    pub problems: Vec<FieldProblem>,
}

/// Makes the script and settings of a job.
///
/// `template` is the one that `request.template_id` names; `files` are the uploads that `request.uploads` names, in
/// that order.
pub fn render(
    template: Option<&Template>,
    request: &JobRequest,
    files: &[ProvidedFile],
) -> Result<Rendered, RenderError> {
    let mut problems = Vec::new();
    let suggested = template.map_or_else(TemplateResources::default, |template| template.resources.clone());
    let mut settings = Settings::collect(request, &suggested, &mut problems);
    if request.script.is_none() {
        // A whole script may say so in its own #SBATCH lines.
        settings.nodes = settings.nodes.or(Some(1));
    }
    let exports = exports(template, request, files, &mut problems);
    let image = request.image.as_deref();
    if let Some(image) = image
        && (!image.starts_with('/')
            || image.split('/').any(|part| part == "..")
            || text::line_problem(image, 4096).is_some())
    {
        problems.push(field("image", "must be the absolute path of an image, on one line and without .."));
    }
    let script = match (template, &request.script, &request.command) {
        (Some(template), None, None) => assemble(&settings, &exports, &template.script, image, &mut problems),
        (None, None, Some(command)) => {
            problems.extend(command_problem(command).map(|message| field("command", message)));
            assemble(&settings, &exports, &format!("{command}\n"), image, &mut problems)
        }
        (None, Some(script), None) => {
            if image.is_some() {
                problems
                    .push(field("image", "goes with a template or a command; call apptainer in your script instead"));
            }
            into_own_script(script, &settings, &exports, !files.is_empty(), &mut problems)
        }
        _ => {
            problems.push(field("template_id", "give exactly one of template_id, script and command"));
            String::new()
        }
    };
    if problems.is_empty() {
        let warnings = settings.warnings();
        Ok(Rendered { script, settings, warnings })
    } else {
        Err(RenderError { problems })
    }
}

fn command_problem(command: &str) -> Option<String> {
    if command.trim().is_empty() {
        Some("is empty".into())
    } else if command.contains(['\n', '\r']) {
        Some("must be one line; use script for more".into())
    } else if command.trim_start().starts_with('#') {
        Some("begins with #, which makes it a comment".into())
    } else {
        script_text_problem(command)
    }
}

/// Part 3 of the script.
fn exports(
    template: Option<&Template>,
    request: &JobRequest,
    files: &[ProvidedFile],
    problems: &mut Vec<FieldProblem>,
) -> String {
    let mut lines = String::new();
    let mut export = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(lines, "export {name}={}", quote::for_shell(value));
    };
    let parameters = template.map_or(&[][..], |template| &template.parameters);
    for name in request.parameters.keys() {
        if !parameters.iter().any(|parameter| parameter.name == *name) {
            let message = if template.is_some() {
                "is not a parameter of this template"
            } else {
                "there is no template that takes it"
            };
            problems.push(field(format!("parameters.{name}"), message));
        }
    }
    for parameter in parameters {
        let given = request.parameters.get(&parameter.name).filter(|value| !is_left_empty(value));
        let answer = match given.or(parameter.default.as_ref()) {
            None => Err("is required".to_owned()),
            Some(value) => value::to_text(parameter, value),
        };
        match (answer, environment::of_parameter(&parameter.name)) {
            (Ok(value), Some(variable)) => export(&variable, &value),
            (Ok(_), None) => problems.push(field(format!("parameters.{}", parameter.name), "has a reserved name")),
            (Err(message), _) => problems.push(field(format!("parameters.{}", parameter.name), message)),
        }
    }
    let paths: Vec<&str> = files.iter().map(|file| path_text(file, problems)).collect();
    for (variable, at) in places(template, files, problems) {
        export(&variable, at.map_or("", |at| paths[at]));
    }
    if template.is_some() || !files.is_empty() {
        for (number, path) in paths.iter().enumerate() {
            export(&format!("FILE_{}", number + 1), path);
        }
        export("FILE_COUNT", &paths.len().to_string());
    }
    lines
}

/// An empty text is a field that was left empty: the default counts, and without one the parameter is missing.
fn is_left_empty(value: &ParameterValue) -> bool {
    matches!(value, ParameterValue::Text(text) if text.is_empty())
}

fn path_text<'a>(file: &'a ProvidedFile, problems: &mut Vec<FieldProblem>) -> &'a str {
    match file.path.to_str() {
        Some(path) if path.starts_with('/') && !path.chars().any(text::is_hostile) => path,
        _ => {
            problems.push(field("uploads", format!("the path of {:?} can't be given to a job", file.name)));
            ""
        }
    }
}

/// Which file fills each place of the template: `(variable, index into files)` in the template's order.
///
/// Required places choose first, each the first file that fits and is still free; then the optional ones do.
fn places(
    template: Option<&Template>,
    files: &[ProvidedFile],
    problems: &mut Vec<FieldProblem>,
) -> Vec<(String, Option<usize>)> {
    let wanted = template.map_or(&[][..], |template| &template.files);
    let mut chosen: Vec<Option<usize>> = vec![None; wanted.len()];
    for required in [true, false] {
        for place in (0..wanted.len()).filter(|&place| wanted[place].required == required) {
            chosen[place] = (0..files.len())
                .find(|at| !chosen.contains(&Some(*at)) && wanted[place].accepts(&files[*at].name, files[*at].kind));
        }
    }
    for (place, at) in wanted.iter().zip(&chosen) {
        if place.required && at.is_none() {
            let what = place.pattern.as_deref().map(|pattern| format!(" ({pattern})")).unwrap_or_default();
            problems.push(field(
                format!("files.{}", place.name),
                format!("{}{what} is required; upload it first", place.label),
            ));
        }
    }
    wanted.iter().zip(chosen).filter_map(|(place, at)| Some((environment::of_file(&place.name)?, at))).collect()
}

/// A script of ours around a template's body or a command.
fn assemble(
    settings: &Settings,
    exports: &str,
    body: &str,
    image: Option<&str>,
    problems: &mut Vec<FieldProblem>,
) -> String {
    let body = with_line_end(body);
    let body = match image {
        Some(image) => {
            if body.len() > MAX_BODY_IN_IMAGE {
                problems.push(field("image", format!("takes a script of at most {MAX_BODY_IN_IMAGE} bytes")));
            }
            in_image(image, &body, settings.gpus.is_some())
        }
        None => body,
    };
    let gap = if exports.is_empty() { "" } else { "\n" };
    format!("#!/bin/bash\n{}{gap}{exports}\n{body}", settings.sbatch_lines())
}

/// A body that runs inside a container image. The body is read into a variable from a here-document that nothing is
/// expanded in, and handed over as one argument, so that standard input stays the job's.
fn in_image(image: &str, body: &str, gpus: bool) -> String {
    let mut end = String::from("END_OF_JOB");
    while body.lines().any(|line| line == end) {
        end.push('_');
    }
    let nv = if gpus { " --nv" } else { "" };
    format!(
        "export IMAGE={}\n\
         command -v apptainer >/dev/null || {{ echo \"This job needs apptainer, which is not on $(hostname).\" >&2; exit 127; }}\n\
         IFS= read -r -d '' job_body <<'{end}' || true\n\
         {body}{end}\n\
         exec apptainer exec{nv} \"$IMAGE\" /bin/bash -c \"$job_body\"\n",
        quote::for_shell(image)
    )
}

fn with_line_end(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// A person's own script with parts 2 and 3 in front of its first command.
fn into_own_script(
    script: &str,
    settings: &Settings,
    exports: &str,
    has_files: bool,
    problems: &mut Vec<FieldProblem>,
) -> String {
    let script = script.strip_prefix('\u{feff}').unwrap_or(script).replace("\r\n", "\n");
    if let Some(message) = script_text_problem(&script) {
        problems.push(field("script", message));
        return String::new();
    }
    let first = script.lines().next().unwrap_or_default();
    let Some(interpreter) = first.strip_prefix("#!") else {
        problems.push(field("script", "must begin with a line such as #!/bin/bash"));
        return String::new();
    };
    if has_files && !is_shell(interpreter) {
        problems.push(field(
            "uploads",
            "can be given to shell scripts only (#!/bin/bash); this one is for another program",
        ));
    }
    // sbatch reads #SBATCH lines up to the first line that is neither blank nor a comment.
    let head: usize = script
        .split_inclusive('\n')
        .take_while(|line| line.trim().is_empty() || line.starts_with('#'))
        .map(str::len)
        .sum();
    let (head, rest) = script.split_at(head);
    format!("{}{}{exports}{}", with_line_end(head), settings.sbatch_lines(), with_line_end(rest))
}

/// Whether what follows `#!` is a shell that understands `export NAME='value'`.
fn is_shell(interpreter: &str) -> bool {
    let mut words = interpreter.split_whitespace().filter(|word| !word.starts_with('-'));
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut program = words.next().map(base);
    if program.as_deref() == Some("env") {
        program = words.next().map(base);
    }
    matches!(program.as_deref(), Some("bash" | "sh" | "dash" | "ksh" | "zsh" | "ash"))
}
