//! Reading, copying and hashing files, a buffer at a time.

use std::io;

use protocol::{ByteRange, ContentId};
use seams::fs::File;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// BLAKE3 of a whole file.
pub(super) fn hash(file: &dyn File) -> io::Result<ContentId> {
    hash_range(file, ByteRange { offset: 0, length: u64::MAX })
}

/// BLAKE3 of a range of a file, as far as the file goes.
pub(super) fn hash_range(file: &dyn File, range: ByteRange) -> io::Result<ContentId> {
    let mut hasher = blake3::Hasher::new();
    each_buffer(file, range, |_, bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize().into())
}

/// Copies a range of a file to another place of another, and answers the BLAKE3 of what was copied.
pub(super) fn copy(from: &dyn File, range: ByteRange, to: &dyn File, at: u64) -> io::Result<ContentId> {
    let mut hasher = blake3::Hasher::new();
    each_buffer(from, range, |done, bytes| {
        hasher.update(bytes);
        to.write_all_at(bytes, at + done)
    })?;
    Ok(hasher.finalize().into())
}

/// Hands over a range in order, as far as the file goes, with how much came before.
fn each_buffer(
    file: &dyn File,
    range: ByteRange,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let length = usize::try_from(range.length).unwrap_or(usize::MAX).min(BUFFER_BYTES);
    let mut buffer = vec![0; length];
    let mut done = 0;
    while done < range.length {
        let room = usize::try_from(range.length - done).unwrap_or(usize::MAX).min(buffer.len());
        match file.read_at(&mut buffer[..room], range.offset.saturating_add(done))? {
            0 => break,
            read => {
                take(done, &buffer[..read])?;
                done += read as u64;
            }
        }
    }
    Ok(())
}
