//! `cargo xtask ui`: from the UI crate to `ui/dist`, which `build.rs` puts into the program.
//!
//! # What becomes an asset
//!
//! | source | logical name |
//! |---|---|
//! | the crate `ui`'s two programs, compiled and bound | `slurmdash_entry.js` (ES module), `slurmdash_entry_bg.wasm`; `slurmdash_ui.js`, `slurmdash_ui_bg.wasm` |
//! | `ui/styles/main.css` with everything it `@import`s | `styles.css` |
//! | every file `ui/static/<path>` | `<path>` |
//! | what `ui/assets.json` names: `[{"from": "pretendard/dist/web/*.woff2", "to": "fonts/"}]` | `to` + file name |
//!
//! `from` is a path in `ui/node_modules` (installed by `ui/package-lock.json`) whose last part may hold one `*`; a
//! `to` that doesn't end in `/` is the whole name of one file. `"replace": {"./fonts/": "/assets/fonts/"}` changes texts
//! in a style sheet from there, so that it too refers to logical names. Two sources with one name are an error.
//!
//! # How it is written
//!
//! Each asset becomes `ui/dist/assets/<name>-<hash>.<ext>`; the hash is of the finished content, and a `/` in a logical
//! name becomes `-`. HTML, CSS and JavaScript refer to an asset as `/assets/<logical name>`, wherever they like, and
//! that text is replaced; one that names no asset is an error. `ui/index.html` keeps its name. Files that compress
//! stand beside their `.br` (quality 11) and `.gz` (level 9).
//!
//! # The steps
//!
//! cargo (profile `wasm`, both programs in one run) → wasm-bindgen (as a library, equal to Cargo.lock's version) → wasm-opt (npm's binaryen,
//! `xtask/npm/ui`) → lightningcss → names → compression. Intermediate files are in `target/ui`, cargo's in
//! `target/wasm`; a step whose input hasn't changed is not run again, and `ui/dist` is not touched when nothing changed,
//! so that the program isn't rebuilt. `--dev` compiles without optimising, leaves wasm-opt out and compresses lightly.

mod assets;
mod compress;
mod packages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;
use xshell::cmd;

use self::assets::Assets;
use crate::needs::{digest, npm};
use crate::project::Project;
use crate::std_for::{Std, check_wasm_bindgen};

/// What a browser runs.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The crate's programs, by the names of their assets: the one that a first visit needs, and the one with every page,
/// which is fetched on demand.
const ENTRY: &str = "slurmdash_entry";
const FULL: &str = "slurmdash_ui";

/// What the compiler may have used and every browser of the last two years has.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-reference-types",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];

/// What the command takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compile quickly instead of small.
    #[arg(long)]
    pub dev: bool,
}

/// Builds and prints the sizes.
pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let assets = build(project, arguments.dev)?;
    print_sizes(project, &assets);
    Ok(())
}

/// Builds `ui/dist` without printing the table.
pub fn build(project: &Project, dev: bool) -> Result<Assets> {
    check_wasm_bindgen(project)?;
    npm(project, &tools(project))?;
    let ui = project.root.join("ui");
    let mut assets = Assets::default();
    let compiled = compile(project, dev)?;
    for program in [ENTRY, FULL] {
        for (name, content) in bind(project, &compiled, program, dev)? {
            assets.add(name, content)?;
        }
    }
    for file in files_below(&ui.join("static"))? {
        let name = file.strip_prefix(ui.join("static"))?.to_string_lossy().into_owned();
        assets.add(name, fs::read(&file)?)?;
    }
    packages::add(project, &ui, &mut assets)?;
    assets.add("styles.css".into(), styles(project, &ui)?)?;
    let page = fs::read_to_string(ui.join("index.html")).context("ui/index.html")?;
    assets.finish(&page)?;
    let quality = if dev { 5 } else { 11 };
    compress::write(project, &assets, &ui.join("dist"), quality)?;
    Ok(assets)
}

/// The folder of the npm packages that build the UI.
pub fn tools(project: &Project) -> PathBuf {
    project.root.join("xtask/npm/ui")
}

fn work(project: &Project) -> Result<PathBuf> {
    Ok(project.sh.create_dir(project.root.join("target/ui"))?)
}

/// Compiles the crate's programs; answers the folder of the raw WebAssembly.
fn compile(project: &Project, dev: bool) -> Result<PathBuf> {
    let std = Std::find(project, TARGET)?;
    let target_dir = project.target.join("wasm");
    let (profile, folder) = if dev { ("dev", "debug") } else { ("wasm", "wasm") };
    std.cargo(project)
        .args(["build", "--locked", "--package", "slurmdash-ui", "--target", TARGET, "--profile", profile])
        .args(std.arguments())
        .env("CARGO_TARGET_DIR", &target_dir)
        .run()?;
    Ok(target_dir.join(TARGET).join(folder))
}

/// Runs wasm-bindgen and wasm-opt on a program; answers its module, snippets and WebAssembly by logical name.
fn bind(project: &Project, compiled: &Path, program: &str, dev: bool) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = work(project)?.join(if dev { "bound-dev" } else { "bound" }).join(program);
    let raw = compiled.join(format!("{}.wasm", program.replace('_', "-")));
    let input = digest(&fs::read(&raw).with_context(|| format!("{}", raw.display()))?);
    let stamp = folder.join("input");
    if fs::read_to_string(&stamp).is_ok_and(|last| last == input) {
        return bound(&folder.join("out"), program);
    }
    project.sh.remove_path(&folder)?;
    let out = project.sh.create_dir(folder.join("out"))?;
    Bindgen::new()
        .input_path(&raw)
        .out_name(program)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .remove_name_section(!dev)
        .generate(&out)
        .context("wasm-bindgen")?;
    if !dev {
        let optimizer = tools(project).join("node_modules/.bin/wasm-opt");
        let file = out.join(format!("{program}_bg.wasm"));
        cmd!(project.sh, "{optimizer} {file} -Oz {WASM_FEATURES...} --strip-debug --strip-producers -o {file}")
            .run()?;
    }
    fs::write(stamp, input)?;
    bound(&out, program)
}

fn bound(out: &Path, program: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for file in files_below(out)? {
        let name = file.strip_prefix(out)?.to_string_lossy().into_owned();
        let mut content = fs::read(&file)?;
        if name == format!("{program}.js") {
            // Imports of inline JavaScript are relative; as assets they are named like everything else.
            content = String::from_utf8(content)?.replace("'./snippets/", "'/assets/snippets/").into_bytes();
        }
        files.insert(name, content);
    }
    Ok(files)
}

fn styles(project: &Project, ui: &Path) -> Result<Vec<u8>> {
    let script = tools(project).join("styles.mjs");
    let entry = ui.join("styles/main.css");
    let file = work(project)?.join("styles.css");
    cmd!(project.sh, "node {script} {entry} {file}").quiet().run()?;
    Ok(fs::read(file)?)
}

/// Every file in a folder and the folders in it, in order; none where there is no such folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        if !next.is_dir() {
            continue;
        }
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The table: what the first page needs, then the rest in one line a kind.
fn print_sizes(project: &Project, assets: &Assets) {
    let dist = project.root.join("ui/dist");
    let first = assets.first_page(&[format!("{FULL}.js"), format!("{FULL}_bg.wasm")]);
    let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
    let plain: BTreeMap<&str, usize> = assets.finished().map(|(path, content)| (path, content.len())).collect();
    let row = |name: &str, raw: usize, brotli: u64, gzip: u64| println!("{name:<44} {raw:>9} {brotli:>9} {gzip:>9}");
    println!("{:<44} {:>9} {:>9} {:>9}", "first page", "bytes", "brotli", "gzip");
    let mut total = 0;
    for path in &first {
        let file = dist.join(path);
        let (brotli, gzip) = (size(&compress::beside(&file, "br")), size(&compress::beside(&file, "gz")));
        row(path, plain.get(path.as_str()).copied().unwrap_or_default(), brotli, gzip);
        total += brotli;
    }
    let others = assets.written().into_iter().filter(|path| !first.contains(path)).collect::<Vec<_>>();
    let bytes = others.iter().filter_map(|path| plain.get(path.as_str())).sum::<usize>();
    println!("first page in all: {total} bytes of brotli; {} more files ({bytes} bytes) on demand", others.len());
}
