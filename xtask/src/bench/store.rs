//! The store's limits; its figures come from `tests/bench/store.rs`.

use super::Limit;

/// With 1,000,000 audit rows, 200,000 jobs and 50,000 uploads.
pub fn limit(name: &str) -> Limit {
    match name {
        "store: open" => Limit::AtMost(300.0),
        "store: memory over an empty store" => Limit::AtMost(64.0),
        "store: durable write, in appends" => Limit::AtMost(1.5),
        "store: a hundred writers, in one writer's rate" => Limit::AtLeast(5.0),
        // Every row of the user is looked at.
        "store: search of the audit log by user and result, p99" => Limit::AtMost(10.0),
        page if page.ends_with(", p99") => Limit::AtMost(1.0),
        _ => Limit::None,
    }
}
