//! The few things we ask of the browser itself: storage, languages, attributes of `<html>`, the clipboard, focus.
//!
//! Each call is small and never fails loudly: storage may be off, the clipboard refused. Not here: the network
//! (`client/`) and the address bar (`router.rs`).
use wasm_bindgen::prelude::*;
use web_sys::{Document, HtmlElement, Window};

/// The window.
pub fn window() -> Window {
    sycamore::web::window()
}

/// The document.
pub fn document() -> Document {
    sycamore::web::document()
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// What an earlier visit stored under `key`.
pub fn stored(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Keeps `value` for the next visit, where the browser lets us.
pub fn store(key: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, value);
    }
}

/// Forgets what is stored under `key`.
pub fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

/// The person's languages, most wanted first.
pub fn languages() -> Vec<String> {
    window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect()
}

/// Sets an attribute of `<html>`.
pub fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(name, value);
    }
}

/// Removes an attribute of `<html>`.
pub fn remove_root_attribute(name: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.remove_attribute(name);
    }
}

/// Now, Unix seconds.
pub fn now() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit an i64 with room to spare")]
    let now = (js_sys::Date::now() / 1000.0) as i64;
    now
}

/// Moves the focus to the element that `selector` finds first.
pub fn focus(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}

/// Selects what is in the field that `selector` finds.
pub fn select(selector: &str) {
    let field = document().query_selector(selector).ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        let _ = field.focus();
        field.select();
    }
}

/// Copies text; the answer says whether the browser let us.
pub async fn copy(text: &str) -> bool {
    // Only secure pages have a clipboard.
    let navigator = window().navigator();
    if !js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object()) {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}

/// Runs `call` once after `milliseconds`.
pub fn after(milliseconds: i32, call: impl FnOnce() + 'static) {
    let closure = Closure::once_into_js(call);
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(closure.unchecked_ref(), milliseconds);
}

/// Runs `call` before the browser draws next; not while the page is out of sight.
pub fn next_frame(call: impl FnOnce() + 'static) {
    let closure = Closure::once_into_js(call);
    let _ = window().request_animation_frame(closure.unchecked_ref());
}

/// Lets the browser save what is at `url` of ours as a file.
pub fn download(url: &str) {
    let link = document().create_element("a").ok().and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(url);
        link.set_download("");
        link.click();
    }
}

/// Lets the browser save a file that is already here under `name`.
pub fn save(file: &web_sys::Blob, name: &str) {
    let Ok(url) = web_sys::Url::create_object_url_with_blob(file) else { return };
    let link = document().create_element("a").ok().and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(&url);
        link.set_download(name);
        link.click();
    }
    // The browser has begun to read it by then.
    after(60_000, move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    });
}

/// A random text that nobody else has: 128 bits.
pub fn random_key() -> String {
    use std::fmt::Write as _;
    (0..4).fold(String::new(), |mut key, _| {
        // Writing into a String can't fail.
        let _ = write!(key, "{:08x}", random_u32());
        key
    })
}

fn random_u32() -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^32 by construction")]
    let number = (js_sys::Math::random() * 4_294_967_296.0) as u32;
    number
}

/// Runs `call` every `milliseconds` until the current reactive scope ends.
pub fn every(milliseconds: i32, call: impl FnMut() + 'static) {
    let closure = Closure::<dyn FnMut()>::new(call);
    let id =
        window().set_interval_with_callback_and_timeout_and_arguments_0(closure.as_ref().unchecked_ref(), milliseconds);
    sycamore::prelude::on_cleanup(move || {
        if let Ok(id) = id {
            window().clear_interval_with_handle(id);
        }
        drop(closure);
    });
}

/// Sends an event to the window, for the scripts that started us.
pub fn tell(event: &str) {
    if let Ok(event) = web_sys::Event::new(event) {
        let _ = window().dispatch_event(&event);
    }
}

/// Listens to an event of the window until the current reactive scope ends.
pub fn on_window(event: &'static str, call: impl FnMut(web_sys::Event) + 'static) {
    let closure = Closure::<dyn FnMut(web_sys::Event)>::new(call);
    let _ = window().add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    sycamore::prelude::on_cleanup(move || {
        let _ = window().remove_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        drop(closure);
    });
}

/// Whether there is an element that `selector` finds.
pub fn has(selector: &str) -> bool {
    document().query_selector(selector).is_ok_and(|element| element.is_some())
}
