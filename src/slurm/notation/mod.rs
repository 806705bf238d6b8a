//! Slurm's small languages: times, memory sizes, arrays, file name patterns, hostlists and TRES.
//!
//! Everything here is pure and total: text in, value or a worded error out, whatever the text is and however long a
//! range it names. Both implementations of [`Slurm`](super::Slurm) build on it. Whole lines and tables that a command
//! prints are read in [`cli`](super::cli), not here.

pub mod array;
pub mod begin;
pub mod duration;
pub mod hostlist;
pub mod memory;
pub mod pattern;
pub mod tres;

/// The text is not in the notation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// A decimal number and nothing else: no sign, no blanks.
fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
