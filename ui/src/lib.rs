//! slurmdash in the browser: pages, components, client, translations and styles, compiled to WebAssembly.
//!
//! Start reading at `app.rs`, which wires everything together. The styles are in `styles/`, the start of the page in
//! `index.html` and `static/`. Two programs are made from this crate, `src/bin/entry.rs` and `src/main.rs`;
//! `program.rs` says what is in which.

mod app;
mod browser;
mod client;
mod components;
mod i18n;
mod pages;
mod program;
mod router;
mod shell;
mod theme;
mod upload;

pub use app::start;
pub use program::{ENTRY, FULL, Program};
