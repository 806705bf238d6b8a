//! The address bar: which page is shown, and the filters, tabs and sort orders that live in its query.
//!
//! Ours rather than `sycamore-router`: that one drops the query when a link leads to another path, and does not notice
//! Back when only the query changed; with every filter in the URL, both are met on every page.
//!
//! Links are plain `<a href>`: one listener on the document follows those that lead to a page of ours, and leaves the
//! others (new tab, download, another origin, the server's own pages) to the browser. A page of ours that this program
//! does not hold (`program.rs`) is gone to by a real page load.
mod route;

pub use route::{AdminPage, Route};

use std::cell::Cell;

use sycamore::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlAnchorElement, MouseEvent};

use crate::browser::{document, on_window, window};
use crate::client::Session;

thread_local! {
    static LOCATION: Cell<Option<Signal<Location>>> = const { Cell::new(None) };
    static HOLDS: Cell<fn(&Route) -> bool> = const { Cell::new(|_| true) };
    static SESSION: Cell<Option<Session>> = const { Cell::new(None) };
}

/// Where we are, without origin and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// Path, such as `/jobs/12`.
    pub path: String,
    /// Query without its question mark, such as `state=RUNNING&page=2`.
    pub query: String,
}

/// Starts following the address bar. Called once, in the root scope; `holds` knows the pages of this program,
/// `session` when they may be left.
pub fn start(holds: fn(&Route) -> bool, session: Session) {
    HOLDS.set(holds);
    SESSION.set(Some(session));
    let location = create_signal(read_location());
    LOCATION.set(Some(location));
    on_window("popstate", |_| {
        let here = read_location();
        if is_held(&here.path) {
            set_location(here);
        } else {
            leave(|location| location.reload());
        }
    });
    let click = Closure::<dyn FnMut(MouseEvent)>::new(|event: MouseEvent| follow_link(&event));
    let _ = document().add_event_listener_with_callback("click", click.as_ref().unchecked_ref());
    on_cleanup(move || drop(click));
}

/// Whether this program holds the page that a URL of ours names.
fn is_held(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    HOLDS.get()(&Route::parse(path))
}

/// Leaves this program by a page load, as soon as that does the session no harm.
fn leave(load: impl FnOnce(web_sys::Location) -> Result<(), JsValue> + 'static) {
    let session = SESSION.get();
    spawn_local(async move {
        if let Some(session) = session {
            session.settled().await;
        }
        let _ = load(window().location());
    });
}

fn read_location() -> Location {
    let location = window().location();
    Location {
        path: location.pathname().unwrap_or_default(),
        query: location.search().unwrap_or_default().trim_start_matches('?').to_owned(),
    }
}

fn set_location(new: Location) {
    if let Some(location) = LOCATION.get()
        && location.with_untracked(|old| *old != new)
    {
        location.set(new);
    }
}

fn follow_link(event: &MouseEvent) {
    let plain = event.button() == 0 && !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key());
    let link = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|element| element.closest("a[href]").ok().flatten())
        .and_then(|element| element.dyn_into::<HtmlAnchorElement>().ok());
    let Some(link) = link.filter(|_| plain && !event.default_prevented()) else {
        return;
    };
    let ours = window().location().origin().is_ok_and(|origin| origin == link.origin())
        && link.target().is_empty()
        && !link.has_attribute("download")
        && link.hash().is_empty()
        && Route::parse(&link.pathname()) != Route::NotFound;
    if ours {
        event.prevent_default();
        navigate(&format!("{}{}", link.pathname(), link.search()));
    }
}

/// Goes to a page of ours, as a link would.
pub fn navigate(url: &str) {
    if !is_held(url) {
        let url = url.to_owned();
        return leave(move |location| location.assign(&url));
    }
    let before = path_now();
    if let Ok(history) = window().history() {
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(url));
    }
    arrive(&before);
}

/// Goes to a page of ours in place of this one: Back skips it.
pub fn replace(url: &str) {
    if !is_held(url) {
        let url = url.to_owned();
        return leave(move |location| location.replace(&url));
    }
    let before = path_now();
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(url));
    }
    arrive(&before);
}

fn path_now() -> String {
    LOCATION.get().map_or_else(String::new, |location| location.with_untracked(|location| location.path.clone()))
}

fn arrive(before: &str) {
    set_location(read_location());
    if path_now() != before {
        window().scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// Where we are; tracked.
pub fn location() -> Location {
    LOCATION.get().map(|location| location.get_clone()).unwrap_or_default()
}

/// The page we are on; changes only when the page does, not with its query.
pub fn route() -> ReadSignal<Route> {
    create_selector(|| Route::parse(&location().path))
}

/// One value of the query, empty when it is not there; changes only when that value does.
pub fn query_value(name: &'static str) -> ReadSignal<String> {
    create_selector(move || Query::parse(&location().query).get(name).to_owned())
}

/// Changes values of the query in place (an empty value removes its name) and leaves the others alone.
///
/// Replaces the history entry: Back leaves the page instead of undoing keystrokes in a filter.
pub fn set_query(changes: &[(&str, &str)]) {
    let now = read_location();
    let mut query = Query::parse(&now.query);
    for (name, value) in changes {
        query.set(name, value);
    }
    replace(&join(&now.path, &query.to_text()));
}

/// As [`set_query`], as a step of its own that Back undoes: for the steps of a task.
pub fn push_query(changes: &[(&str, &str)]) {
    let now = read_location();
    let mut query = Query::parse(&now.query);
    for (name, value) in changes {
        query.set(name, value);
    }
    navigate(&join(&now.path, &query.to_text()));
}

/// One value of the query as a signal that can be bound to a field: each follows the other.
pub fn query_signal(name: &'static str) -> Signal<String> {
    let in_url = query_value(name);
    let value = create_signal(in_url.get_clone_untracked());
    create_effect(move || {
        let new = in_url.get_clone();
        if value.with_untracked(|old| *old != new) {
            value.set(new);
        }
    });
    create_effect(move || {
        let new = value.get_clone();
        if in_url.with_untracked(|old| *old != new) {
            set_query(&[(name, &new), ("page", "")]);
        }
    });
    value
}

/// The href of this place with some values of the query changed; tracked.
pub fn here_with(changes: &[(&str, &str)]) -> String {
    let here = location();
    let mut query = Query::parse(&here.query);
    for (name, value) in changes {
        query.set(name, value);
    }
    join(&here.path, &query.to_text())
}

/// A path with a query, without a lone question mark.
fn join(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The href of a path of ours whose last segment is data: `path_to("/jobs", "12_[3-4]")`.
pub fn path_to(folder: &str, name: &str) -> String {
    format!("{folder}/{}", encode(name))
}

/// The href of a path of ours with a query made of `pairs`; empty values are left out.
pub fn path_with(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = Query::default();
    for (name, value) in pairs {
        query.set(name, value);
    }
    join(path, &query.to_text())
}

/// A query string, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=%20`. Every text is a query: what isn't one is a name without a value.
    pub fn parse(text: &str) -> Query {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        };
        Query(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The first value of a name; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Sets a value at its old place, or at the end; an empty value removes the name.
    pub fn set(&mut self, name: &str, value: &str) {
        let place = self.0.iter().position(|(known, _)| known == name);
        match (place, value.is_empty()) {
            (Some(place), true) => {
                self.0.remove(place);
            }
            (Some(place), false) => value.clone_into(&mut self.0[place].1),
            (None, true) => {}
            (None, false) => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The text that [`Query::parse`] reads back.
    pub fn to_text(&self) -> String {
        let parts: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        parts.join("&")
    }
}

/// Percent-encodes everything but the characters that are plain in a path segment and in a query value.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Reads percent-encoding; a broken escape stands for itself, bytes that aren't UTF-8 become U+FFFD.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_changed_and_written_back() {
        let mut query = Query::parse("state=RUNNING,PENDING&q=a%20b+c&odd");
        assert_eq!(query.get("q"), "a b c");
        assert_eq!(query.get("odd"), "");
        query.set("q", "");
        query.set("page", "2");
        query.set("state", "한글&=");
        assert_eq!(query.to_text(), "state=%ED%95%9C%EA%B8%80%26%3D&odd=&page=2");
        assert_eq!(Query::parse(&query.to_text()), query);
        assert_eq!(path_with("/jobs/new", &[("template", "a-b"), ("x", "")]), "/jobs/new?template=a-b");
    }

    #[test]
    fn broken_escapes_stand_for_themselves() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%+1%zz%41"), "%+1%zzA");
        assert_eq!(decode("%한"), "%한");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}
