//! What it costs to know who is asking, from `tests/bench/auth.rs`, with the limits.

use super::Limit;

/// On the listener that people use, over the loopback.
pub fn limit(name: &str) -> Limit {
    match name {
        "auth: token check" => Limit::AtMost(20.0),
        "auth: others, p99, 50 sign in at once" => Limit::AtMost(50.0),
        _ => Limit::None,
    }
}
