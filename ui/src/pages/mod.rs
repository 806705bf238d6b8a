//! The pages, one module each. A page reads its data from the client, keeps its filters in the URL, and is made of
//! components; `app.rs` decides which one is shown.

pub mod job;
pub mod jobs;
pub mod login;
pub mod new_job;
pub mod not_found;
