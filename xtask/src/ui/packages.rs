//! Files from npm packages, as `ui/assets.json` lists them. `replace` in an entry changes texts in its files: a style
//! sheet's relative addresses into logical names.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::assets::Assets;
use crate::needs::npm;
use crate::project::Project;

/// Installs the UI's packages and adds the listed files; nothing where there is no list.
pub fn add(project: &Project, ui: &Path, assets: &mut Assets) -> Result<()> {
    let list = ui.join("assets.json");
    if !list.is_file() {
        return Ok(());
    }
    npm(project, ui)?;
    let list: Value = serde_json::from_str(&fs::read_to_string(list)?).context("ui/assets.json")?;
    for entry in list.as_array().context("ui/assets.json is a list")? {
        let text = |key: &str| entry[key].as_str().with_context(|| format!("ui/assets.json: {entry} has no \"{key}\""));
        let replace = entry["replace"].as_object().cloned().unwrap_or_default();
        let rewrite = |content: Vec<u8>| -> Result<Vec<u8>> {
            if replace.is_empty() {
                return Ok(content);
            }
            let mut content = String::from_utf8(content).context("only text can be replaced in")?;
            for (old, new) in &replace {
                content = content.replace(old, new.as_str().context("ui/assets.json: texts are replaced by texts")?);
            }
            Ok(content.into_bytes())
        };
        add_entry(&ui.join("node_modules"), text("from")?, text("to")?, &rewrite, assets)?;
    }
    Ok(())
}

fn add_entry(
    modules: &Path,
    from: &str,
    to: &str,
    rewrite: &dyn Fn(Vec<u8>) -> Result<Vec<u8>>,
    assets: &mut Assets,
) -> Result<()> {
    let (folder, pattern) = from.rsplit_once('/').with_context(|| format!("{from}: package/file is wanted"))?;
    let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
    let mut found = 0;
    for entry in fs::read_dir(modules.join(folder)).with_context(|| format!("ui/node_modules/{folder}"))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_file()) else {
            continue;
        };
        let matches = if pattern.contains('*') {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        } else {
            name == pattern
        };
        if matches {
            found += 1;
            let logical = if to.ends_with('/') { format!("{to}{name}") } else { to.to_owned() };
            assets.add(logical, rewrite(fs::read(&path)?)?)?;
        }
    }
    if found == 0 {
        bail!("ui/assets.json: nothing in ui/node_modules is called {from}");
    }
    Ok(())
}
