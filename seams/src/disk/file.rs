//! [`DiskFile`]: a held regular file.

use std::any::Any;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{ByteRange, Timestamp};
use rustix::fs::{FsWord, Mode, SeekFrom, copy_file_range, fchmod, fstatfs, futimens, seek};
use rustix::io::Errno;

use super::direct::Direct;
use super::stat;
use crate::fs::{File, Stat, copy_by_reading};

/// Most bytes that one system call copies, so that it can be interrupted.
const COPY_STRETCH_BYTES: usize = 256 * 1024 * 1024;

/// File systems that copy by reading and writing through the page cache: ext2 to ext4, and memory.
const COPIES_BY_READING: [FsWord; 2] = [0xEF53, 0x0102_1994];

/// File systems that share blocks share whole ones, of this size or of one that divides it.
const BLOCK_BYTES: u64 = 4096;

/// How many bytes the next system call is to copy of what is left: what lies before a block that begins in both files goes
/// by itself, for what begins within a block is never shared.
pub(super) fn stretch(from: u64, to: u64, left: u64) -> usize {
    let within = from % BLOCK_BYTES;
    let before_block = if within > 0 && within == to % BLOCK_BYTES { BLOCK_BYTES - within } else { u64::MAX };
    usize::try_from(left.min(before_block)).unwrap_or(usize::MAX).min(COPY_STRETCH_BYTES)
}

/// A held regular file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: std::fs::File,
    /// The way past the page cache, if it is to be taken.
    direct: Option<Direct>,
    /// Mode or mtime was set through this handle: `fdatasync` would leave them behind.
    metadata_set: AtomicBool,
}

impl DiskFile {
    pub(super) fn new(file: std::fs::File) -> Self {
        Self { file, direct: None, metadata_set: AtomicBool::new(false) }
    }

    /// Where data or a hole begins at or after an offset; nothing past the end.
    fn seek(&self, to: SeekFrom) -> io::Result<Option<u64>> {
        match seek(&self.file, to) {
            Err(Errno::NXIO) => Ok(None),
            found => Ok(Some(found?)),
        }
    }

    /// Lets the kernel copy, as far as it will; an error is one of the first byte only.
    fn copy_in_kernel(&self, source: &Self, range: ByteRange, at: u64) -> Result<u64, Errno> {
        let (mut from, mut to) = (range.offset, at);
        let mut left = range.length;
        while left > 0 {
            let most = stretch(from, to, left);
            match copy_file_range(&source.file, Some(&mut from), &self.file, Some(&mut to), most) {
                Ok(0) => break,
                Ok(copied) => left -= copied as u64,
                Err(Errno::INTR) => {}
                Err(error) if left == range.length => return Err(error),
                Err(_) => break,
            }
        }
        Ok(range.length - left)
    }
}

impl File for DiskFile {
    fn stat(&self) -> io::Result<Stat> {
        stat::of_descriptor(&self.file)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(direct) = &self.direct
            && let Some(read) = direct.read(&self.file, buffer, offset)?
        {
            return Ok(read);
        }
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let written = self.direct.as_ref().map_or(Ok(0..0), |direct| direct.write(bytes, offset))?;
        self.file.write_all_at(&bytes[..written.start], offset)?;
        self.file.write_all_at(&bytes[written.end..], offset + written.end as u64)
    }

    fn bypass_cache(&mut self) {
        self.direct = Direct::of(&self.file);
    }

    fn copies_cheaply(&self) -> bool {
        fstatfs(&self.file).is_ok_and(|system| !COPIES_BY_READING.contains(&system.f_type))
    }

    fn data_from(&self, offset: u64) -> io::Result<Option<ByteRange>> {
        let Some(begin) = self.seek(SeekFrom::Data(offset))? else { return Ok(None) };
        let end = self.seek(SeekFrom::Hole(begin))?.unwrap_or(begin);
        Ok(Some(ByteRange { offset: begin, length: end.saturating_sub(begin) }).filter(|data| data.length > 0))
    }

    fn copy_from(&self, source: &dyn File, range: ByteRange, at: u64) -> io::Result<u64> {
        let copied = match source.as_any().downcast_ref::<Self>() {
            // Whatever the kernel cannot copy, or not to its end, is read and written: an error of the disk shows then.
            Some(source) => self.copy_in_kernel(source, range, at).unwrap_or(0),
            None => 0,
        };
        let rest = ByteRange { offset: range.offset.saturating_add(copied), length: range.length - copied };
        let rest = copy_by_reading(source, rest, at + copied, |bytes, at| self.write_all_at(bytes, at))?;
        Ok(copied + rest)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn set_mode(&self, mode: u16) -> io::Result<()> {
        fchmod(&self.file, Mode::from_raw_mode(mode.into()))?;
        self.metadata_set.store(true, Ordering::Release);
        Ok(())
    }

    fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        futimens(&self.file, &stat::mtime_only(mtime))?;
        self.metadata_set.store(true, Ordering::Release);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if self.metadata_set.load(Ordering::Acquire) { self.file.sync_all() } else { self.file.sync_data() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
