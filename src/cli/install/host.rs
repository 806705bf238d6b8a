//! `slurmdash install-host`: the far end of the installer's SSH connection. It answers a line of JSON for each line, and
//! prints nothing else on standard output: that is the connection.
use std::process::ExitCode;

use slurmdash_installer::reach;

use crate::cli::print_error;

/// Runs the command.
pub fn run() -> ExitCode {
    match reach::serve_here() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
