//! `slurmdash config` on the built program.
use std::process::{Command, Output};

fn slurmdash(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_wrong_file_is_refused_with_every_problem_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.yaml");
    std::fs::write(&file, "http:\n  listn: 1\n").unwrap();
    let path = file.to_str().unwrap();
    for arguments in
        [&["config", "check", path][..], &["config", "show", "--config", path], &["serve", "--config", path]]
    {
        let output = slurmdash(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("http.listn: is no key here"), "{}", text(&output.stderr));
    }
    std::fs::write(&file, "http:\n  listen: 127.0.0.1:1\n").unwrap();
    assert_eq!(slurmdash(&["config", "check", path], &[]).status.code(), Some(0));
}

#[test]
fn each_value_is_shown_with_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.yaml");
    std::fs::write(&file, "log: {level: debug}\n").unwrap();
    let environment = [("SLURMDASH_HTTP__LISTEN", "127.0.0.1:7"), ("SLURMDASH_SLURM__TIMEOUT_SECONDS", "5")];
    let output = slurmdash(&["config", "show", "--json", "--config", file.to_str().unwrap()], &environment);
    let entries: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |key: &str| entries.iter().find(|entry| entry["key"] == key).unwrap();
    assert_eq!(of("http.listen")["origin"], "SLURMDASH_HTTP__LISTEN");
    assert_eq!(of("slurm.timeout_seconds")["value"], 5);
    assert_eq!(of("log.level")["origin"], file.to_str().unwrap());
    assert_eq!(of("data_dir")["origin"], "default");
    let named = slurmdash(&["config", "show", "--json"], &[("SLURMDASH_CONFIG", file.to_str().unwrap())]);
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&named.stdout).unwrap().len(), entries.len());
    let wrong = slurmdash(&["config", "show"], &[("SLURMDASH_HTTP__LISTN", "x")]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("http.listn"), "{}", text(&wrong.stderr));
}
