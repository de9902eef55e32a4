//! [`ManualClock`]: time that passes only when told to.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use protocol::Timestamp;

use crate::clock::{BootId, Clock};

/// A clock set by hand. Waiting moves it on at once.
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<Hands>,
}

#[derive(Debug)]
struct Hands {
    wall: Timestamp,
    since_boot: Duration,
    boots: u64,
}

impl ManualClock {
    /// A machine that has just booted, at this time.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self { hands: Mutex::new(Hands { wall, since_boot: Duration::ZERO, boots: 1 }) }
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let mut hands = self.hands();
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        hands.wall = hands.wall.plus_nanos(nanos);
        hands.since_boot = hands.since_boot.saturating_add(duration);
    }

    /// Sets the wall clock, as an operator or a time server would. No time passes.
    pub fn set_wall(&self, wall: Timestamp) {
        self.hands().wall = wall;
    }

    /// Boots the machine anew, in no time.
    pub fn reboot(&self) {
        let mut hands = self.hands();
        hands.since_boot = Duration::ZERO;
        hands.boots += 1;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().expect("no holder of this lock panics")
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().wall
    }

    fn since_boot(&self) -> Duration {
        self.hands().since_boot
    }

    fn boot_id(&self) -> BootId {
        BootId(u128::from(self.hands().boots).to_be_bytes())
    }

    fn wait(&self, duration: Duration) {
        self.advance(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_moves_both_clocks_and_setting_only_the_wall() {
        let clock = ManualClock::new(Timestamp::from_parts(100, 0));
        clock.wait(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Timestamp::from_parts(101, 500_000_000));
        clock.set_wall(Timestamp::from_parts(7, 0));
        assert_eq!((clock.now(), clock.since_boot()), (Timestamp::from_parts(7, 0), Duration::from_millis(1_500)));
    }

    #[test]
    fn a_reboot_begins_another_boot_at_the_same_time() {
        let clock = ManualClock::new(Timestamp::from_parts(100, 0));
        clock.advance(Duration::from_secs(5));
        let before = clock.boot_id();
        clock.reboot();
        assert_ne!(clock.boot_id(), before);
        assert_eq!((clock.now(), clock.since_boot()), (Timestamp::from_parts(105, 0), Duration::ZERO));
    }
}
