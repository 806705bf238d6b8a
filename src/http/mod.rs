//! How the program is reached over HTTP: one module a noun, and what they share.
//!
//! A handler translates and nothing else: extract → call one function → answer. Who may call it is in [`routes`] and was
//! found out by [`guard`]. To add a call: write the handler with its `#[utoipa::path]` in its noun's module, name it in
//! [`router`] and give it a row in [`routes`]; the OpenAPI description follows.

pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod cluster;
mod cors;
pub mod docs;
pub mod external;
pub mod extract;
pub mod guard;
pub mod health;
pub mod jobs;
pub mod listen;
pub mod observe;
pub mod oidc;
pub mod output;
mod own_site;
pub mod problem;
pub mod router;
pub mod routes;
mod sessions;
pub mod templates;
pub mod ui;
pub mod uploads;
mod users;
pub mod ws;

pub use problem::ApiError;
