//! The program that a first visit loads: signing in and the dashboard.

fn main() {
    slurmdash_ui::start(&slurmdash_ui::ENTRY);
}
