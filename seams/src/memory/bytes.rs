//! What operations on a file's bytes do to the table.

use std::io;

use protocol::{ByteRange, Timestamp};
use rustix::io::Errno;

use super::inode::{Content, Number};
use super::inodes::Inodes;

/// What a file's room is handed out in: a block that holds zeros alone is a hole.
const BLOCK_BYTES: usize = 4096;

/// The next blocks at or after an offset that are no hole.
pub(super) fn data_from(bytes: &[u8], offset: u64) -> Option<ByteRange> {
    let offset = usize::try_from(offset).ok().filter(|offset| *offset < bytes.len())?;
    let blocks = bytes.len().div_ceil(BLOCK_BYTES);
    let end_of = |block: usize| ((block + 1) * BLOCK_BYTES).min(bytes.len());
    let is_hole = |block: &usize| bytes[block * BLOCK_BYTES..end_of(*block)].iter().all(|byte| *byte == 0);
    let first = (offset / BLOCK_BYTES..blocks).find(|block| !is_hole(block))?;
    let end = (first..blocks).find(is_hole).map_or(bytes.len(), |hole| hole * BLOCK_BYTES);
    let begin = offset.max(first * BLOCK_BYTES);
    Some(ByteRange { offset: begin as u64, length: (end - begin) as u64 })
}

impl Inodes {
    /// The bytes of a file.
    pub(super) fn bytes(&self, file: Number) -> io::Result<&[u8]> {
        match &self.get(file).content {
            Content::File(bytes) => Ok(bytes),
            other => Err(other.kind().not_a_file()),
        }
    }

    /// Writes, filling a gap before the offset with zeros.
    pub(super) fn write(&mut self, file: Number, bytes: &[u8], offset: u64, now: Timestamp) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        let end = start.checked_add(bytes.len()).ok_or(Errno::FBIG)?;
        let length = self.bytes(file)?.len().max(end);
        self.resize(file, length, now)?[start..end].copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn set_length(&mut self, file: Number, length: u64, now: Timestamp) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| Errno::FBIG)?;
        self.resize(file, length, now).map(|_| ())
    }

    /// Writes over bytes that are there; no stamp moves.
    pub(super) fn overwrite_silently(&mut self, file: Number, bytes: &[u8], offset: usize) -> io::Result<()> {
        let Content::File(held) = &mut self.get_mut(file).content else { return Err(Errno::INVAL.into()) };
        let end = offset.checked_add(bytes.len()).ok_or(Errno::FBIG)?;
        held.get_mut(offset..end).ok_or(Errno::INVAL)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Gives a file's bytes a new length, zeros at the end where it grows.
    fn resize(&mut self, file: Number, length: usize, now: Timestamp) -> io::Result<&mut [u8]> {
        self.account(self.get(file).content.size(), u64::try_from(length).map_err(|_| Errno::FBIG)?)?;
        let inode = self.get_mut(file);
        inode.touch(now);
        match &mut inode.content {
            Content::File(bytes) => {
                bytes.resize(length, 0);
                Ok(bytes)
            }
            other => Err(other.kind().not_a_file()),
        }
    }
}
