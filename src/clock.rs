//! The time, as a parameter: logic takes a [`Clock`] and tests hand in their own.
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use slurmdash_api::UnixSeconds;

/// Where the present time comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixSeconds + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            UnixSeconds::try_from(since.as_secs()).unwrap_or(UnixSeconds::MAX)
        })
    }

    /// Any other source of seconds since 1970.
    pub fn from_fn(now: impl Fn() -> UnixSeconds + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present time.
    pub fn now(&self) -> UnixSeconds {
        (self.0)()
    }
}
