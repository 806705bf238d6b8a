//! Brings bare hosts to a running Slurm cluster, and back.
//!
//! The way of working, which every module here keeps to: *facts* are gathered from hosts, a pure *planner* turns them
//! into a list of *actions*, each with `plan` (look, decide, remember what was there), `execute` and `revert`; a
//! *journal* is synced before and after each step, so that a killed run resumes or unwinds, and a file the admin had
//! before comes back byte for byte.
//!
//! This crate knows nothing of HTTP, of the store or of how hosts are reached: hosts come in behind a trait. It is
//! empty so far; the command `slurmdash install` arrives with it.
