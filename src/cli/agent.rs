//! `slurmdash agent`: what the server starts on the login host as a person. Nobody types it.
use std::process::ExitCode;

use super::print_error;
use crate::hands::far::agent;
use crate::hands::local::Local;

/// Threads that may wait for disks: it serves one person.
const BLOCKING_THREADS: usize = 8;

/// Runs the command, until standard input ends.
pub fn run() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(&format!("the agent can't start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let local = Local::own(std::env::vars_os());
    let served = runtime.block_on(agent::serve(tokio::io::stdin(), tokio::io::stdout(), local));
    // A read of standard input may still be waiting on its thread.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("the server at the other end can't be understood: {error}"));
            ExitCode::FAILURE
        }
    }
}
