//! `cargo xtask bench`: the figures that have a limit, measured on the shipped program and on a full store, and written
//! to `target/bench/bench.json`.
//!
//! Nothing else in the project judges time: a test that fails because the machine was busy helps nobody. So the limits
//! are only printed here, and only `--check` makes an exit code of them.

mod auth;
mod hands;
mod install;
mod limits;
mod server;
mod store;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use xshell::cmd;

use self::server::Server;
use crate::dist;
use crate::needs::{CHROMIUM, LAB, chromium, npm};
use crate::project::Project;

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which figures; all when absent.
    part: Option<Part>,
    /// Fail when a figure is over its limit.
    #[arg(long)]
    check: bool,
    /// Measure this program instead of building the one that is shipped.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The store, full.
    Store,
    /// Acting as somebody over a real sshd; needs root.
    Hands,
    /// Rate limits, with a million addresses.
    Limits,
    /// Knowing who is asking, and many who sign in at once.
    Auth,
    /// Planning for many hosts, runs with nothing to do, and real hosts against the same by hand; needs root.
    Install,
}

/// One figure.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    limit: Limit,
}

/// What is still good.
#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Only to know.
    None,
}

impl Figure {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, limit: Limit) -> Self {
        Self { name: name.into(), value, unit, limit }
    }

    fn is_ok(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
            Limit::None => true,
        }
    }

    fn verdict(&self) -> String {
        let word = if self.is_ok() { "ok" } else { "OVER" };
        match self.limit {
            Limit::AtMost(limit) => format!("{word} (at most {limit})"),
            Limit::AtLeast(limit) => format!("{word} (at least {limit})"),
            Limit::None => String::new(),
        }
    }

    fn json(&self) -> Value {
        let (at_most, at_least) = match self.limit {
            Limit::AtMost(limit) => (Some(limit), None),
            Limit::AtLeast(limit) => (None, Some(limit)),
            Limit::None => (None, None),
        };
        json!({
            "name": self.name, "value": self.value, "unit": self.unit, "ok": self.is_ok(),
            "at_most": at_most, "at_least": at_least,
        })
    }
}

/// Measures everything, prints the table and writes the file.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let is_wanted = |part| arguments.part.is_none_or(|wanted| wanted == part);
    let mut figures = if arguments.part.is_none() { program(project, arguments)? } else { Vec::new() };
    if is_wanted(Part::Store) {
        // It takes some minutes and about 2 GiB of disk in cargo's target folder.
        figures.extend(from_bench(project, "slurmdash", "store", store::limit)?);
    }
    if is_wanted(Part::Hands) {
        figures.extend(from_bench(project, "slurmdash", "hands", hands::limit)?);
    }
    if is_wanted(Part::Limits) {
        figures.extend(from_bench(project, "slurmdash", "limits", limits::limit)?);
    }
    if is_wanted(Part::Auth) {
        figures.extend(from_bench(project, "slurmdash", "auth", auth::limit)?);
    }
    if is_wanted(Part::Install) {
        figures.extend(from_bench(project, "slurmdash-installer", "install", install::limit)?);
        LAB.meet(project)?;
        let program = arguments.program.clone().map_or_else(|| dist::build(project), Ok)?;
        figures.extend(install::on_real_hosts(&program)?);
    }

    let width = figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
    for figure in &figures {
        // Two digits where one would hide how far it is from the limit.
        let digits = if figure.value < 10.0 { 2 } else { 1 };
        println!("{:<width$} {:>10.digits$} {:<5} {}", figure.name, figure.value, figure.unit, figure.verdict());
    }
    let file = project.sh.create_dir(project.root.join("target/bench"))?.join("bench.json");
    let list: Vec<Value> = figures.iter().map(Figure::json).collect();
    fs::write(&file, serde_json::to_string_pretty(&list)?)?;
    println!("written to {}", file.display());
    let over: Vec<&str> = figures.iter().filter(|figure| !figure.is_ok()).map(|figure| figure.name.as_str()).collect();
    if arguments.check && !over.is_empty() {
        bail!("over the limit: {}", over.join(", "));
    }
    Ok(())
}

/// Builds and runs one of a package's own benches, whose last line is its figures as JSON.
fn from_bench(project: &Project, package: &str, bench: &str, limit: fn(&str) -> Limit) -> Result<Vec<Figure>> {
    let arguments = ["bench", "--locked", "--package", package, "--bench", bench];
    let output = project.cargo().args(arguments).read()?;
    let list = output.lines().last().context("the bench printed nothing")?;
    let list: Vec<Value> = serde_json::from_str(list).context("the bench's last line")?;
    let figure = |figure: &Value| {
        let text = |key: &str| figure[key].as_str().with_context(|| format!("{key} of {figure}"));
        let (name, value) = (text("name")?, figure["value"].as_f64().with_context(|| format!("value of {figure}"))?);
        let unit = ["µs", "ms", "s", "MiB", "/s", "x", ""].into_iter().find(|unit| figure["unit"] == **unit);
        let name = format!("{bench}: {name}");
        Ok(Figure::new(&name, value, unit.with_context(|| format!("unit of {figure}"))?, limit(&name)))
    };
    list.iter().map(figure).collect()
}

/// Everything about the shipped program.
fn program(project: &Project, arguments: &Arguments) -> Result<Vec<Figure>> {
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => dist::build(project)?,
    };
    let mut figures = vec![size(&program)?];
    figures.push(start(&program)?);
    figures.extend(memory(&program)?);
    figures.extend(pages(project, &program)?);
    Ok(figures)
}

fn size(program: &Path) -> Result<Figure> {
    let bytes = fs::metadata(program).with_context(|| format!("{}", program.display()))?.len();
    Ok(Figure::new("program", mib(bytes), "MiB", Limit::AtMost(30.0)))
}

/// From exec to a listening socket: the median of ten, after one that warms the disk.
fn start(program: &Path) -> Result<Figure> {
    Server::start(program)?;
    let mut times = Vec::new();
    for _ in 0..10 {
        times.push(Server::start(program)?.listening_after.as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(Figure::new("exec to listening", f64::midpoint(times[4], times[5]), "ms", Limit::AtMost(150.0)))
}

/// Memory of a server that nobody has asked anything, once it has stopped changing.
fn memory(program: &Path) -> Result<[Figure; 2]> {
    let server = Server::start(program)?;
    let (resident, proportional) = server.settled_memory()?;
    Ok([
        Figure::new("idle memory (RSS)", mib(resident), "MiB", Limit::AtMost(40.0)),
        Figure::new("idle memory (PSS)", mib(proportional), "MiB", Limit::None),
    ])
}

fn pages(project: &Project, program: &Path) -> Result<Vec<Figure>> {
    CHROMIUM.meet(project)?;
    npm(project, &tools(project))?;
    let server = Server::start(program)?;
    let (script, ready) = (tools(project).join("lighthouse.mjs"), server.ready_file());
    let browser = chromium().context("Chromium has gone")?;
    let report = cmd!(project.sh, "node {script} {ready}").env("CHROME_PATH", browser).quiet().read()?;
    let mut figures = Vec::new();
    for page in serde_json::from_str::<Vec<Value>>(&report)? {
        let name = page["page"].as_str().context("page")?;
        let number = |key: &str| page[key].as_f64().with_context(|| format!("{key} of {name}"));
        figures.push(Figure::new(
            format!("{name} over the wire"),
            number("bytes")? / 1024.0,
            "KiB",
            Limit::AtMost(350.0),
        ));
        figures.push(Figure::new(format!("{name} performance"), number("performance")?, "", Limit::AtLeast(95.0)));
        figures.push(Figure::new(format!("{name} accessibility"), number("accessibility")?, "", Limit::AtLeast(95.0)));
        for audit in page["failed"].as_array().into_iter().flatten() {
            println!("{name}: Lighthouse finds fault with {audit}");
        }
    }
    Ok(figures)
}

/// The folder of Lighthouse's npm packages.
pub fn tools(project: &Project) -> PathBuf {
    project.root.join("xtask/npm/bench")
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, of far less than 2^52 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
