//! The program with every page, for whoever goes further than the dashboard.

fn main() {
    slurmdash_ui::start(&slurmdash_ui::FULL);
}
