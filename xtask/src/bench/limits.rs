//! The limits of rate limits; their figures come from `tests/bench/limits.rs`.

use super::Limit;

/// With as many addresses as are remembered one by one.
pub fn limit(name: &str) -> Limit {
    match name {
        "limits: a decision at 1,000,000 known addresses" | "limits: a decision on one address too many" => {
            Limit::AtMost(2.0)
        }
        "limits: memory at 1,000,000 known addresses" | "limits: memory of everything when full" => {
            Limit::AtMost(200.0)
        }
        _ => Limit::None,
    }
}
