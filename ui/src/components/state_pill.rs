//! State pills: colour, shape and word together, so that each alone is enough.
//!
//! [`Mark`] is the family a state belongs to; the style sheet knows the families' colours by their `data-mark`.
use slurmdash_api::cluster::NodeState;
use slurmdash_api::jobs::JobState;
use sycamore::prelude::*;

use super::icon::{Glyph, icon};
use crate::i18n::t;

/// A family of states that look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Running, allocated.
    Running,
    /// Pending, reserved.
    Pending,
    /// Completing, mixed: in between.
    Partial,
    /// Completed: ended well.
    Done,
    /// Idle: ready for work.
    Idle,
    /// Failed, down.
    Failed,
    /// Ended by a limit.
    Timeout,
    /// Drained: takes no new work.
    Drain,
    /// Cancelled.
    Cancelled,
    /// Nothing we have a word for.
    Unknown,
    /// Suspended.
    Suspended,
    /// Maintenance.
    Maintenance,
}

impl Mark {
    /// The family of a job's state.
    pub fn of_job(state: JobState) -> Self {
        match state {
            JobState::Pending => Self::Pending,
            JobState::Running => Self::Running,
            JobState::Configuring | JobState::Completing => Self::Partial,
            JobState::Suspended => Self::Suspended,
            JobState::Completed => Self::Done,
            JobState::Failed | JobState::NodeFail | JobState::OutOfMemory | JobState::BootFail => Self::Failed,
            JobState::Timeout | JobState::Deadline => Self::Timeout,
            JobState::Cancelled | JobState::Preempted => Self::Cancelled,
            JobState::Unknown => Self::Unknown,
        }
    }

    /// The family of a node's state.
    pub fn of_node(state: NodeState) -> Self {
        match state {
            NodeState::Idle => Self::Idle,
            NodeState::Mixed => Self::Partial,
            NodeState::Allocated => Self::Running,
            NodeState::Drain => Self::Drain,
            NodeState::Down => Self::Failed,
            NodeState::Maintenance => Self::Maintenance,
            NodeState::Unknown => Self::Unknown,
        }
    }

    /// The word that the style sheets know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Partial => "partial",
            Self::Done => "done",
            Self::Idle => "idle",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Drain => "drain",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Suspended => "suspended",
            Self::Maintenance => "maintenance",
        }
    }

    /// Its shape.
    pub fn glyph(self) -> Glyph {
        match self {
            Self::Running => Glyph::Play,
            Self::Pending => Glyph::Clock,
            Self::Partial => Glyph::Contrast,
            Self::Done => Glyph::Check,
            Self::Idle => Glyph::Circle,
            Self::Failed => Glyph::X,
            Self::Timeout => Glyph::Timer,
            Self::Drain => Glyph::Power,
            Self::Cancelled => Glyph::Ban,
            Self::Unknown => Glyph::CircleQuestionMark,
            Self::Suspended => Glyph::Pause,
            Self::Maintenance => Glyph::Wrench,
        }
    }
}

/// A job state's word in the current language.
pub fn job_state_word(state: JobState) -> String {
    let words = t().states;
    match state {
        JobState::Pending => words.pending(),
        JobState::Configuring => words.configuring(),
        JobState::Running => words.running(),
        JobState::Completing => words.completing(),
        JobState::Suspended => words.suspended(),
        JobState::Completed => words.completed(),
        JobState::Failed => words.failed(),
        JobState::Cancelled => words.cancelled(),
        JobState::Timeout => words.timeout(),
        JobState::NodeFail => words.node_fail(),
        JobState::OutOfMemory => words.out_of_memory(),
        JobState::Preempted => words.preempted(),
        JobState::BootFail => words.boot_fail(),
        JobState::Deadline => words.deadline(),
        JobState::Unknown => words.unknown(),
    }
}

/// A node state's word in the current language.
pub fn node_state_word(state: NodeState) -> String {
    let words = t().states;
    match state {
        NodeState::Idle => words.idle(),
        NodeState::Mixed => words.mixed(),
        NodeState::Allocated => words.allocated(),
        NodeState::Drain => words.drain(),
        NodeState::Down => words.down(),
        NodeState::Maintenance => words.maintenance(),
        NodeState::Unknown => words.unknown(),
    }
}

/// A pill for any other state, with the shape and the word that it has there.
pub fn pill(mark: Mark, glyph: Glyph, word: impl Fn() -> String + 'static) -> View {
    view! {
        span(class="pill", data-mark=mark.name()) {
            (icon(glyph))
            span { (word()) }
        }
    }
}

/// A job's state.
#[component(inline_props)]
pub fn JobStatePill(state: JobState) -> View {
    let mark = Mark::of_job(state);
    pill(mark, mark.glyph(), move || job_state_word(state))
}

/// A node's state.
#[component(inline_props)]
pub fn NodeStatePill(state: NodeState) -> View {
    let mark = Mark::of_node(state);
    pill(mark, mark.glyph(), move || node_state_word(state))
}
