//! Job templates: read from a folder of YAML files, checked, listed, and filled in.
//!
//! [`TemplateFolder`] holds what a folder says; [`render`] makes the script of a job. How a template's file is written
//! is shown by those we ship, in `templates/jobs/`. Nothing here knows HTTP or Slurm's commands; who may see what is
//! decided by the caller.

mod asked;
mod check;
pub mod environment;
pub mod file;
mod folder;
mod quote;
pub mod render;
pub mod settings;
pub mod text;
mod value;

#[cfg(test)]
mod render_tests;
#[cfg(test)]
mod shipped_tests;

pub use folder::{TemplateError, TemplateFolder, seed};
pub use render::{ProvidedFile, RenderError, Rendered, render};
