//! [`Direct`]: reading and writing past the page cache.
//!
//! Long files that are written once fill the cache with what nobody asks for soon, and pay for every page of it: copying
//! through the cache can take several times as long as the disk does. The kernel wants whole blocks, so what does not fill
//! one goes through the cache as ever; the kernel keeps both in step. Durability is the same: nothing is until it is synced.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, openat};
use rustix::io::{Errno, ReadWriteFlags, preadv2, retry_on_intr};

/// Blocks of all common file systems and disks divide this.
const BLOCK_BYTES: u64 = 4096;
/// What is copied to where the kernel can take it, at a time.
const BUFFER_BYTES: u64 = 1024 * 1024;
/// Less than this is not worth a way of its own.
const LEAST_BYTES: u64 = 64 * 1024;

/// A second handle of a file, which bypasses the page cache.
#[derive(Debug)]
pub(super) struct Direct {
    file: File,
}

impl Direct {
    /// Opens the same file once more; nothing where the file system, or a sandbox, does not allow that.
    pub(super) fn of(file: &File) -> Option<Self> {
        let access = fcntl_getfl(file).ok()? & OFlags::ACCMODE;
        let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        let flags = access | OFlags::DIRECT | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(CWD, path.as_str(), flags, Mode::empty())).ok()?;
        Some(Self { file: File::from(opened) })
    }

    /// Writes the whole blocks among these bytes, as far as the file system takes them; answers which that were.
    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> io::Result<Range<usize>> {
        let (begin, end) = (offset.next_multiple_of(BLOCK_BYTES), block_begin(offset + bytes.len() as u64));
        let place = |at: u64| usize::try_from(at - offset).expect("it lies within the bytes");
        if end < begin + LEAST_BYTES {
            return Ok(0..0);
        }
        let mut buffer = Aligned::new((end - begin).min(BUFFER_BYTES));
        let mut at = begin;
        while at < end {
            let next = end.min(at + BUFFER_BYTES);
            let block = buffer.first(next - at);
            block.copy_from_slice(&bytes[place(at)..place(next)]);
            match self.file.write_all_at(block, at) {
                Err(error) if is_not_for_it(&error) => break,
                written => written?,
            }
            at = next;
        }
        Ok(place(begin)..place(at))
    }

    /// Reads at an offset; nothing where it is better done as ever: for little, or what is in the cache.
    pub(super) fn read(&self, cached: &File, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        if (buffer.len() as u64) < LEAST_BYTES {
            return Ok(None);
        }
        match preadv2(cached, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
            Err(Errno::AGAIN) => {}
            Err(_) => return Ok(None),
            Ok(read) => return Ok(Some(read)),
        }
        let begin = block_begin(offset);
        let skip = usize::try_from(offset - begin).expect("it lies within a block");
        let mut aligned =
            Aligned::new((skip as u64 + buffer.len() as u64).next_multiple_of(BLOCK_BYTES).min(BUFFER_BYTES));
        let blocks = aligned.all();
        let read = match self.file.read_at(blocks, begin) {
            Err(error) if is_not_for_it(&error) || error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            read => read?,
        };
        // Whether it ends here is asked as ever.
        let Some(found) = blocks.get(skip..read).filter(|found| !found.is_empty()) else { return Ok(None) };
        let length = found.len().min(buffer.len());
        buffer[..length].copy_from_slice(&found[..length]);
        Ok(Some(length))
    }
}

/// Whether the file system wants larger blocks, or nothing of it.
fn is_not_for_it(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::OPNOTSUPP))
}

fn block_begin(offset: u64) -> u64 {
    offset - offset % BLOCK_BYTES
}

/// Memory that begins where a block may.
struct Aligned {
    bytes: Vec<u8>,
    begin: usize,
    length: usize,
}

impl Aligned {
    fn new(length: u64) -> Self {
        let size = |bytes: u64| usize::try_from(bytes).expect("buffers fit into memory");
        let bytes = vec![0; size(length + BLOCK_BYTES)];
        let begin = bytes.as_ptr().align_offset(size(BLOCK_BYTES));
        Self { bytes, begin, length: size(length) }
    }

    fn all(&mut self) -> &mut [u8] {
        &mut self.bytes[self.begin..self.begin + self.length]
    }

    fn first(&mut self, length: u64) -> &mut [u8] {
        let length = usize::try_from(length).expect("no more than there is");
        &mut self.all()[..length]
    }
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;
