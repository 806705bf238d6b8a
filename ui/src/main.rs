//! slurmdash in the browser.

mod client;

fn main() {
    sycamore::render(|| {
        client::Client::provide();
        sycamore::prelude::View::new()
    });
}
