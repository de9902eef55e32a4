//! [`LevelControl`]: which level raises throughput on this link. Pure: samples in, a level out.
//!
//! Several threads each compress a frame and send it, in turns. Whatever is scarce, they queue for: on a slow link they
//! stand and send, on a fast one they compress. So the share of their time that goes into compressing tells which it
//! is. A level is right while that share stays below what the processors and the overlap of threads give for nothing. What
//! the receiver says it worked on a frame counts for neither: fewer bytes would not make it faster, and where both sides
//! share one computer, or the receiver's disk is what is scarce, time spent on compressing is lost.
//!
//! Where even the lowest level takes most of all time, the receiver's included, and the link would carry everything as it
//! is faster than it comes now, frames go as they are for a while.

use std::time::Duration;

use crate::level::Level;

/// The levels that are tried: each costs clearly more than the one before it. Level 1 would save little time over 2 and
/// costs a twentieth of the bytes; past 9 two percent can be gained, for 48 MiB of memory a processor.
const RUNGS: [Level; 5] = [Level::of(2), Level::of(3), Level::of(5), Level::of(6), Level::of(9)];
/// How long each rung takes of the time of the one before it, in percent, on source code.
const COST_PERCENT: [u128; 5] = [100, 120, 210, 160, 210];
/// Where a round begins.
const START: usize = 1;
/// How many bytes, before compression, are looked at before a level is judged.
const WINDOW_BYTES: u64 = 32 * 1024 * 1024;
/// For how many windows a rung that was too slow is not tried again.
const PATIENCE: u32 = 64;
/// What compresses to no less than so many percent gains nothing by a higher level.
const HARDLY_PERCENT: u64 = 90;
/// Compressing with the lowest level is what holds everything up where it takes more than this share of all time.
const MOST_SHARE_PERCENT: u128 = 50;
/// For how many windows frames go as they are at first; each time that turned out right, for twice as many.
const FIRST_SPELL: u32 = 4;
/// The share that is free where one thread does everything: a little time for some bytes.
const LEAST_SHARE_PERCENT: u128 = 15;

/// What one frame took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Bytes before compression.
    pub raw: u64,
    /// Bytes after it.
    pub packed: u64,
    /// How long compressing took.
    pub compressing: Duration,
    /// How long sending took, until the answer was there, without the receiver's own work on it.
    pub sending: Duration,
    /// How long the receiver worked on it.
    pub worked: Duration,
}

/// Chooses levels for one round.
#[derive(Debug, Clone)]
pub struct LevelControl {
    rung: usize,
    /// For how many more windows frames go as they are.
    plain: u32,
    /// For how many they will the next time.
    spell: u32,
    /// Whether compressing held everything up in the last window that was compressed.
    hindered: bool,
    threads: u32,
    /// The share of the threads' time that compressing may take, in percent.
    share: u128,
    window: Sample,
    /// The rung that was too slow, and for how many more windows that is believed.
    barred: (usize, u32),
}

impl LevelControl {
    /// For so many threads that compress and send, on so many processors; both at least 1.
    #[must_use]
    pub fn new(threads: usize, processors: usize) -> Self {
        let threads = u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
        let overlap = u128::from(threads - 1) * 100 / u128::from(threads);
        let share = overlap.min(processors.max(1) as u128 * 100 / u128::from(threads)).max(LEAST_SHARE_PERCENT);
        let (window, barred) = (Sample::default(), (RUNGS.len(), 0));
        Self { rung: START, plain: 0, spell: FIRST_SPELL, hindered: false, threads, share, window, barred }
    }

    /// The level to compress the next frame with; nothing where it goes as it is.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        (self.plain == 0).then(|| RUNGS[self.rung])
    }

    /// Learns from a frame that went as [`Self::level`] says.
    pub fn observe(&mut self, sample: Sample) {
        let window = &mut self.window;
        window.raw += sample.raw;
        window.packed += sample.packed;
        window.compressing += sample.compressing;
        window.sending += sample.sending;
        window.worked += sample.worked;
        if window.raw >= WINDOW_BYTES {
            let window = std::mem::take(window);
            self.judge(&window);
        }
    }

    fn judge(&mut self, window: &Sample) {
        if self.plain > 0 {
            // Nothing is known of how it would compress by now: it is tried again, at once where the link is scarce.
            self.plain = if window.sending > window.worked { 0 } else { self.plain - 1 };
            return;
        }
        self.barred.1 = self.barred.1.saturating_sub(1);
        let hinders = self.rung == 0 && self.hinders(window);
        let hindered_before = std::mem::replace(&mut self.hindered, hinders);
        let compressing = window.compressing.as_nanos() * 100;
        let free = (window.compressing + window.sending).as_nanos() * self.share;
        if compressing > free && self.rung > 0 {
            self.barred = (self.rung, PATIENCE);
            self.rung -= 1;
        } else if hinders {
            // In one window something else may have had the processors.
            if hindered_before {
                self.plain = self.spell;
                self.spell = (self.spell * 2).min(PATIENCE);
            }
        } else if self.may_rise(window) && compressing * COST_PERCENT[self.rung + 1] / 100 < free {
            self.rung += 1;
        }
    }

    /// Whether it would go faster without compressing.
    fn hinders(&self, window: &Sample) -> bool {
        let all = window.compressing + window.sending + window.worked;
        let holds_up = window.compressing.as_nanos() * 100 > all.as_nanos() * MOST_SHARE_PERCENT;
        // As if only one frame at a time could be on the wire, where now as many are as there are threads.
        let sending = window.sending.as_nanos() * u128::from(self.threads) * u128::from(window.raw);
        holds_up && sending < all.as_nanos() * u128::from(window.packed)
    }

    fn may_rise(&self, window: &Sample) -> bool {
        let next = self.rung + 1;
        let is_barred = self.barred.1 > 0 && next >= self.barred.0;
        let gains = window.packed.saturating_mul(100) < window.raw.saturating_mul(HARDLY_PERCENT);
        next < RUNGS.len() && !is_barred && gains
    }
}

#[cfg(test)]
#[path = "level_control_tests.rs"]
mod tests;
