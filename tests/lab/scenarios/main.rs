//! The installer on real hosts: the built program, brought onto fresh hosts and called as an admin calls it.
//!
//! `cargo xtask test lab` builds the program and runs these, one at a time. Each prints what it did, and when.
#![expect(clippy::print_stdout, reason = "what happened on the hosts, and when, is part of the result")]

mod api;
mod day_two;
mod faults;
mod faults_many;
mod heads;
mod hosts;
mod installer;
mod journal;
mod mirror;
mod power;
mod single;
mod stage;
mod terminal;
mod three;
