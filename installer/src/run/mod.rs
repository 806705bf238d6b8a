//! Doing a plan, going on with one that was broken off, and undoing it.
