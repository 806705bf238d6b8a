//! The store's figures, from `tests/bench/store.rs`, with their limits.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figure, Limit};
use crate::project::Project;

/// Builds and runs the bench; it takes some minutes and about 2 GiB of disk in cargo's target folder.
pub fn figures(project: &Project) -> Result<Vec<Figure>> {
    let arguments = ["bench", "--locked", "--package", "slurmdash", "--bench", "store"];
    let output = project.cargo().args(arguments).read()?;
    let list = output.lines().last().context("the bench printed nothing")?;
    let list: Vec<Value> = serde_json::from_str(list).context("the bench's last line")?;
    list.iter().map(figure).collect()
}

fn figure(figure: &Value) -> Result<Figure> {
    let text = |key: &str| figure[key].as_str().with_context(|| format!("{key} of {figure}"));
    let (name, value) = (text("name")?, figure["value"].as_f64().with_context(|| format!("value of {figure}"))?);
    let unit = ["ms", "s", "MiB", "/s", "x"].into_iter().find(|unit| figure["unit"] == **unit);
    let name = format!("store: {name}");
    Ok(Figure::new(&name, value, unit.with_context(|| format!("unit of {figure}"))?, limit(&name)))
}

/// With 1,000,000 audit rows, 200,000 jobs and 50,000 uploads.
fn limit(name: &str) -> Limit {
    match name {
        "store: open" => Limit::AtMost(300.0),
        "store: memory over an empty store" => Limit::AtMost(64.0),
        "store: durable write, in appends" => Limit::AtMost(1.5),
        "store: a hundred writers, in one writer's rate" => Limit::AtLeast(5.0),
        page if page.ends_with(", p99") => Limit::AtMost(1.0),
        _ => Limit::None,
    }
}
