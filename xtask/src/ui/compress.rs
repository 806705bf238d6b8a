//! Writes `ui/dist`: pages and assets; of assets that shrink the brotli and gzip forms alone, as the program unpacks
//! one for who takes neither.
//!
//! Node does the compressing (its zlib has both, in C); what was compressed once is kept by content in
//! `target/ui/compressed`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::cmd;

use super::assets::{Assets, extension};
use crate::needs::digest;
use crate::project::Project;

const SHRINK: [&str; 9] = ["html", "css", "js", "wasm", "svg", "json", "txt", "webmanifest", "ico"];

/// `a.css` and `br` make `a.css.br`.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// Writes all of `assets`, unless that is what `dist` already holds.
pub fn write(project: &Project, assets: &Assets, dist: &Path, quality: u8) -> Result<()> {
    let cache = project.sh.create_dir(super::work(project)?.join(format!("compressed-{quality}")))?;
    let mut files = Vec::new();
    for (path, content) in assets.finished() {
        let kept = SHRINK.contains(&extension(path)).then(|| cache.join(digest(content)));
        if let Some(kept) = &kept {
            fs::write(kept, content)?;
        }
        files.push((path, content, kept));
    }
    let missing: Vec<&Path> = files
        .iter()
        .filter_map(|(_, _, kept)| kept.as_deref())
        .filter(|kept| !beside(kept, "br").is_file() || !beside(kept, "gz").is_file())
        .collect();
    if !missing.is_empty() {
        let script = super::tools(project).join("compress.mjs");
        let quality = quality.to_string();
        cmd!(project.sh, "node {script} {quality}").args(&missing).quiet().run()?;
    }

    let mut wanted = BTreeSet::new();
    for (path, content, kept) in files {
        if kept.is_none() || !path.starts_with("assets/") {
            put(&dist.join(path), content, &mut wanted)?;
        }
        for suffix in kept.iter().flat_map(|_| ["br", "gz"]) {
            let from = kept.as_deref().map(|kept| beside(kept, suffix)).unwrap_or_default();
            put(&beside(&dist.join(path), suffix), &fs::read(from)?, &mut wanted)?;
        }
    }
    for file in super::files_below(dist)? {
        if !wanted.contains(&file) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// Leaves an equal file alone: its time is what cargo looks at.
fn put(file: &Path, content: &[u8], wanted: &mut BTreeSet<PathBuf>) -> Result<()> {
    wanted.insert(file.to_path_buf());
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, content)?)
}
