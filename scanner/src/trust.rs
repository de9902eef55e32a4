//! When does equal evidence mean equal bytes? The two proofs of DESIGN.md section 4, and how coarse a clock may be.
//!
//! A write shortly after a read can leave the same times behind, since file systems stamp in steps. A row is
//! trusted only if the read that made it began at least one step, and some slack, after its evidence came to be.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use protocol::Timestamp;
use seams::clock::Clock;
use seams::recorded::{Evidence, Moment, Reading, Trust};

/// The step of a file system's stamps until its ctimes show a finer one: FAT's two seconds.
pub(crate) const COARSE_STEP: Duration = Duration::from_secs(2);
/// The step where ctimes show fractions of a second: one tick of the slowest kernel (100 Hz).
pub(crate) const FINE_STEP: Duration = Duration::from_millis(10);
/// How much earlier than the clock a stamp may be besides its step: 5.97 ms were measured.
pub(crate) const SLACK: Duration = Duration::from_millis(10);

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

impl Default for Margins {
    fn default() -> Self {
        Self { coarse: COARSE_STEP, fine: FINE_STEP, slack: SLACK }
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

/// What is known of the stamps of one file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps {
    /// How far apart two stamps may be that look the same.
    pub step: Duration,
    /// Whether this machine's own clock makes them.
    pub local: bool,
}

impl Stamps {
    /// Whether a ctime can still teach anything.
    pub(crate) fn may_learn_from(self, ctime: Timestamp) -> bool {
        self.local && self.step > FINE_STEP && ctime.to_parts().1 != 0
    }

    fn margin(self) -> Duration {
        self.step + SLACK
    }

    /// The moment after which a write cannot carry the stamp `ctime` any more.
    fn safe_after(self, ctime: Timestamp) -> Timestamp {
        ctime.plus_nanos(i64::try_from(self.margin().as_nanos()).expect("a few seconds in nanoseconds fit"))
    }
}

/// How far a read that began at `start` proves the bytes of `evidence`, first seen at `first_seen`.
pub(crate) fn trust(evidence: &Evidence, first_seen: Moment, start: ReadStart, stamps: Stamps) -> Trust {
    let by_clock = stamps.local && stamps.safe_after(evidence.ctime) < start.wall;
    let by_sighting = first_seen.lies_before(&start.moment, stamps.margin());
    let future = evidence.ctime > start.wall;
    match (by_clock || by_sighting, future) {
        (false, _) => Trust::Unproven,
        (true, false) => Trust::Proven,
        (true, true) => Trust::UntilStamp,
    }
}

/// Whether a file with this evidence still has the bytes of its last reading, so that it need not be opened.
pub(crate) fn still_holds(reading: &Reading, evidence: &Evidence, now: Timestamp, stamps: Stamps) -> bool {
    reading.evidence == *evidence
        && match reading.trust {
            Trust::Unproven => false,
            Trust::Proven => true,
            Trust::UntilStamp => now <= stamps.safe_after(evidence.ctime),
        }
}

/// Learns from ctimes, and from nothing else, how finely each file system stamps (mtimes can be set to anything).
#[derive(Debug, Default)]
pub(crate) struct StampsByDevice(Mutex<HashMap<u64, Stamps>>);

impl StampsByDevice {
    /// A file system that the walk has come upon; `local` says whether this machine's clock stamps there.
    pub(crate) fn meet(&self, device: u64, local: impl FnOnce() -> bool) {
        let mut known = self.0.lock().expect("no holder of this lock panics");
        known.entry(device).or_insert_with(|| Stamps { step: COARSE_STEP, local: local() });
    }

    /// One more ctime. A fraction of a second shows a fine step, where the stamps are this machine's own.
    pub(crate) fn learn(&self, device: u64, ctime: Timestamp) -> Stamps {
        let mut known = self.0.lock().expect("no holder of this lock panics");
        let stamps = known.entry(device).or_insert(Stamps { step: COARSE_STEP, local: false });
        if stamps.may_learn_from(ctime) {
            stamps.step = FINE_STEP;
        }
        *stamps
    }
}

#[cfg(test)]
mod tests {
    use seams::clock::BootId;

    use super::*;

    const FINE: Stamps = Stamps { step: FINE_STEP, local: true };
    const REMOTE: Stamps = Stamps { step: COARSE_STEP, local: false };

    fn moment(boot: u8, millis: u64) -> Moment {
        Moment { boot: BootId([boot; 16]), since_boot: Duration::from_millis(millis) }
    }

    fn start(wall_millis: i64, since_boot_millis: u64) -> ReadStart {
        ReadStart { wall: Timestamp::from_nanos(wall_millis * 1_000_000), moment: moment(1, since_boot_millis) }
    }

    fn evidence(ctime_millis: i64) -> Evidence {
        let ctime = Timestamp::from_nanos(ctime_millis * 1_000_000);
        Evidence { size: 1, mtime: ctime, ctime, inode: 1 }
    }

    #[test]
    fn a_read_well_after_the_stamp_proves_the_bytes_on_a_local_file_system_only() {
        let seen_now = moment(1, 500);
        assert_eq!(trust(&evidence(1000), seen_now, start(1021, 500), FINE), Trust::Proven);
        assert_eq!(trust(&evidence(1000), seen_now, start(1020, 500), FINE), Trust::Unproven);
        assert_eq!(trust(&evidence(1000), seen_now, start(9000, 500), REMOTE), Trust::Unproven);
    }

    #[test]
    fn the_same_evidence_seen_long_before_proves_the_bytes_whatever_the_wall_clock_says() {
        assert_eq!(trust(&evidence(0), moment(1, 0), start(1, 2010), REMOTE), Trust::Proven);
        assert_eq!(trust(&evidence(0), moment(1, 0), start(1, 2009), REMOTE), Trust::Unproven);
        assert_eq!(
            trust(&evidence(0), moment(0, 9999), start(1, 0), REMOTE),
            Trust::Proven,
            "another boot is long ago"
        );
    }

    #[test]
    fn a_stamp_in_the_future_is_trusted_until_the_clock_has_passed_it() {
        let evidence = evidence(5000);
        let trust = trust(&evidence, moment(1, 0), start(1000, 3000), FINE);
        assert_eq!(trust, Trust::UntilStamp);
        let reading = crate::fingerprint::tests::reading(evidence, trust);
        let holds = |millis: i64| still_holds(&reading, &evidence, Timestamp::from_nanos(millis * 1_000_000), FINE);
        assert!(holds(4000));
        assert!(!holds(5021));
    }

    #[test]
    fn a_fraction_of_a_second_in_a_local_ctime_shows_a_fine_step() {
        let stamps = StampsByDevice::default();
        stamps.meet(1, || true);
        stamps.meet(2, || false);
        assert_eq!(stamps.learn(1, Timestamp::from_parts(7, 0)).step, COARSE_STEP);
        assert_eq!(stamps.learn(1, Timestamp::from_parts(7, 1)).step, FINE_STEP);
        assert_eq!(stamps.learn(1, Timestamp::from_parts(7, 0)).step, FINE_STEP);
        assert_eq!(
            stamps.learn(2, Timestamp::from_parts(7, 1)).step,
            COARSE_STEP,
            "a file server's clock says nothing"
        );
    }
}
