//! Unwritten.
