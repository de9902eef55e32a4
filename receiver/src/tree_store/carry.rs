//! Copying a range and hashing it on the way: each byte is read once, and what is read next comes while the last is
//! written.

use std::io;

use protocol::ByteRange;
use seams::fs::File;
use seams::parallel::Parallel;
use seams::stretches::{Stretch, Stretches};

/// Bytes that are read, and then written, at a time.
const PORTION_BYTES: usize = 1024 * 1024;
/// From this length on reading and writing go on together.
const LEAST_TOGETHER_BYTES: u64 = 4 * 1024 * 1024;

/// What was read, and is to be written.
struct Portion {
    bytes: Vec<u8>,
    length: usize,
    /// Where it is to be written; behind holes.
    at: u64,
}

/// Copies a range of a file, as far as the file goes, to where another has a hole; what is a hole stays one. `hasher`
/// takes what is copied, but where this fails: then it took more than was written. Answers how far the file went.
pub(super) fn carry(
    from: &dyn File,
    range: ByteRange,
    to: &dyn File,
    at: u64,
    hasher: &mut blake3::Hasher,
) -> io::Result<u64> {
    let parallel = if range.length < LEAST_TOGETHER_BYTES { Parallel::in_order() } else { Parallel::new(2) };
    let room = usize::try_from(range.length).unwrap_or(usize::MAX).clamp(1, PORTION_BYTES);
    let portion = || Portion { bytes: vec![0; room], length: 0, at };
    let (mut now, mut next) = (portion(), portion());
    let mut stretches = Stretches::of(from, range);
    now.read(&mut stretches, at, hasher)?;
    while now.length > 0 {
        let write = || to.write_all_at(&now.bytes[..now.length], now.at);
        let (written, read) = parallel.both(write, || next.read(&mut stretches, now.end(), hasher));
        written.and(read)?;
        std::mem::swap(&mut now, &mut next);
    }
    Ok(now.at - at)
}

impl Portion {
    /// Reads what comes next, which belongs to `at` or behind the holes there; nothing at the end.
    fn read(&mut self, stretches: &mut Stretches<'_>, at: u64, hasher: &mut blake3::Hasher) -> io::Result<()> {
        (self.at, self.length) = (at, 0);
        while let Some(stretch) = stretches.next(&mut self.bytes)? {
            stretch.portions().for_each(|portion| {
                hasher.update(portion);
            });
            match stretch {
                Stretch::Data(bytes) => {
                    self.length = bytes.len();
                    return Ok(());
                }
                Stretch::Hole(hole) => self.at += hole,
            }
        }
        Ok(())
    }

    fn end(&self) -> u64 {
        self.at + self.length as u64
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use protocol::{Name, Timestamp};
    use seams::fs::Fs;
    use seams::memory::{FaultHook, ManualClock, Memory, OperationKind};

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    fn files(bytes: &[u8]) -> (Memory, Box<dyn File>, Box<dyn File>) {
        let fs = Memory::new(Arc::new(ManualClock::new(Timestamp::from_nanos(0))));
        fs.make_directory(Path::new("/d")).expect("made");
        let directory = fs.open_root(Path::new("/d")).expect("opened");
        let file = |name: &[u8]| directory.create_file(&Name::parse(name).expect("valid")).expect("made");
        let (from, to) = (file(b"from"), file(b"to"));
        from.write_all_at(bytes, 0).expect("written");
        to.write_all_at(b"..", 0).expect("written");
        (fs, from, to)
    }

    #[test]
    fn any_range_arrives_whole_and_its_hash_with_it() {
        let bytes = noise(9 * MIB + 17);
        let (_fs, from, to) = files(&bytes);
        for (offset, length) in [(0, 0), (5, 1), (3, MIB), (100, 3 * MIB + 1), (17, 9 * MIB), (9 * MIB, MIB)] {
            let mut hasher = blake3::Hasher::new();
            let range = ByteRange { offset: offset as u64, length: length as u64 };
            let expected = &bytes[offset..bytes.len().min(offset + length)];
            assert_eq!(carry(&*from, range, &*to, 2, &mut hasher).expect("copied"), expected.len() as u64);
            assert_eq!(hasher.finalize(), blake3::hash(expected), "{offset} {length}");
            let mut copied = vec![0; expected.len()];
            let read = to.read_at(&mut copied, 2).expect("read");
            assert!(read == copied.len() && copied == expected, "{offset} {length}");
        }
    }

    #[test]
    fn a_write_that_fails_is_told_also_while_the_next_portion_is_read() {
        let (fs, from, to) = files(&noise(8 * MIB));
        let full: FaultHook =
            Arc::new(|operation| (operation.kind == OperationKind::Write).then(|| io::Error::from_raw_os_error(28)));
        fs.set_fault_hook(Some(full));
        let range = ByteRange { offset: 0, length: 8 * MIB as u64 };
        let failed = carry(&*from, range, &*to, 0, &mut blake3::Hasher::new()).expect_err("no space");
        assert_eq!(failed.raw_os_error(), Some(28));
    }
}
