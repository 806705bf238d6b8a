//! The templates that we ship, run by real bash where what they need is there.
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use slurmdash_api::jobs::{JobRequest, ParameterValue};
use slurmdash_api::templates::Template;
use slurmdash_api::uploads::{FileType, classify};

use super::{ProvidedFile, TemplateFolder, render, seed};

fn shipped(id: &str) -> Arc<Template> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("templates");
    seed(&path).unwrap();
    TemplateFolder::open(&path).unwrap().get(id, true).unwrap()
}

/// Runs a template in `dir` as a job that finds only bash, the usual tools and what is in `dir/bin`.
fn run(id: &str, dir: &Path, parameters: &[(&str, ParameterValue)], files: &[(&str, &str)]) -> Output {
    let files: Vec<ProvidedFile> = files
        .iter()
        .map(|(name, text)| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            ProvidedFile { name: (*name).into(), path, kind: classify(name, 1).r#type }
        })
        .collect();
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let request = JobRequest { job_name: "test".into(), parameters, ..JobRequest::default() };
    let script = render(Some(&shipped(id)), &request, &files).unwrap().script;
    let work = dir.join("work");
    std::fs::create_dir_all(&work).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.join("bin").display());
    Command::new("bash").env_clear().env("PATH", path).current_dir(work).args(["-c", &script]).output().unwrap()
}

/// Puts a program into `dir/bin`.
fn program(dir: &Path, name: &str, text: &str) {
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join(name), text).unwrap();
    std::fs::set_permissions(bin.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Keeps jobs in tests away from a Slurm that this machine may have, and makes them quick.
fn plain_machine() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    program(dir.path(), "scontrol", "#!/bin/sh\nexit 1\n");
    program(dir.path(), "sleep", "#!/bin/sh\nexit 0\n");
    dir
}

const NO_PYTHON: &str = "#!/bin/sh\nexit 127\n";

fn epochs(n: i64) -> [(&'static str, ParameterValue); 1] {
    [("epochs", ParameterValue::Integer(n))]
}

#[test]
fn pytorch_trains_its_built_in_model_without_python() {
    let dir = plain_machine();
    program(dir.path(), "python3", NO_PYTHON);
    let ran = run("pytorch-training", dir.path(), &epochs(3), &[]);
    let said = text(&ran);
    assert!(ran.status.success(), "{said}");
    assert!(
        said.contains("epoch 1/3  loss 0.") && said.contains("epoch 3/3") && said.contains("Training finished"),
        "{said}"
    );
}

#[test]
fn pytorch_trains_its_built_in_model_with_python() {
    let dir = plain_machine();
    // `time.sleep` is Python's own; a thousand epochs of 15 ms would be long, so one is enough here.
    let ran = run("pytorch-training", dir.path(), &epochs(1), &[]);
    let said = text(&ran);
    assert!(ran.status.success() && said.contains("epoch 1/1  loss") && said.contains("Training finished"), "{said}");
}

#[test]
fn pytorch_runs_an_uploaded_script_with_srun_where_there_is_one() {
    let dir = plain_machine();
    program(
        dir.path(),
        "python3",
        "#!/bin/bash\n[ \"$1\" = -c ] || echo \"python3 $1 $EPOCHS $FILE_DATA $FILE_CONFIG\"\n",
    );
    let files = [("my train.py", "x"), ("set.csv", "1"), ("c.yaml", "a: 1")];
    let ran = run("pytorch-training", dir.path(), &epochs(7), &files);
    let said = text(&ran);
    let (script, data, config) =
        (dir.path().join("my train.py"), dir.path().join("set.csv"), dir.path().join("c.yaml"));
    let line = format!("python3 {} 7 {} {}", script.display(), data.display(), config.display());
    assert!(ran.status.success() && said.contains(&line) && !said.contains("with srun"), "{said}");
    program(dir.path(), "scontrol", "#!/bin/sh\nexit 0\n");
    program(dir.path(), "srun", "#!/bin/bash\necho \"srun: $*\"\n");
    let said = text(&run("pytorch-training", dir.path(), &epochs(7), &files));
    assert!(said.contains(&format!("srun: python3 {}", script.display())), "{said}");
    program(dir.path(), "python3", NO_PYTHON);
    let ran = run("pytorch-training", dir.path(), &epochs(7), &files);
    assert_eq!(ran.status.code(), Some(127));
    assert!(text(&ran).contains("needs python3"));
}

#[test]
fn mpi_runs_a_program_with_arguments_that_are_only_split() {
    let dir = plain_machine();
    let arguments = [
        ("arguments", ParameterValue::Text("a  $(touch pwned) * ;b".into())),
        ("launcher", ParameterValue::Text("mpirun".into())),
    ];
    program(dir.path(), "mpirun", "#!/bin/bash\nshift 2\nexec \"$@\"\n");
    let ran = run("mpi-job", dir.path(), &arguments, &[("solver", "#!/bin/sh\nprintf '<%s>' \"$@\"\n")]);
    let said = text(&ran);
    assert!(ran.status.success() && said.ends_with("<a><$(touch><pwned)><*><;b>"), "{said}");
    assert!(!dir.path().join("work/pwned").exists());
    let ran = run("mpi-job", dir.path(), &[("launcher", ParameterValue::Text("mpirun".into()))], &[]);
    let said = text(&ran);
    assert!(ran.status.success() && said.contains("task 0 of 1 on "), "{said}");
}

#[test]
fn a_plain_script_runs_by_its_kind() {
    let dir = plain_machine();
    let arguments = [("arguments", ParameterValue::Text("one two".into()))];
    let ran = run("plain-script", dir.path(), &arguments, &[("a.sh", "echo \"$# $2\"")]);
    assert!(ran.status.success() && text(&ran).contains("2 two"), "{}", text(&ran));
    let ran = run("plain-script", dir.path(), &[("count", ParameterValue::Integer(2))], &[]);
    assert!(ran.status.success() && text(&ran).contains("2 of 2\nDone."), "{}", text(&ran));
}

#[test]
fn solvers_run_where_they_are_and_say_so_where_they_are_not() {
    let dir = plain_machine();
    let deck = [("beam.inp", "*HEADING\n")];
    let ran = run("calculix-structural", dir.path(), &[], &deck);
    assert_eq!(ran.status.code(), Some(127), "{}", text(&ran));
    assert!(text(&ran).contains("needs CalculiX (ccx)"));
    program(dir.path(), "ccx", "#!/bin/sh\necho \"ccx $*\"; echo r > model.frd\n");
    let ran = run("calculix-structural", dir.path(), &[], &deck);
    assert!(ran.status.success() && text(&ran).contains("ccx -i model"), "{}", text(&ran));
    let ran = run("ls-dyna-structural", dir.path(), &[], &[("crash.k", "*KEYWORD\n")]);
    assert_eq!(ran.status.code(), Some(127), "{}", text(&ran));
    program(dir.path(), "mppdyna", "#!/bin/sh\nexit 0\n");
    program(dir.path(), "mpirun", "#!/bin/sh\necho \"mpirun $*\"\n");
    let ran = run("ls-dyna-structural", dir.path(), &[], &[("crash.k", "*KEYWORD\n")]);
    assert!(
        ran.status.success() && text(&ran).contains("mpirun -np 1 mppdyna i=model.k memory=200m"),
        "{}",
        text(&ran)
    );
}

#[test]
fn openfoam_unpacks_meshes_and_solves() {
    let dir = plain_machine();
    std::fs::create_dir_all(dir.path().join("pack/cavity/system")).unwrap();
    std::fs::write(dir.path().join("pack/cavity/system/controlDict"), "application icoFoam;\n").unwrap();
    let packed =
        Command::new("tar").args(["-czf", "case.tar.gz", "-C", "pack", "cavity"]).current_dir(dir.path()).status();
    assert!(packed.unwrap().success());
    let archive =
        [ProvidedFile { name: "case.tar.gz".into(), path: dir.path().join("case.tar.gz"), kind: FileType::Data }];
    program(dir.path(), "foamDictionary", "#!/bin/sh\necho icoFoam\n");
    program(dir.path(), "blockMesh", "#!/bin/sh\necho meshed\n");
    program(dir.path(), "icoFoam", "#!/bin/sh\necho \"solved in $PWD\"\n");
    let request = JobRequest { job_name: "cfd".into(), ..JobRequest::default() };
    let template = shipped("openfoam-cfd");
    let script = render(Some(&template), &request, &archive).unwrap().script;
    let path = format!("{}:/usr/bin:/bin", dir.path().join("bin").display());
    let ran = Command::new("bash")
        .env_clear()
        .env("PATH", path)
        .current_dir(dir.path())
        .args(["-c", &script])
        .output()
        .unwrap();
    let said = text(&ran);
    assert!(ran.status.success() && said.contains("meshed\nsolved in ") && said.contains("case/cavity"), "{said}");
    assert_eq!(render(Some(&template), &request, &[]).unwrap_err().problems[0].field, "files.case");
}
