//! [`Clock`]: what time it is, how long the machine has been up, and waiting.

use std::fmt::Debug;
use std::time::Duration;

use protocol::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// The clock that engines see. They never ask the system themselves.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock. It may be wrong, and it may jump.
    fn now(&self) -> Timestamp;

    /// Time since this machine booted, sleep included: never goes back while the boot lasts.
    fn since_boot(&self) -> Duration;

    /// Which boot this is; a moment of one boot lies long before any of the next.
    fn boot_id(&self) -> BootId;

    /// Lets time pass.
    fn wait(&self, duration: Duration);
}

/// A random id that the kernel gives each boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId(pub [u8; 16]);

/// The machine's own clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot: BootId,
}

impl SystemClock {
    /// Asks the kernel for the boot's id once.
    #[must_use]
    pub fn new() -> Self {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { boot: BootId(parse_uuid(&text)) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The hexadecimal digits of a UUID. Without `/proc` all boots look alike, and no trust outlives its own boot time.
fn parse_uuid(text: &str) -> [u8; 16] {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    id
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let time = clock_gettime(ClockId::Realtime);
        Timestamp::from_parts(time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    fn since_boot(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    fn boot_id(&self) -> BootId {
        self.boot
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam that everything else waits through")]
    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_is_read_from_its_text() {
        let id = parse_uuid("00112233-4455-6677-8899-aabbccddeeff\n");
        assert_eq!(
            id,
            [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]
        );
    }

    #[test]
    fn the_system_clock_moves_forward() {
        let clock = SystemClock::new();
        let before = clock.since_boot();
        assert!(clock.since_boot() >= before);
        assert!(clock.now() > Timestamp::from_parts(1_700_000_000, 0));
    }
}
