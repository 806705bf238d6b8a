//! How bad a security event is, by colour, shape and word; and what kind it is, in words.
use slurmdash_api::audit::Severity;
use sycamore::prelude::*;

use crate::components::{Glyph, Mark, pill};
use crate::i18n::t;
use crate::i18n::words::events::Events;

/// A kind by the word that programs know it by, and its words.
type Kind = (&'static str, fn(Events) -> String);

/// The kinds that we have words for.
pub const KINDS: [Kind; 9] = [
    ("login_failed", Events::login_failed),
    ("login_throttled", Events::login_throttled),
    ("token_reused", Events::token_reused),
    ("token_invalid", Events::token_invalid),
    ("key_invalid", Events::key_invalid),
    ("limit_hit", Events::limit_hit),
    ("permission_refused", Events::permission_refused),
    ("path_attack", Events::path_attack),
    ("origin_refused", Events::origin_refused),
];

/// A kind in words; one that we don't know stands for itself.
pub fn kind_words(kind: &str) -> String {
    KINDS.iter().find(|(word, _)| *word == kind).map_or_else(|| kind.to_owned(), |(_, words)| words(t().events))
}

/// The word of a severity.
pub fn severity_words(severity: Severity) -> String {
    let words = t().events;
    match severity {
        Severity::Critical => words.critical(),
        Severity::High => words.high(),
        Severity::Medium => words.medium(),
        Severity::Low => words.low(),
    }
}

/// The mark of a severity.
pub fn severity_mark(severity: Severity) -> (Mark, Glyph) {
    match severity {
        Severity::Critical => (Mark::Failed, Glyph::OctagonAlert),
        Severity::High => (Mark::Timeout, Glyph::TriangleAlert),
        Severity::Medium => (Mark::Pending, Glyph::Info),
        Severity::Low => (Mark::Cancelled, Glyph::Circle),
    }
}

/// A severity.
pub fn severity_pill(severity: Severity) -> View {
    let (mark, glyph) = severity_mark(severity);
    pill(mark, glyph, move || severity_words(severity))
}
