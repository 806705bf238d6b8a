//! The program is the library; see `lib.rs`.
fn main() -> std::process::ExitCode {
    slurmdash::cli::main()
}
