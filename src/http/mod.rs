//! How the program is reached over HTTP: one module a noun, and what they share.
//!
//! A handler translates and nothing else: extract → authorise → call one function → answer. To add a call: write the
//! handler with its `#[utoipa::path]` in its noun's module, and name it in [`router`]; the OpenAPI description follows.

pub mod auth;
pub mod cluster;
pub mod docs;
pub mod extract;
pub mod health;
pub mod jobs;
pub mod listen;
pub mod observe;
pub mod output;
pub mod problem;
pub mod router;
pub mod templates;
pub mod ui;
pub mod uploads;
pub mod ws;

pub use problem::ApiError;
