//! The pages, one module each. A page reads its data from the client, keeps its filters in the URL, and is made of
//! components; `app.rs` decides which one is shown.

pub mod dashboard;
pub mod gallery;
pub mod login;
pub mod nodes;
pub mod not_found;
pub mod template;
pub mod templates;
