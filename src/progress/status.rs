//! [`StatusLines`]: how a round goes on, as JSON, at most once a second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seams::clock::Clock;
use seams::progress::Progress;

use crate::output::{Output, Status};

/// The least time between two lines.
const PACE: Duration = Duration::from_secs(1);

/// Counts, and says now and then how far it is.
#[derive(Debug)]
pub(crate) struct StatusLines<'a> {
    output: &'a Output,
    clock: &'a dyn Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: Status,
    /// When the next line may be said, since boot.
    next: Duration,
}

impl<'a> StatusLines<'a> {
    /// From now on; the first line comes after [`PACE`].
    pub(crate) fn new(output: &'a Output, clock: &'a dyn Clock) -> Self {
        let next = clock.since_boot() + PACE;
        Self { output, clock, state: Mutex::new(State { status: Status::default(), next }) }
    }

    fn update(&self, count: impl FnOnce(&mut Status)) {
        let now = self.clock.since_boot();
        let mut state = self.state();
        count(&mut state.status);
        if now >= state.next {
            state.next = now + PACE;
            let status = state.status;
            drop(state);
            self.output.status(&status);
        }
    }

    /// A panic of one thread leaves the numbers usable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for StatusLines<'_> {
    fn seen(&self, files: u64, bytes: u64) {
        self.update(|status| {
            status.files_seen += files;
            status.bytes_seen += bytes;
        });
    }

    fn read(&self, bytes: u64) {
        self.update(|status| status.bytes_read += bytes);
    }

    fn to_send(&self, files: u64, bytes: u64) {
        self.update(|status| {
            status.files_to_send += files;
            status.bytes_to_send += bytes;
        });
    }

    fn spared(&self, bytes: u64) {
        self.update(|status| status.bytes_to_send = status.bytes_to_send.saturating_sub(bytes));
    }

    fn sent(&self, bytes: u64) {
        self.update(|status| status.contents_sent += bytes);
    }
}
