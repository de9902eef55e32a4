//! [`MemoryFile`]: a held regular file.

use std::any::Any;
use std::io;

use protocol::Timestamp;
use rustix::io::Errno;

use super::handle::Handle;
use super::inode::Number;
use super::inodes::Inodes;
use super::operation::{Operation, OperationKind};
use crate::fs::{File, Stat};

/// A held regular file.
#[derive(Debug)]
pub(super) struct MemoryFile {
    handle: Handle,
    path: Vec<u8>,
    writable: bool,
}

impl MemoryFile {
    pub(super) fn new(handle: Handle, path: Vec<u8>, writable: bool) -> Self {
        Self { handle, path, writable }
    }

    fn perform<T>(
        &self,
        kind: OperationKind,
        act: impl FnOnce(&mut Inodes, Number, Timestamp) -> io::Result<T>,
    ) -> io::Result<T> {
        let operation = |_: &Inodes| Operation::new(kind, self.path.clone());
        self.handle.shared.perform(operation, |inodes, now| act(inodes, self.handle.number, now))
    }

    /// What a file that was opened for reading only answers to a change.
    fn expect_writable(&self, otherwise: Errno) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(otherwise.into()) }
    }
}

impl File for MemoryFile {
    fn stat(&self) -> io::Result<Stat> {
        self.perform(OperationKind::OwnStat, |inodes, own, _| Ok(inodes.stat(own)))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.perform(OperationKind::Read, |inodes, own, _| {
            let bytes = inodes.bytes(own)?;
            let rest = usize::try_from(offset).ok().and_then(|start| bytes.get(start..)).unwrap_or(&[]);
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if bytes.is_empty() {
            // As on the disk, where no system call is made for nothing.
            return Ok(());
        }
        self.perform(OperationKind::Write, |inodes, own, now| {
            self.expect_writable(Errno::BADF)?;
            inodes.write(own, bytes, offset, now)
        })
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.perform(OperationKind::SetLength, |inodes, own, now| {
            self.expect_writable(Errno::INVAL)?;
            inodes.set_length(own, length, now)
        })
    }

    fn set_mode(&self, mode: u16) -> io::Result<()> {
        self.perform(OperationKind::SetOwnMode, |inodes, own, now| {
            inodes.set_mode(own, mode, now);
            Ok(())
        })
    }

    fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        self.perform(OperationKind::SetOwnMtime, |inodes, own, now| {
            inodes.set_mtime(own, mtime, now);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.perform(OperationKind::Sync, |_, _, _| Ok(()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
