//! Finds the built UI (`ui/dist`, made by `cargo xtask ui`) for embedding; without it an empty folder is embedded.
use std::path::PathBuf;

fn main() {
    let dist = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("ui/dist");
    println!("cargo::rerun-if-changed=ui/dist");
    println!("cargo::rerun-if-changed=templates/jobs");
    let dir = if dist.join("index.html").is_file() {
        dist
    } else {
        let empty = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("no-ui");
        if let Err(error) = std::fs::create_dir_all(&empty) {
            println!("cargo::error=can't make {}: {error}", empty.display());
        }
        empty
    };
    println!("cargo::rustc-env=EMBEDDED_UI_DIR={}", dir.display());
}
