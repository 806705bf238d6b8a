//! The tests on a real cluster once more, with the Slurm of Debian 13: cluster, sshd and the tests themselves run in a
//! folder of that release (`tests/cluster/root.sh`), so that every command anybody runs is the newer one.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cluster::{CANNOT, SHAPE, port};
use super::counts::Counts;
use super::rust;
use crate::needs::MMDEBSTRAP;
use crate::project::Project;

/// Debian 13.
const RELEASE: &str = "trixie";
/// Tests on a real cluster have this in their names.
const TESTS: &str = "real_";

/// Makes the folder where it is missing, builds the integration binary and runs its tests on a real cluster there.
pub fn run(project: &Project) -> Result<Counts> {
    MMDEBSTRAP.meet(project)?;
    let scripts = project.root.join("tests/cluster");
    let folder = project.target.join("slurm-24");
    let script = |verb: &str| {
        let mut command = Command::new("sh");
        command.arg(scripts.join("root.sh")).arg(verb).arg(&folder).env("SLURMDASH_CLUSTER_PORT", port("17700"));
        command
    };
    let made = script("make").arg(RELEASE).status().context("tests/cluster/root.sh")?;
    match made.code() {
        Some(0) => {}
        Some(CANNOT) => {
            return Ok(Counts { skipped: vec!["slurm-24: no folder of Debian 13".into()], ..Counts::default() });
        }
        _ => bail!("tests/cluster/root.sh make: {made}"),
    }
    let binary = build(project)?;
    rust::count(
        script("enter").arg("sh").arg(scripts.join("slurm.sh")).arg("with").args(SHAPE).arg("--").arg(binary).args([
            "--test-threads=1",
            "--show-output",
            TESTS,
        ]),
    )
}

/// Builds the integration binary; answers where it is.
fn build(project: &Project) -> Result<String> {
    let arguments =
        ["test", "--locked", "--package", "slurmdash", "--test", "it", "--no-run", "--message-format", "json"];
    let messages = project.cargo().args(arguments).read()?;
    let mut artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let built = artifacts.find(|artifact| artifact["target"]["name"] == "it" && artifact["executable"].is_string());
    let path = built.as_ref().and_then(|artifact| artifact["executable"].as_str());
    path.map(str::to_owned).context("cargo did not say where the integration binary is")
}
