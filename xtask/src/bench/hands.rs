//! What it costs to act as somebody, from `tests/bench/hands.rs`, with the limits.

use super::Limit;

/// On one host, where open files are passed as descriptors.
pub fn limit(name: &str) -> Limit {
    match name {
        "hands: command over running it directly" => Limit::AtMost(5.0),
        "hands: first use of a user" => Limit::AtMost(400.0),
        "hands: agent, resident" => Limit::AtMost(8.0),
        "hands: memory for 200 active users" | "hands: output seen after it was written, p99" => Limit::AtMost(300.0),
        "hands: download over a plain one" => Limit::AtLeast(0.8),
        _ => Limit::None,
    }
}
