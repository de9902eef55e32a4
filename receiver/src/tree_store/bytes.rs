//! Reading, copying and hashing files, a buffer at a time.

use std::io;

use protocol::{ByteRange, ContentId};
use seams::fs::File;
use seams::stretches::each_portion;

/// Bytes read at once.
pub(super) const BUFFER_BYTES: usize = 256 * 1024;
/// Holes are looked for in ranges from this length on: in shorter ones looking costs more than it saves.
pub(super) const HOLE_BYTES: u64 = 64 * 1024;

/// BLAKE3 of a whole file.
pub(super) fn hash(file: &dyn File) -> io::Result<ContentId> {
    hash_range(file, ByteRange { offset: 0, length: file.stat()?.size })
}

/// BLAKE3 of a range of a file, as far as the file goes.
pub(super) fn hash_range(file: &dyn File, range: ByteRange) -> io::Result<ContentId> {
    let mut hasher = blake3::Hasher::new();
    hash_on(&mut hasher, file, range)?;
    Ok(hasher.finalize().into())
}

/// Hashes a range of a file, as far as the file goes, without reading its holes. Answers how far that was.
pub(super) fn hash_on(hasher: &mut blake3::Hasher, file: &dyn File, range: ByteRange) -> io::Result<u64> {
    each_portion(file, range, |portion| {
        hasher.update(portion);
    })
}

/// Copies a range of a file, as far as it goes, to where another file has a hole: what is a hole stays one.
pub(super) fn copy(from: &dyn File, range: ByteRange, to: &dyn File, at: u64) -> io::Result<()> {
    if range.length < HOLE_BYTES {
        return each_buffer(from, range, |done, bytes| to.write_all_at(bytes, at + done)).map(drop);
    }
    let end = range.offset.saturating_add(range.length);
    let mut offset = range.offset;
    while offset < end
        && let Some(data) = from.data_from(offset)?
        && data.offset < end
    {
        let data_end = data.offset.saturating_add(data.length).min(end);
        let data = ByteRange { offset: data.offset, length: data_end - data.offset };
        to.copy_from(from, data, at + (data.offset - range.offset))?;
        offset = data_end;
    }
    Ok(())
}

/// Hands over a range in order, as far as the file goes, with how much came before. Answers how far that was.
pub(super) fn each_buffer(
    file: &dyn File,
    range: ByteRange,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<u64> {
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
    Ok(done)
}
