//! The program is the library; see `lib.rs`.
fn main() {}
