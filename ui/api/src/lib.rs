//! The wire types that the server and the UI share: what travels as JSON over HTTP and the WebSocket.
//!
//! Only data and the few pure rules both sides must agree on (file classification, chunk arithmetic, states) live
//! here. No I/O, no clock, no crate beyond serde, so it builds for WebAssembly and natively alike.
//!
//! Conventions, unless a field says otherwise: times are Unix seconds (UTC), durations are seconds, memory is MiB
//! (as Slurm counts it), file sizes are bytes. Absent values are left out of the JSON or `null`; both are read.

pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod cluster;
pub mod jobs;
pub mod live;
pub mod problem;
pub mod templates;
pub mod uploads;
pub mod users;

pub use problem::Problem;

/// A point in time: seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = i64;
