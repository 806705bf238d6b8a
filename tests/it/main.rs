//! One binary for everything that drives the real router or the built program.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod auth;
mod away;
mod backup;
mod cluster;
mod config;
mod faults;
mod import_v4;
mod jobs;
mod live;
mod migrate;
mod pages;
mod program;
mod retention;
mod slurm_contract;
mod support;
mod templates;
mod uploads;
mod uploads_program;
