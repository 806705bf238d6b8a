//! slurmdash: one static binary that brings up a Slurm cluster and gives its people a web dashboard.
//!
//! The rooms, ground floor first (ARCHITECTURE.md draws them with their arrows):
//!
//! - ground, the outside world: [`store`], [`slurm`], [`clock`], [`random`]
//! - first, what the program is about: `jobs`, `templates`, `uploads`, `auth`, [`limits`]
//! - ground, the outside world: [`store`], [`slurm`], [`tls`], [`clock`], [`random`]
//! - first, what the program is about: `jobs`, `templates`, `uploads`, `auth`
//! - second, how it is reached: `http`, `live`, `tasks`, [`control`]
//! - roof: `app` (wires it together), [`config`], `cli`

pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod hands;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod people;
pub mod random;
pub mod secret;
pub mod security;
pub mod slurm;
pub mod ssh;
pub mod store;
pub mod tasks;
pub mod templates;
pub mod tls;
pub mod unix;
pub mod uploads;
pub mod users;
