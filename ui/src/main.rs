//! slurmdash in the browser: pages, components, client, translations and styles, compiled to WebAssembly.
//!
//! Start reading at [`app`], which wires everything together. The styles are in `styles/`, the start of the page in
//! `index.html` and `static/`.

mod app;
mod browser;
mod client;
mod components;
mod i18n;
mod pages;
mod router;
mod shell;
mod theme;
mod upload;

fn main() {
    app::start();
}
