//! [`ReadingPace`]: how fast mirrors are read for those who compare them with what is kept.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A disk's pace, for all checks together: what one of them reads, the others wait for.
#[derive(Debug, Default)]
pub(super) struct ReadingPace {
    /// Bytes a second; nothing where it is as fast as it can be.
    rate: Option<NonZeroU64>,
    /// Until when what was read so far lasts, since boot.
    busy_until: Mutex<Duration>,
}

impl ReadingPace {
    /// So many bytes a second.
    pub(super) fn new(rate: Option<NonZeroU64>) -> Self {
        Self { rate, busy_until: Mutex::default() }
    }

    /// How many of so many bytes may be read at once: what a second allows.
    pub(super) fn at_most(&self, bytes: u64) -> u64 {
        self.rate.map_or(bytes, |rate| rate.get().min(bytes))
    }

    /// How many milliseconds whoever had so many bytes read is to wait before the next.
    pub(super) fn pause_after(&self, bytes: u64, began: Duration, now: Duration) -> u64 {
        let Some(rate) = self.rate else { return 0 };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
        let took = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut busy_until = self.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
        *busy_until = (*busy_until).max(began).saturating_add(took);
        u64::try_from(busy_until.saturating_sub(now).as_millis()).unwrap_or(u64::MAX)
    }
}
