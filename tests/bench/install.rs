//! The installer's figures that need no hosts: `cargo xtask bench install` runs this, judges them, and measures real
//! hosts besides.
//!
//! The last line on standard output is JSON: a list of `{"name", "value", "unit"}`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for the bench, not shipped"
)]

mod distant;
mod planned;

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let word = |at: usize| arguments.get(at).map(String::as_str);
    if word(0) == Some(distant::SSH) {
        return distant::relay(&arguments);
    }
    let figures = match word(1) {
        Some("plan") => planned::measure(),
        Some("again") => distant::measure(),
        // Each in a process of its own: what one leaves behind is no part of the other's memory.
        _ => [part("plan", None), part("again", Some(&distant::Hosts::new()))].concat(),
    };
    println!("{}", Value::from(figures));
}

/// Runs this program once more, and reads its last line.
fn part(name: &str, hosts: Option<&distant::Hosts>) -> Vec<Value> {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.arg(name).stderr(std::process::Stdio::inherit());
    if let Some(hosts) = hosts {
        hosts.pass_to(&mut again);
    }
    let output = again.output().unwrap();
    assert!(output.status.success(), "{name}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// A figure, told at once too.
fn figure(name: &str, value: f64, unit: &str) -> Value {
    eprintln!("{name}: {value:.2} {unit}");
    json!({"name": name, "value": value, "unit": unit})
}

/// Seconds since then.
fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64()
}

/// Secrets that are the same each time.
fn secrets() -> slurmdash_installer::secrets::Secrets {
    let mut next = 0_u8;
    let made = slurmdash_installer::secrets::Secrets::make(&mut |buffer| {
        for byte in buffer {
            next = next.wrapping_add(37);
            *byte = next;
        }
        Ok(())
    });
    made.unwrap()
}
