//! [`Prefix`]: how far a content is in place, and hashed, from its beginning.

use std::io;

use protocol::{ByteRange, ContentId};
use seams::fs::File;

use crate::tree_store::bytes::each_buffer;

/// The first bytes of a file that are in place for good. Nobody writes to them without [`Prefix::forget`].
#[derive(Debug, Default)]
pub(super) struct Prefix {
    /// Large, and most contents never need one.
    hasher: Option<Box<blake3::Hasher>>,
    length: u64,
}

impl Prefix {
    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Begins anew: some of it was, or will be, written again.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes bytes that were just written behind it.
    pub(super) fn extend_with(&mut self, bytes: &[u8]) {
        self.hasher.get_or_insert_default().update(bytes);
        self.length += bytes.len() as u64;
    }

    /// Reads on to an end.
    pub(super) fn extend(&mut self, file: &dyn File, end: u64) -> io::Result<()> {
        let range = ByteRange { offset: self.length, length: end.saturating_sub(self.length) };
        let read = each_buffer(file, range, |_, bytes| {
            self.extend_with(bytes);
            Ok(())
        })?;
        if read == range.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// BLAKE3 of its bytes.
    pub(super) fn digest(&self) -> ContentId {
        self.hasher.as_ref().map_or_else(|| ContentId::of(b""), |hasher| hasher.finalize().into())
    }
}
