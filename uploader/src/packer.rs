//! [`Packer`]: compresses the frames of one round, and learns which level is right for its link.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use protocol::wire::Compression;
use seams::clock::Clock;

use crate::compress::compress;
use crate::compressors::Compressors;
use crate::level::{CompressionLevel, Level};
use crate::level_control::{LevelControl, Sample};

/// So little is compressed well, whatever the link: it costs no time that anybody notices.
const LITTLE_BYTES: u64 = 8 * 1024 * 1024;
/// How well.
const LEVEL_OF_LITTLE: Level = Level::of(9);

/// What is missing of a batch, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Less than anybody notices.
    Little,
    /// Enough to learn from.
    Much,
}

impl Load {
    pub(crate) fn of(bytes: u64) -> Self {
        if bytes < LITTLE_BYTES { Self::Little } else { Self::Much }
    }
}

/// A frame ready to be sent.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) compression: Compression,
    pub(crate) data: Vec<u8>,
    /// What it took so far; nothing where nothing can be learned from it.
    measured: Option<(Option<Level>, Sample)>,
}

/// Compresses for one round, from several threads.
#[derive(Debug)]
pub(crate) struct Packer<'a> {
    wanted: CompressionLevel,
    control: Mutex<LevelControl>,
    compressors: Compressors,
    clock: &'a dyn Clock,
}

impl<'a> Packer<'a> {
    /// For so many threads that compress and send, on so many processors.
    pub(crate) fn new(wanted: CompressionLevel, threads: usize, processors: usize, clock: &'a dyn Clock) -> Self {
        let control = Mutex::new(LevelControl::new(threads, processors));
        Self { wanted, control, compressors: Compressors::new(processors.min(threads)), clock }
    }

    pub(crate) fn pack(&self, raw: Vec<u8>, load: Load) -> Packed {
        let (before, length, level) = (self.now(), raw.len() as u64, self.level(load));
        let (compression, data) = match level {
            Some(level) => compress(raw, level, &self.compressors),
            None => (Compression::None, raw),
        };
        let compressing = self.now().saturating_sub(before);
        let sample = Sample { raw: length, packed: data.len() as u64, compressing, ..Sample::default() };
        // What does not compress tells nothing of how long compressing takes.
        let tells = level.is_some() == (compression == Compression::Zstd);
        Packed { compression, data, measured: tells.then_some((level, sample)) }
    }

    /// Sends a frame by `send`, which answers how long the receiver worked on it, and learns from how long the link
    /// took. Frames that were packed otherwise than is done by now teach nothing, and neither do those that were not sent.
    pub(crate) fn timed<E>(
        &self,
        packed: Packed,
        send: impl FnOnce(Compression, Vec<u8>) -> Result<Duration, E>,
    ) -> Result<(), E> {
        let before = self.now();
        let worked = send(packed.compression, packed.data)?;
        if let Some((level, sample)) = packed.measured {
            let mut control = self.control();
            if control.level() == level {
                control.observe(Sample { sending: self.now().saturating_sub(before + worked), worked, ..sample });
                tracing::trace!(?sample, ?worked, waited = ?self.now().saturating_sub(before), "sent a frame");
                if control.level() != level {
                    let level = control.level().map_or(0, Level::get);
                    tracing::debug!(level, "another level suits the link better");
                }
            }
        }
        Ok(())
    }

    fn level(&self, load: Load) -> Option<Level> {
        match (self.wanted, load) {
            (CompressionLevel::Off, _) => None,
            (CompressionLevel::Fixed(level), _) => Some(level),
            (CompressionLevel::Auto, Load::Little) => Some(LEVEL_OF_LITTLE),
            (CompressionLevel::Auto, Load::Much) => self.control().level(),
        }
    }

    fn now(&self) -> Duration {
        self.clock.since_boot()
    }

    fn control(&self) -> MutexGuard<'_, LevelControl> {
        self.control.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;
    use seams::memory::ManualClock;

    use super::*;

    const FRAMES: usize = 64;

    /// The level after frames that each took a second to be answered, of which the receiver worked so long.
    fn level_where_the_receiver_works(worked: Duration) -> Option<Level> {
        let clock = ManualClock::new(Timestamp::from_nanos(0));
        let packer = Packer::new(CompressionLevel::Auto, 4, 2, &clock);
        for _ in 0..FRAMES {
            let packed = packer.pack(b"fn main() {}\n".repeat(80_000), Load::Much);
            let sent = packer.timed(packed, |_, _| {
                clock.advance(Duration::from_secs(1));
                Ok::<_, ()>(worked)
            });
            assert_eq!(sent, Ok(()));
        }
        packer.level(Load::Much)
    }

    #[test]
    fn a_receiver_that_works_long_is_no_slow_link() {
        let begin = LevelControl::new(4, 2).level();
        assert_eq!(level_where_the_receiver_works(Duration::from_secs(1)), begin);
        assert!(level_where_the_receiver_works(Duration::ZERO) > begin, "a second on the wire is");
    }
}
