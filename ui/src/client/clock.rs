//! Timers and the browser's clock, as small owned values. Nothing here knows what it is timing.
use js_sys::{Function, Promise};
use sycamore::web::window;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;

/// Milliseconds since 1970, by the browser's clock.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// A callback that runs once; dropping this before then cancels it.
pub struct Timeout {
    id: i32,
    // Held so that JavaScript's reference stays valid until the timer is over.
    _callback: Closure<dyn FnMut()>,
}

impl Timeout {
    /// Runs `callback` after `ms` milliseconds.
    pub fn new(ms: i32, callback: impl FnOnce() + 'static) -> Self {
        let mut callback = Some(callback);
        let callback = Closure::<dyn FnMut()>::new(move || {
            if let Some(callback) = callback.take() {
                callback();
            }
        });
        let id = window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(callback.as_ref().unchecked_ref(), ms.max(0))
            .unwrap_or_default();
        Self { id, _callback: callback }
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        window().clear_timeout_with_handle(self.id);
    }
}

/// A callback that runs again and again; dropping this stops it.
pub struct Interval {
    id: i32,
    _callback: Closure<dyn FnMut()>,
}

impl Interval {
    /// Runs `callback` every `ms` milliseconds, the first time after `ms`.
    pub fn new(ms: i32, callback: impl FnMut() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(callback);
        let id = window()
            .set_interval_with_callback_and_timeout_and_arguments_0(callback.as_ref().unchecked_ref(), ms.max(1))
            .unwrap_or_default();
        Self { id, _callback: callback }
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        window().clear_interval_with_handle(self.id);
    }
}

/// Waits `ms` milliseconds.
pub async fn sleep(ms: i32) {
    let promise = Promise::new(&mut |resolve: Function, _| {
        // A window that refuses a timer is going away: then nobody waits for this either.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms.max(0));
    });
    let _ = JsFuture::from(promise).await;
}

/// Waiting time before attempt `attempt` (from 0): doubles from `first_ms` up to `longest_ms`, with `luck` (0 to 1)
/// spreading it over its upper half so that many browsers don't come back at the same moment.
pub fn backoff_ms(attempt: u32, first_ms: i32, longest_ms: i32, luck: f64) -> i32 {
    let full = f64::from(first_ms) * f64::from(attempt.min(16)).exp2();
    let full = full.min(f64::from(longest_ms));
    #[expect(clippy::cast_possible_truncation, reason = "bounded by `longest_ms`, an i32")]
    let ms = (full * (0.5 + 0.5 * luck.clamp(0.0, 1.0))) as i32;
    ms
}

#[cfg(test)]
mod tests {
    use super::backoff_ms;

    #[test]
    fn backoff_grows_and_stays_bounded() {
        assert_eq!(backoff_ms(0, 500, 30_000, 1.0), 500);
        assert_eq!(backoff_ms(1, 500, 30_000, 1.0), 1_000);
        assert_eq!(backoff_ms(1, 500, 30_000, 0.0), 500);
        assert_eq!(backoff_ms(40, 500, 30_000, 1.0), 30_000);
        assert_eq!(backoff_ms(u32::MAX, 500, 30_000, 7.0), 30_000);
    }
}
