//! The browser's part: Playwright in `tests/e2e` against the built program.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::cmd;

use super::counts::Counts;
use crate::needs::{CHROMIUM, chromium, npm};
use crate::project::Project;

/// Where Playwright and the tests are.
pub fn folder(project: &Project) -> PathBuf {
    project.root.join("tests/e2e")
}

/// Builds the program and runs every browser test; the UI is built already.
pub fn run(project: &Project) -> Result<Counts> {
    CHROMIUM.meet(project)?;
    let folder = folder(project);
    npm(project, &folder)?;
    // The quickest program to build: its dependencies are optimised in this profile too.
    let program = project.program("dev")?;
    let browser = chromium().context("Chromium has gone")?;
    let report = folder.join("test-results/report.json");
    project.sh.remove_path(&report)?;
    let here = project.sh.push_dir(&folder);
    let ended = cmd!(project.sh, "node_modules/.bin/playwright test")
        .env("SLURMDASH", program)
        .env("CHROME_PATH", browser)
        .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
        .run();
    drop(here);
    match fs::read_to_string(&report) {
        Ok(report) => Ok(Counts::from_playwright(&serde_json::from_str::<Value>(&report)?)),
        Err(_) => ended.map(|()| Counts::default()).context("Playwright wrote no report"),
    }
}
