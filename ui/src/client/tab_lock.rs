//! A lock that all tabs of this origin share. Only `session` uses it, to refresh one at a time.
//!
//! Browsers offer real locks to secure pages only. On plain HTTP a lease in `localStorage` stands in: it is written,
//! looked at again after a moment, and runs out by itself should its tab be closed.
use js_sys::{Function, Promise, Reflect};
use sycamore::web::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::clock::{now_ms, sleep};

/// Name of the lock, and key of the lease.
const NAME: &str = "slurmdash.refresh";
/// How long a lease holds, milliseconds: a little longer than the call that it is for may take.
const LEASE_MS: f64 = 25_000.0;
/// How long a written lease must stand unchallenged, milliseconds.
const SETTLE_MS: i32 = 40;
/// How long to wait before looking again at somebody else's lease, milliseconds.
const LOOK_AGAIN_MS: i32 = 120;

/// Holds the lock; dropping it lets the next tab in.
pub(super) enum TabLock {
    /// The browser's own, released by this function.
    Real(Function),
    /// A lease with this text.
    Lease(String),
    /// No storage and no locks: nothing to share with other tabs through.
    Alone,
}

impl TabLock {
    /// Waits for the lock.
    pub(super) async fn acquire() -> Self {
        match Self::real().await {
            Some(release) => Self::Real(release),
            None => Self::lease().await,
        }
    }

    async fn real() -> Option<Function> {
        let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
        let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into::<Function>().ok()?;
        let promise = Promise::new(&mut |got: Function, failed: Function| {
            let granted = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
                // The lock is ours until the promise that we answer with is settled.
                Promise::new(&mut |release: Function, _| {
                    let _ = got.call1(&JsValue::UNDEFINED, &release);
                })
                .into()
            });
            let answer = request.call2(&locks, &NAME.into(), &granted);
            // A request that is refused must not leave us waiting; one that was granted can't fail any more.
            match answer.map(JsCast::dyn_into::<Promise>) {
                Ok(Ok(answer)) => {
                    let refused = Closure::once_into_js(move |_: JsValue| {
                        let _ = failed.call0(&JsValue::UNDEFINED);
                    });
                    if let Ok(catch) = Reflect::get(&answer, &"catch".into()).and_then(JsCast::dyn_into::<Function>) {
                        let _ = catch.call1(&answer, &refused);
                    }
                }
                _ => {
                    let _ = failed.call0(&JsValue::UNDEFINED);
                }
            }
        });
        JsFuture::from(promise).await.ok()?.dyn_into().ok()
    }

    async fn lease() -> Self {
        let Some(storage) = storage() else {
            return Self::Alone;
        };
        let read = || storage.get_item(NAME).ok().flatten();
        loop {
            if read().is_some_and(|lease| holds(&lease, now_ms())) {
                sleep(LOOK_AGAIN_MS).await;
                continue;
            }
            let mine = format!("{:.0} {}", now_ms() + LEASE_MS, js_sys::Math::random());
            if storage.set_item(NAME, &mine).is_err() {
                return Self::Alone;
            }
            sleep(SETTLE_MS).await;
            if read().as_deref() == Some(&mine) {
                return Self::Lease(mine);
            }
        }
    }
}

impl Drop for TabLock {
    fn drop(&mut self) {
        match self {
            Self::Real(release) => {
                let _ = release.call0(&JsValue::UNDEFINED);
            }
            Self::Lease(mine) => {
                if let Some(storage) = storage()
                    && storage.get_item(NAME).ok().flatten().as_ref() == Some(mine)
                {
                    let _ = storage.remove_item(NAME);
                }
            }
            Self::Alone => {}
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// Whether a lease still holds at `now_ms`. One that can't be read, or that reaches further than a lease can (a clock
/// was set back), doesn't.
fn holds(lease: &str, now_ms: f64) -> bool {
    lease
        .split(' ')
        .next()
        .and_then(|until| until.parse::<f64>().ok())
        .is_some_and(|until| until > now_ms && until <= now_ms + LEASE_MS)
}

#[cfg(test)]
mod tests {
    use super::{LEASE_MS, holds};

    #[test]
    fn a_lease_runs_out() {
        assert!(holds("2000 0.5", 1_000.0));
        assert!(!holds("2000 0.5", 2_000.0));
        assert!(!holds("", 0.0));
        assert!(!holds("soon", 0.0));
        assert!(!holds(&format!("{} x", LEASE_MS + 2.0), 1.0));
    }
}
