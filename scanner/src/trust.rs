//! When does equal evidence mean equal bytes? The two proofs of DESIGN.md section 4, and how coarse a clock may be.
//!
//! A write shortly after a read can leave the same times behind, since file systems stamp in steps. A row is
//! trusted only if the read that made it began at least one step, and some slack, after its evidence came to be.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use protocol::Timestamp;
use seams::clock::Clock;
use seams::fs::FilesystemIdentity;
use seams::known::{FilesystemKey, Known};
use seams::recorded::{Evidence, Moment, Reading, Trust};

use crate::habits::Weight;
use crate::scan::Rules;

/// The step of a file system's stamps until its ctimes show a finer one: FAT's two seconds.
const COARSE_STEP: Duration = Duration::from_secs(2);
/// The step where ctimes show fractions of a second: one tick of the slowest kernel (100 Hz).
const FINE_STEP: Duration = Duration::from_millis(10);
/// How much earlier than the clock a stamp may be besides its step: 5.97 ms were measured.
const SLACK: Duration = Duration::from_millis(10);

/// How coarse stamps are taken to be: how far apart two of them may lie that look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    /// The step of a file system's stamps until its ctimes show a finer one.
    pub coarse: Duration,
    /// The step where ctimes show fractions of a second.
    pub fine: Duration,
    /// How much earlier than the clock a stamp may be besides its step.
    pub slack: Duration,
}

impl Margins {
    /// As measured on the file systems and kernels there are.
    pub const USUAL: Self = Self { coarse: COARSE_STEP, fine: FINE_STEP, slack: SLACK };
    /// Every stamp taken at its word: edits are missed. For showing what the others are good for.
    pub const NONE: Self = Self { coarse: Duration::ZERO, fine: Duration::ZERO, slack: Duration::ZERO };
}

impl Default for Margins {
    fn default() -> Self {
        Self::USUAL
    }
}

/// When a read began, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadStart {
    pub wall: Timestamp,
    pub moment: Moment,
}

impl ReadStart {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), moment: Moment { boot: clock.boot_id(), since_boot: clock.since_boot() } }
    }
}

/// What is known of the stamps of one file system, and what its evidence is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps {
    pub margins: Margins,
    /// Whether a ctime has shown a fraction of a second.
    pub fine: bool,
    /// Whether this machine's own clock makes them.
    pub local: bool,
    /// Which parts of the evidence count.
    pub weight: Weight,
}

impl Stamps {
    /// What is assumed of a file system that nothing is known of.
    pub(crate) fn unknown(margins: Margins) -> Self {
        Self { margins, fine: false, local: false, weight: Weight::default() }
    }

    /// Whether a ctime can still teach anything. Ctimes that change by themselves teach nothing.
    pub(crate) fn may_learn_from(self, ctime: Timestamp) -> bool {
        self.local && self.weight.ctime && !self.fine && ctime.to_parts().1 != 0
    }

    /// Whether both say the same, as far as they count here.
    pub(crate) fn agree(self, a: &Evidence, b: &Evidence) -> bool {
        (a.size, a.mtime) == (b.size, b.mtime)
            && (!self.weight.ctime || a.ctime == b.ctime)
            && (!self.weight.inode || a.inode == b.inode)
    }

    /// The stamp of the last change: ctime, and mtime only where ctime means nothing.
    pub(crate) fn last_change(self, evidence: &Evidence) -> Timestamp {
        if self.weight.ctime { evidence.ctime } else { evidence.mtime }
    }

    /// How far apart two stamps may lie that look the same.
    pub(crate) fn margin(self) -> Duration {
        let step = if self.fine { self.margins.fine } else { self.margins.coarse };
        step + self.margins.slack
    }

    /// The moment after which a write cannot carry `stamp` any more.
    fn safe_after(self, stamp: Timestamp) -> Timestamp {
        stamp.plus_nanos(i64::try_from(self.margin().as_nanos()).unwrap_or(i64::MAX))
    }

    /// Whether a read at `wall` came too late for a later write to leave the same evidence, by this machine's clock.
    pub(crate) fn proves_by_clock(self, evidence: &Evidence, wall: Timestamp) -> bool {
        self.local && self.safe_after(self.last_change(evidence)) < wall
    }
}

/// How far a read that began at `start` proves the bytes of `evidence`, first seen at `first_seen`.
pub(crate) fn trust(evidence: &Evidence, first_seen: Moment, start: ReadStart, stamps: Stamps) -> Trust {
    let by_clock = stamps.proves_by_clock(evidence, start.wall);
    let by_sighting = first_seen.lies_before(&start.moment, stamps.margin());
    let future = stamps.last_change(evidence) > start.wall;
    match (by_clock || by_sighting, future) {
        (false, _) => Trust::Unproven,
        (true, false) => Trust::Proven,
        (true, true) => Trust::UntilStamp,
    }
}

/// Whether a file with this evidence still has the bytes of its last reading, so that it need not be opened.
pub(crate) fn still_holds(reading: &Reading, evidence: &Evidence, now: Timestamp, stamps: Stamps) -> bool {
    let last_change = stamps.last_change(evidence);
    let safe_after = stamps.safe_after(last_change);
    stamps.agree(&reading.evidence, evidence)
        && match reading.trust {
            Trust::Unproven => false,
            Trust::Proven => true,
            Trust::UntilStamp => now <= safe_after,
            Trust::Silent => last_change <= reading.verified || now <= safe_after,
        }
}

/// Whether bytes that differ from those of an earlier reading changed although the evidence says that they cannot have.
/// It stays known of them until others take their place.
pub(crate) fn is_silent(
    old: &Reading,
    evidence: &Evidence,
    same_bytes: bool,
    start: ReadStart,
    stamps: Stamps,
) -> bool {
    if same_bytes { old.trust == Trust::Silent } else { still_holds(old, evidence, start.wall, stamps) }
}

/// A file system that the walk has come upon.
#[derive(Debug)]
pub(crate) struct Met {
    /// How it is recognised again; nothing where that could not be learned.
    pub key: Option<FilesystemKey>,
    pub stamps: Stamps,
}

impl Met {
    /// A file system that says what it is: its stamps, and what its evidence is worth by all that is known of it.
    pub(crate) fn recognised(identity: &FilesystemIdentity, rules: &Rules, known: &Known) -> Self {
        let key = FilesystemKey::from(identity);
        let habits = known.habits.get(&key).copied().unwrap_or_default();
        let weight = Weight::of(rules, identity, habits);
        let stamps = Stamps { margins: rules.margins, fine: false, local: identity.local, weight };
        Self { key: Some(key), stamps }
    }
}

/// Learns from ctimes, and from nothing else, how finely each file system stamps (mtimes can be set to anything).
#[derive(Debug)]
pub(crate) struct StampsByDevice {
    margins: Margins,
    met: Mutex<HashMap<u64, Met>>,
}

impl StampsByDevice {
    pub(crate) fn new(margins: Margins) -> Self {
        Self { margins, met: Mutex::default() }
    }

    /// A file system that the walk has come upon; `look` is asked the first time only.
    pub(crate) fn meet(&self, device: u64, look: impl FnOnce() -> Met) {
        self.met.lock().expect("no holder of this lock panics").entry(device).or_insert_with(look);
    }

    /// One more ctime. A fraction of a second shows a fine step, where the stamps are this machine's own.
    pub(crate) fn learn(&self, device: u64, ctime: Timestamp) -> Stamps {
        let mut met = self.met.lock().expect("no holder of this lock panics");
        let Some(met) = met.get_mut(&device) else { return Stamps::unknown(self.margins) };
        met.stamps.fine |= met.stamps.may_learn_from(ctime);
        met.stamps
    }

    /// What is known of the stamps of a device.
    pub(crate) fn of(&self, device: u64) -> Stamps {
        let met = self.met.lock().expect("no holder of this lock panics");
        met.get(&device).map_or_else(|| Stamps::unknown(self.margins), |met| met.stamps)
    }

    /// How the file system of a device is recognised again.
    pub(crate) fn key(&self, device: u64) -> Option<FilesystemKey> {
        let met = self.met.lock().expect("no holder of this lock panics");
        met.get(&device).and_then(|met| met.key.clone())
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
