//! The scripts that [`super::render`] makes, many of them run by real bash.
use std::process::Command;

use proptest::prelude::*;
use slurmdash_api::jobs::{JobRequest, ParameterValue};
use slurmdash_api::templates::Template;
use slurmdash_api::uploads::FileType;

use super::file::parse;
use super::{ProvidedFile, render};

fn template(rest: &str) -> Template {
    parse("t", format!("name: T\ncategory: c\n{rest}\n").as_bytes()).unwrap()
}

fn request(name: &str) -> JobRequest {
    JobRequest { job_name: name.into(), ..JobRequest::default() }
}

fn command(line: &str) -> JobRequest {
    JobRequest { command: Some(line.into()), ..request("job") }
}

fn file(name: &str, kind: FileType) -> ProvidedFile {
    ProvidedFile { name: name.into(), path: format!("/up/{name}").into(), kind }
}

/// The fields that are refused.
fn refused(template: Option<&Template>, request: &JobRequest, files: &[ProvidedFile]) -> Vec<String> {
    let error = render(template, request, files).unwrap_err();
    error.problems.into_iter().map(|problem| problem.field).collect()
}

fn bash(script: &str) -> String {
    let ran = Command::new("bash").args(["-c", script]).output().unwrap();
    assert!(ran.status.success(), "{script}\n{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_script_says_everything() {
    let template = template(
        "resources: {memory: 1024, time: '60', gpus: 1}\n\
         parameters:\n  - {name: epochs, label: E, type: integer, default: 10}\n  - {name: note, label: N, type: text}\n\
         files:\n  - {name: train_script, label: S, pattern: '*.py', required: true}\n  - {name: data, label: D, type: data}\n\
         script: |\n  echo \"$EPOCHS $NOTE\"",
    );
    let request = JobRequest {
        template_id: Some("t".into()),
        partition: Some("gpu".into()),
        nodes: Some(2),
        tasks: Some(1),
        array: Some("0-9%2".into()),
        parameters: [("note".to_owned(), ParameterValue::Text("it's $(id)".into()))].into(),
        ..request("My job #1")
    };
    let files = [file("a.csv", FileType::Data), file("train.py", FileType::Script), file("rest", FileType::Other)];
    let rendered = render(Some(&template), &request, &files).unwrap();
    assert_eq!(
        rendered.script,
        r#"#!/bin/bash
#SBATCH --job-name="My job #1"
#SBATCH --partition=gpu
#SBATCH --nodes=2
#SBATCH --ntasks=1
#SBATCH --mem=1024M
#SBATCH --gres=gpu:1
#SBATCH --time=60
#SBATCH --array=0-9%2

export EPOCHS='10'
export NOTE='it'\''s $(id)'
export FILE_TRAIN_SCRIPT='/up/train.py'
export FILE_DATA='/up/a.csv'
export FILE_1='/up/a.csv'
export FILE_2='/up/train.py'
export FILE_3='/up/rest'
export FILE_COUNT='3'

echo "$EPOCHS $NOTE"
"#
    );
    assert_eq!(rendered.warnings, ["1 task can't spread over 2 nodes: Slurm will use only 1 of them."]);
    assert_eq!(bash(&rendered.script), "10 it's $(id)\n");
    let submission = rendered.into_submission("/w".into(), "/w/out".into(), "mark".into());
    let settings = &submission.settings;
    assert_eq!((settings.name.as_str(), settings.gpus, settings.nodes), ("My job #1", Some(1), Some(2)));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let template = template(
        "parameters:\n  - {name: epochs, label: E, type: integer, default: 1, max: 5}\n  - {name: note, label: N, type: text}\n\
         files:\n  - {name: mesh, label: M, pattern: '*.msh', required: true}\nscript: x",
    );
    let request = JobRequest {
        partition: Some("a b".into()),
        account: Some("-x".into()),
        qos: Some(String::new()),
        nodes: Some(0),
        tasks: Some(u32::MAX),
        cpus_per_task: Some(0),
        memory: Some(u64::MAX),
        gpus: Some(5000),
        time: Some("soon".into()),
        array: Some("x".into()),
        image: Some("relative.sif".into()),
        parameters: [("epochs".into(), ParameterValue::Integer(6)), ("other".into(), ParameterValue::Bool(true))]
            .into(),
        ..request("a\n#SBATCH --uid=0")
    };
    let mut fields = refused(Some(&template), &request, &[file("a.csv", FileType::Data)]);
    fields.sort();
    let expected = "account array cpus_per_task files.mesh gpus image job_name memory nodes parameters.epochs parameters.note \
                    parameters.other partition qos tasks time";
    assert_eq!(fields, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn job_names_stay_on_their_line() {
    for name in ["", "  ", "a\nb", "a\rb", "a\u{0}b", "a\u{1b}[2J", "a\u{85}b", "a\u{2028}b", "a\u{202e}b"] {
        assert_eq!(
            refused(None, &JobRequest { job_name: name.into(), ..command("true") }, &[]),
            ["job_name"],
            "{name:?}"
        );
    }
    assert_eq!(refused(None, &JobRequest { job_name: "x".repeat(129), ..command("true") }, &[]), ["job_name"]);
    for name in ["학습 1", "$(reboot)", "a\"b\\c'd", "#x", "-n9", &"가".repeat(128)] {
        assert!(render(None, &JobRequest { job_name: name.into(), ..command("true") }, &[]).is_ok(), "{name}");
    }
}

#[test]
fn exactly_one_thing_is_run() {
    let template = template("script: x");
    assert_eq!(refused(None, &request("j"), &[]), ["template_id"]);
    assert_eq!(refused(Some(&template), &command("true"), &[]), ["template_id"]);
    assert_eq!(
        refused(None, &JobRequest { script: Some("#!/bin/sh\n".into()), ..command("true") }, &[]),
        ["template_id"]
    );
    for line in ["", " ", "# nothing", "#SBATCH -N9", "a\nb", "a\0b"] {
        assert_eq!(refused(None, &command(line), &[]), ["command"], "{line:?}");
    }
    assert_eq!(bash(&render(None, &command("echo \"a b\" | tr a c"), &[]).unwrap().script), "c b\n");
}

#[test]
fn an_own_script_stays_and_our_settings_win() {
    let own = "#!/bin/bash\r\n#SBATCH --nodes=4\r\n# about\r\n\r\necho \"$FILE_1\"\r\n#SBATCH --nodes=5";
    let request = JobRequest { script: Some(own.into()), time: Some("5".into()), ..request("j") };
    let rendered = render(None, &request, &[file("a", FileType::Other)]).unwrap();
    assert_eq!(
        rendered.script,
        "#!/bin/bash\n#SBATCH --nodes=4\n# about\n\n#SBATCH --job-name=j\n#SBATCH --time=5\nexport FILE_1='/up/a'\n\
         export FILE_COUNT='1'\necho \"$FILE_1\"\n#SBATCH --nodes=5\n"
    );
    assert_eq!(rendered.settings.nodes, None, "the script's own line says it");
    assert_eq!(bash(&rendered.script), "/up/a\n");
    let with = |script: &str| JobRequest { script: Some(script.into()), ..self::request("j") };
    assert_eq!(refused(None, &with("echo"), &[]), ["script"]);
    assert_eq!(refused(None, &with("#!/bin/sh\n\0"), &[]), ["script"]);
    assert_eq!(refused(None, &with(&format!("#!/bin/sh\n{}", "x".repeat(1 << 20))), &[]), ["script"]);
    let python = with("#!/usr/bin/env -S python3 -u\nprint(1)\n");
    assert!(render(None, &python, &[]).is_ok());
    assert_eq!(refused(None, &python, &[file("a", FileType::Other)]), ["uploads"]);
    assert_eq!(refused(None, &JobRequest { image: Some("/i.sif".into()), ..python }, &[]), ["image"]);
}

#[test]
fn required_places_choose_first_and_no_file_is_used_twice() {
    let template = template(
        "files:\n  - {name: any, label: A}\n  - {name: mesh, label: M, pattern: '*.msh', required: true}\n\
         \x20 - {name: second, label: B}\nscript: |\n  echo \"$FILE_ANY|$FILE_MESH|$FILE_SECOND|$FILE_COUNT\"",
    );
    let run = |files: &[ProvidedFile]| bash(&render(Some(&template), &request("j"), files).unwrap().script);
    let mesh = file("a.msh", FileType::Mesh);
    assert_eq!(run(std::slice::from_ref(&mesh)), "|/up/a.msh||1\n");
    assert_eq!(run(&[mesh.clone(), file("b", FileType::Other)]), "/up/b|/up/a.msh||2\n");
    let odd = ProvidedFile { path: "relative".into(), ..mesh };
    assert_eq!(refused(Some(&template), &request("j"), &[odd]), ["uploads"]);
}

#[test]
fn a_body_runs_inside_its_image_unchanged() {
    let body = "END_OF_JOB\n  cat; echo \"it's ${EPOCHS} $0 \\\\ `echo x`\"";
    let mut template = template("parameters: [{name: epochs, label: E, type: integer, default: 3}]\nscript: x");
    template.script = format!("{body}\n");
    let request = JobRequest { image: Some("/images/a'b.sif".into()), gpus: Some(1), ..request("j") };
    let rendered = render(Some(&template), &request, &[]).unwrap();
    // A stand-in for apptainer that shows what it was given and then runs it.
    let dir = tempfile::tempdir().unwrap();
    let fake = dir.path().join("apptainer");
    std::fs::write(&fake, "#!/bin/bash\nprintf '%s\\n' \"$1\" \"$2\" \"$3\"\nshift 3\n\"$@\"\n").unwrap();
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let with_fake = format!(
        "PATH={}:$PATH\nEND_OF_JOB() {{ :; }}\nexport -f END_OF_JOB\n{}",
        dir.path().display(),
        rendered.script
    );
    assert_eq!(bash(&format!("{{ {with_fake} }} </dev/null")), "exec\n--nv\n/images/a'b.sif\nit's 3 /bin/bash \\ x\n");
    template.script = "x".repeat(200 * 1024);
    assert_eq!(refused(Some(&template), &request, &[]), ["image"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever a person fills in, the script's own bash sees exactly that and runs nothing of it.
    #[test]
    fn filled_in_text_reaches_the_job_and_is_never_run(
        values in proptest::collection::vec("([$`\\\\'\"; |&(){}*?!#~<>-]|touch|#SBATCH|EOF|\\PC){1,30}", 2),
        name in "[^\\p{C}]{0,20}x",
    ) {
        prop_assume!(values.iter().all(|v| super::text::line_problem(v, 4096).is_none()));
        let template = template(
            "parameters:\n  - {name: a, label: A, type: text}\n  - {name: b, label: B, type: text}\n\
             script: |\n  printf '%s\\0' \"$A\" \"$B\"",
        );
        let parameters = [("a", &values[0]), ("b", &values[1])].map(|(k, v)| (k.to_owned(), ParameterValue::Text(v.clone())));
        let request = JobRequest { parameters: parameters.into(), ..request(&name) };
        prop_assume!(super::text::line_problem(&name, 512).is_none());
        let script = render(Some(&template), &request, &[]).unwrap().script;
        let ran = Command::new("bash").env_clear().args(["-c", &script]).output().unwrap();
        prop_assert_eq!(ran.stdout, format!("{}\0{}\0", values[0], values[1]).into_bytes());
        prop_assert!(ran.stderr.is_empty() && ran.status.success());
        let directives = script.lines().filter(|line| line.starts_with("#SBATCH")).count();
        prop_assert_eq!(directives, 2, "job-name and nodes only: {}", script);
    }
}
