//! [`RetryPolicy`] and [`Outage`]: how long to go on trying, and since when nothing comes through.

use std::sync::Mutex;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::TransportError;

/// How long failed calls are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long the receiver may be away in one round, all its absences together.
    pub budget: Duration,
    /// The same where the very first connection is refused: nothing listens there, and perhaps never did.
    pub refused_budget: Duration,
    /// The first wait.
    pub base: Duration,
    /// The longest wait, before jitter.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(30),
            refused_budget: Duration::from_secs(5),
            base: Duration::from_millis(100),
            max: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Waits that grow exponentially, each lengthened by up to itself: the same for the same seed.
    pub(crate) fn delays(&self, seed: u64) -> impl Iterator<Item = Duration> {
        let delays = ExponentialBuilder::new().with_min_delay(self.base).with_max_delay(self.max).without_max_times();
        delays.with_jitter().with_jitter_seed(seed).build()
    }
}

/// The receiver's absences in one round. Calls of several threads that fail at the same time are one absence.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Absences>);

#[derive(Debug, Default)]
struct Absences {
    /// Whether any answer ever came.
    reached: bool,
    /// Whether there was an absence that no answer told of.
    cut_off: bool,
    /// When the present absence began, by the time since boot.
    since: Option<Duration>,
    /// How long earlier ones were.
    spent: Duration,
}

impl Outage {
    /// An answer came.
    pub(crate) fn end(&self, now: Duration) {
        let mut absences = self.0.lock().expect("no holder of this lock panics");
        absences.reached = true;
        if let Some(since) = absences.since.take() {
            absences.spent += now.saturating_sub(since);
        }
    }

    /// Whether a connection ever broke, or did not come about.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.0.lock().expect("no holder of this lock panics").cut_off
    }

    /// No answer came: how long it is worth trying on.
    pub(crate) fn left(&self, error: &TransportError, policy: &RetryPolicy, now: Duration) -> Duration {
        let mut absences = self.0.lock().expect("no holder of this lock panics");
        absences.cut_off |= error.is_of_the_connection();
        let refused = matches!(error, TransportError::Unreachable { nothing_listens: true, .. });
        let budget =
            if refused && !absences.reached { policy.refused_budget.min(policy.budget) } else { policy.budget };
        let since = *absences.since.get_or_insert(now);
        budget.saturating_sub(absences.spent + now.saturating_sub(since))
    }
}
