//! [`DiskFile`]: a held regular file.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::Timestamp;
use rustix::fs::{Mode, fchmod, futimens};

use super::stat;
use crate::fs::{File, Stat};

/// A held regular file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: std::fs::File,
    /// Mode or mtime was set through this handle: `fdatasync` would leave them behind.
    metadata_set: AtomicBool,
}

impl DiskFile {
    pub(super) fn new(file: std::fs::File) -> Self {
        Self { file, metadata_set: AtomicBool::new(false) }
    }
}

impl File for DiskFile {
    fn stat(&self) -> io::Result<Stat> {
        stat::of_descriptor(&self.file)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
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
}
