//! How fast a transfer is and how long it still takes, smoothed so that the numbers can be read.

/// After this long an old measurement counts for about a third, seconds.
const MEMORY_S: f64 = 6.0;

/// A smoothed rate.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    last: Option<(f64, u64)>,
    bytes_per_s: Option<f64>,
}

impl Rate {
    /// Takes note that `done` bytes are stored at `now_ms`.
    pub fn note(&mut self, now_ms: f64, done: u64) {
        let Some((then_ms, before)) = self.last else {
            self.last = Some((now_ms, done));
            return;
        };
        let seconds = (now_ms - then_ms) / 1_000.0;
        // Chunks of several parallel calls often arrive together; the first of them would look endlessly fast.
        if seconds < 0.25 {
            return;
        }
        let sample = to_f64(done.saturating_sub(before)) / seconds;
        let weight = 1.0 - (-seconds / MEMORY_S).exp();
        self.bytes_per_s = Some(match self.bytes_per_s {
            Some(rate) => rate + weight * (sample - rate),
            None => sample,
        });
        self.last = Some((now_ms, done));
    }

    /// Forgets everything: after a pause the old rate says nothing.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Bytes in a second, once it is known.
    pub fn bytes_per_second(&self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is finite and not negative"
        )]
        self.bytes_per_s.map(|rate| rate as u64)
    }

    /// Seconds until `left` bytes are through, once the rate is known and not nought.
    pub fn seconds_left(&self, left: u64) -> Option<u64> {
        let rate = self.bytes_per_s.filter(|rate| *rate >= 1.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite and not negative")]
        Some((to_f64(left) / rate).ceil() as u64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes up to petabytes are exact enough for a rate")]
fn to_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_steady_flow_gives_its_rate() {
        let mut rate = Rate::default();
        assert_eq!(rate.seconds_left(10), None);
        for second in 0..30_u32 {
            rate.note(f64::from(second) * 1_000.0, u64::from(second) * 1_000);
        }
        assert_eq!(rate.bytes_per_second(), Some(1_000));
        assert_eq!(rate.seconds_left(5_500), Some(6));
    }

    #[test]
    fn chunks_that_arrive_together_are_no_burst() {
        let mut rate = Rate::default();
        rate.note(0.0, 0);
        rate.note(1.0, 5_000_000);
        rate.note(2.0, 10_000_000);
        assert_eq!(rate.bytes_per_second(), None);
        rate.note(10_000.0, 10_000_000);
        assert_eq!(rate.bytes_per_second(), Some(1_000_000));
    }

    #[test]
    fn a_change_is_followed_gently() {
        let mut rate = Rate::default();
        rate.note(0.0, 0);
        rate.note(1_000.0, 1_000);
        rate.note(2_000.0, 11_000);
        let now = rate.bytes_per_second().expect("known");
        assert!((1_500..6_000).contains(&now), "{now}");
        rate.reset();
        assert_eq!(rate.bytes_per_second(), None);
    }
}
