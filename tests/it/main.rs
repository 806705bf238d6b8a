//! One binary for everything that drives the real router or the built program.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod audit_cli;
mod auth;
mod away;
mod backup;
mod cluster;
mod cluster_states;
mod config;
mod controllers;
mod faults;
mod hands_contract;
mod hostile;
mod identity;
mod import_v4;
mod install_cli;
mod job_actions;
mod jobs;
mod listen;
mod live;
mod migrate;
mod oidc;
mod pages;
mod program;
mod real;
mod retention;
mod slurm_contract;
mod ssh;
mod submissions;
mod support;
mod templates;
mod uploads;
