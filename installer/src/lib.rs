//! Brings bare hosts to a running Slurm cluster, and back.
//!
//! The way of working, which every module here keeps to: [`facts`] are gathered from hosts, a pure planner ([`plan`])
//! turns them and [`config`] into a list of steps, each an [`action`] with `look` (look, decide, remember what was there),
//! `execute` and `revert`; a [`journal`] is synced before and after each step, so that a killed [`run`] resumes or
//! unwinds, and a file the admin had before comes back byte for byte.
//!
//! Actions are data. They run where their host is: on this machine at once, on another in the same program at the far
//! end of an SSH connection ([`reach`]). So a look at a host is one round trip, however many steps it has.
//!
//! This crate knows nothing of HTTP or of the store.

pub mod action;
pub mod adopt;
pub mod bytes;
pub mod clock;
pub mod config;
pub mod facts;
pub mod finding;
pub mod fleet;
pub mod host;
pub mod hostlist;
pub mod journal;
pub mod plan;
pub mod preflight;
pub mod reach;
pub mod run;
pub mod secrets;
pub mod slurm_conf;
