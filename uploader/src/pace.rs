//! [`Pace`]: when the next bytes may go, so that all requests together keep to a timetable.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::Timestamp;
use seams::clock::Clock;

use crate::rate::{Rate, TimeOfDay, Timetable};

/// How far behind it the sender may fall and catch up at full speed: what a slow moment saves is not kept for long.
const BURST: Duration = Duration::from_millis(250);
/// How much of a second goes in one piece, so that the rate is smooth, and no receiver takes a sender for dead.
const PIECES_A_SECOND: u64 = 16;
/// Largest piece of a body, in bytes.
const MAX_PIECE_BYTES: usize = 64 * 1024;

/// How many seconds the clock on the wall is ahead of UTC at a moment.
pub type LocalOffset = fn(Timestamp) -> i32;

/// Tells senders when to go on. One for everything that goes to one receiver.
#[derive(Debug)]
pub struct Pace {
    timetable: Timetable,
    clock: Arc<dyn Clock>,
    local_offset: LocalOffset,
    /// When, since boot, everything that was let go until now will have gone at the rate that holds.
    busy_until: Mutex<Duration>,
}

/// What may go, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// How many bytes; never none of some.
    pub(crate) bytes: usize,
    /// How long to wait first.
    pub(crate) wait: Duration,
}

impl Pace {
    /// By this timetable on this clock. What the clock on the wall shows is told by `local_offset`.
    #[must_use]
    pub fn new(timetable: Timetable, clock: Arc<dyn Clock>, local_offset: LocalOffset) -> Self {
        Self { timetable, clock, local_offset, busy_until: Mutex::default() }
    }

    /// The rate that holds now; nothing where nothing limits.
    fn rate(&self) -> Option<Rate> {
        let now = self.clock.now();
        let local = now.as_nanos().div_euclid(1_000_000_000).saturating_add(i64::from((self.local_offset)(now)));
        self.timetable.at(TimeOfDay::of_second(local))
    }

    /// Reserves the next piece of `left` bytes. They may go after the wait, whatever others reserve meanwhile.
    pub(crate) fn turn(&self, left: usize) -> Turn {
        let Some(rate) = self.rate() else { return Turn { bytes: left.min(MAX_PIECE_BYTES), wait: Duration::ZERO } };
        let piece = usize::try_from(rate.bytes() / PIECES_A_SECOND).unwrap_or(MAX_PIECE_BYTES);
        let bytes = left.min(piece.min(MAX_PIECE_BYTES));
        Turn { bytes, wait: self.reserve(rate, bytes as u64) }
    }

    fn reserve(&self, rate: Rate, bytes: u64) -> Duration {
        let now = self.clock.since_boot();
        let mut busy_until = self.busy_until.lock().expect("no holder of this lock panics");
        let begin = (*busy_until).max(now.saturating_sub(BURST));
        *busy_until = begin + rate.time_for(bytes);
        begin.saturating_sub(now)
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
