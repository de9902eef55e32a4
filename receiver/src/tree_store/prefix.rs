//! [`Prefix`]: how far a content is in place, and hashed, from its beginning.

use std::io;

use protocol::{ByteRange, ContentId};
use seams::fs::File;

use crate::tree_store::bytes::hash_on;
use crate::tree_store::carry::carry;

/// The first bytes of a file that are in place for good. Nobody writes to them without [`Prefix::forget`].
#[derive(Debug, Default)]
pub(super) struct Prefix {
    /// Large, and most contents never need one. How much went in is how long the prefix is, also after a read that
    /// failed half way.
    hasher: Option<Box<blake3::Hasher>>,
}

impl Prefix {
    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.hasher.as_ref().map_or(0, |hasher| hasher.count())
    }

    /// Begins anew: some of it was, or will be, written again.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes bytes that were just written behind it.
    pub(super) fn extend_with(&mut self, bytes: &[u8]) {
        self.hasher.get_or_insert_default().update(bytes);
    }

    /// Copies a range of another file to behind it, as far as that goes.
    pub(super) fn extend_from(&mut self, from: &dyn File, range: ByteRange, file: &dyn File) -> io::Result<()> {
        let at = self.length();
        let carried = carry(from, range, file, at, self.hasher.get_or_insert_default());
        carried.map(drop).inspect_err(|_| self.forget())
    }

    /// Reads on to an end.
    pub(super) fn extend(&mut self, file: &dyn File, end: u64) -> io::Result<()> {
        let range = ByteRange { offset: self.length(), length: end.saturating_sub(self.length()) };
        let read = hash_on(self.hasher.get_or_insert_default(), file, range)?;
        if read == range.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// BLAKE3 of its bytes.
    pub(super) fn digest(&self) -> ContentId {
        self.hasher.as_ref().map_or_else(|| ContentId::of(b""), |hasher| hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use protocol::{Name, Timestamp};
    use seams::fs::Fs;
    use seams::memory::{FaultHook, ManualClock, Memory, OperationKind};

    use super::*;

    #[test]
    fn a_read_that_fails_half_way_is_gone_on_with() {
        let fs = Memory::new(Arc::new(ManualClock::new(Timestamp::from_nanos(0))));
        fs.make_directory(Path::new("/d")).expect("made");
        let bytes: Vec<u8> = (0..600_000u32).map(|number| number.to_le_bytes()[0] | 1).collect();
        let directory = fs.open_root(Path::new("/d")).expect("opened");
        let file = directory.create_file(&Name::parse(b"f").expect("valid")).expect("made");
        file.write_all_at(&bytes, 0).expect("written");
        let reads = AtomicUsize::new(0);
        let fails_once: FaultHook = Arc::new(move |operation| {
            let is_second = operation.kind == OperationKind::Read && reads.fetch_add(1, Ordering::Relaxed) == 1;
            is_second.then(|| io::Error::from_raw_os_error(5))
        });
        fs.set_fault_hook(Some(fails_once));
        let (mut prefix, end) = (Prefix::default(), bytes.len() as u64);
        prefix.extend(&*file, end).expect_err("the second buffer cannot be read");
        prefix.extend(&*file, end).expect("the rest can");
        assert_eq!(prefix.digest(), ContentId::of(&bytes));
    }
}
