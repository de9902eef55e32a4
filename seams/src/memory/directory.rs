//! [`MemoryDirectory`]: a held directory.

use std::any::Any;
use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath, Timestamp};
use rustix::io::Errno;

use super::file::MemoryFile;
use super::handle::Handle;
use super::inode::{Content, Number};
use super::inodes::{Inodes, join};
use super::operation::{Operation, OperationKind};
use super::walk::MemoryWalk;
use crate::fs::{Directory, File, FilesystemIdentity, Room, Stat, Walk};

/// A held directory.
#[derive(Debug)]
pub(super) struct MemoryDirectory {
    handle: Handle,
}

impl MemoryDirectory {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// An operation on the directory itself.
    fn on_self<T>(
        &self,
        kind: OperationKind,
        act: impl FnOnce(&mut Inodes, Number, Timestamp) -> io::Result<T>,
    ) -> io::Result<T> {
        let own = self.handle.number;
        let operation = |inodes: &Inodes| Operation::new(kind, inodes.path(own));
        self.handle.shared.perform(operation, |inodes, now| act(inodes, own, now))
    }

    /// An operation on a name in it.
    fn on_name<T>(
        &self,
        kind: OperationKind,
        name: &Name,
        act: impl FnOnce(&mut Inodes, Number, Timestamp) -> io::Result<T>,
    ) -> io::Result<T> {
        let own = self.handle.number;
        let operation = |inodes: &Inodes| Operation::new(kind, join(inodes.path(own), name.as_bytes()));
        self.handle.shared.perform(operation, |inodes, now| act(inodes, own, now))
    }

    /// An operation that gives what a name in it stands for a name in another directory.
    fn onto(
        &self,
        kind: OperationKind,
        name: &Name,
        to: &dyn Directory,
        to_name: &Name,
        act: impl FnOnce(&mut Inodes, Number, Number, Timestamp) -> io::Result<()>,
    ) -> io::Result<()> {
        let to = self.of_same_file_system(to)?;
        let own = self.handle.number;
        let operation = |inodes: &Inodes| Operation {
            kind,
            path: join(inodes.path(own), name.as_bytes()),
            to: Some(join(inodes.path(to), to_name.as_bytes())),
        };
        self.handle.shared.perform(operation, |inodes, now| act(inodes, own, to, now))
    }

    fn of_same_file_system(&self, other: &dyn Directory) -> io::Result<Number> {
        let other = other.as_any().downcast_ref::<Self>().filter(|other| self.shares_with(other));
        Ok(other.ok_or(Errno::XDEV)?.handle.number)
    }

    fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle.shared, &other.handle.shared)
    }

    /// Opens what lies at a path below it.
    fn open(
        &self,
        kind: OperationKind,
        path: &[u8],
        find: impl FnOnce(&mut Inodes, Number, Timestamp) -> io::Result<Number>,
    ) -> io::Result<Handle> {
        let own = self.handle.number;
        let operation = |inodes: &Inodes| Operation::new(kind, join(inodes.path(own), path));
        self.handle.shared.open(operation, |inodes, now| find(inodes, own, now))
    }

    /// Opens a directory below it, `path` being `names`, through whatever is mounted on the way.
    fn descend(&self, path: &[u8], names: &[Name]) -> io::Result<Arc<dyn Directory>> {
        let Handle { shared, number } = &self.handle;
        shared.check(|inodes| Operation::new(OperationKind::OpenDirectory, join(inodes.path(*number), path)))?;
        Ok(Arc::new(Self::new(shared.descend(*number, names)?)))
    }

    fn open_file_as(&self, kind: OperationKind, name: &Name, writable: bool) -> io::Result<Box<dyn File>> {
        let handle = self.open(kind, name.as_bytes(), |inodes, own, _| {
            let found = inodes.lookup(own, name)?;
            inodes.expect_file(found)
        })?;
        Ok(self.file(handle, name, writable))
    }

    fn file(&self, handle: Handle, name: &Name, writable: bool) -> Box<dyn File> {
        let path = join(self.handle.shared.inodes().path(self.handle.number), name.as_bytes());
        Box::new(MemoryFile::new(handle, path, writable))
    }
}

impl Directory for MemoryDirectory {
    fn own_stat(&self) -> io::Result<Stat> {
        self.on_self(OperationKind::OwnStat, |inodes, own, _| Ok(inodes.stat(own)))
    }

    fn stat(&self, name: &Name) -> io::Result<Stat> {
        self.on_name(OperationKind::Stat, name, |inodes, own, _| inodes.stat_name(own, name))
    }

    fn birth(&self, name: &Name) -> io::Result<Option<Timestamp>> {
        self.on_name(OperationKind::Stat, name, |inodes, own, _| inodes.birth(own, name).map(Some))
    }

    fn filesystem(&self) -> io::Result<FilesystemIdentity> {
        self.on_self(OperationKind::Filesystem, |_, _, _| Ok(()))?;
        Ok(self.handle.shared.settings().filesystem.clone())
    }

    fn list(&self) -> io::Result<Vec<Name>> {
        let names = self.on_self(OperationKind::List, |inodes, own, _| inodes.list(own))?;
        for name in &names {
            self.on_name(OperationKind::ListNext, name, |_, _, _| Ok(()))?;
        }
        Ok(names)
    }

    fn walk(&self) -> Box<dyn Walk> {
        Box::new(MemoryWalk::below(self.handle.clone()))
    }

    fn open_directory(&self, name: &Name) -> io::Result<Arc<dyn Directory>> {
        self.descend(name.as_bytes(), std::slice::from_ref(name))
    }

    fn open_below(&self, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
        self.descend(path.as_bytes(), &path.components().collect::<Vec<_>>())
    }

    fn open_file(&self, name: &Name) -> io::Result<Box<dyn File>> {
        self.open_file_as(OperationKind::OpenFile, name, false)
    }

    fn read_link(&self, name: &Name) -> io::Result<Vec<u8>> {
        self.on_name(OperationKind::ReadLink, name, |inodes, own, _| inodes.read_link(inodes.lookup(own, name)?))
    }

    fn create_file(&self, name: &Name) -> io::Result<Box<dyn File>> {
        let handle = self.open(OperationKind::CreateFile, name.as_bytes(), |inodes, own, now| {
            inodes.create(own, name, Content::File(Vec::new()), 0o600, now)
        })?;
        Ok(self.file(handle, name, true))
    }

    fn open_file_for_writing(&self, name: &Name) -> io::Result<Box<dyn File>> {
        self.open_file_as(OperationKind::OpenFileForWriting, name, true)
    }

    fn create_directory(&self, name: &Name) -> io::Result<()> {
        self.on_name(OperationKind::CreateDirectory, name, |inodes, own, now| {
            inodes.create(own, name, Content::new_directory(), 0o700, now).map(|_| ())
        })
    }

    fn create_symlink(&self, name: &Name, target: &[u8]) -> io::Result<()> {
        self.on_name(OperationKind::CreateSymlink, name, |inodes, own, now| {
            inodes.create_symlink(own, name, target, now)
        })
    }

    fn link(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()> {
        self.onto(OperationKind::Link, name, to, to_name, |inodes, own, to, now| {
            inodes.link(inodes.lookup(own, name)?, to, to_name, now)
        })
    }

    fn rename(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()> {
        self.onto(OperationKind::Rename, name, to, to_name, |inodes, own, to, now| {
            inodes.rename(own, name, to, to_name, now)
        })
    }

    fn remove_file(&self, name: &Name) -> io::Result<()> {
        self.on_name(OperationKind::RemoveFile, name, |inodes, own, now| inodes.remove_file(own, name, now))
    }

    fn remove_directory(&self, name: &Name) -> io::Result<()> {
        self.on_name(OperationKind::RemoveDirectory, name, |inodes, own, now| inodes.remove_directory(own, name, now))
    }

    fn set_mode(&self, name: &Name, mode: u16) -> io::Result<()> {
        self.on_name(OperationKind::SetMode, name, |inodes, own, now| {
            let number = inodes.lookup(own, name)?;
            if inodes.stat(number).kind == crate::fs::FileKind::Symlink {
                return Err(rustix::io::Errno::LOOP.into());
            }
            inodes.set_mode(number, mode, now);
            Ok(())
        })
    }

    fn set_own_mode(&self, mode: u16) -> io::Result<()> {
        self.on_self(OperationKind::SetOwnMode, |inodes, own, now| {
            inodes.set_mode(own, mode, now);
            Ok(())
        })
    }

    fn set_own_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        self.on_self(OperationKind::SetOwnMtime, |inodes, own, now| {
            inodes.set_mtime(own, mtime, now);
            Ok(())
        })
    }

    fn set_mtime(&self, name: &Name, mtime: Timestamp) -> io::Result<()> {
        self.on_name(OperationKind::SetMtime, name, |inodes, own, now| {
            inodes.set_mtime(inodes.lookup(own, name)?, mtime, now);
            Ok(())
        })
    }

    /// Here everything is always root's.
    fn set_owner(&self, name: &Name, _uid: u32, _gid: u32) -> io::Result<()> {
        self.on_name(OperationKind::SetOwnMode, name, |inodes, own, _| inodes.lookup(own, name).map(drop))
    }

    fn sync(&self) -> io::Result<()> {
        self.on_self(OperationKind::Sync, |_, _, _| Ok(()))
    }

    fn sync_filesystem(&self) -> io::Result<()> {
        self.on_self(OperationKind::SyncFilesystem, |_, _, _| Ok(()))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.on_self(OperationKind::FreeBytes, |inodes, _, _| Ok(inodes.free_bytes()))
    }

    fn room(&self) -> io::Result<Room> {
        self.on_self(OperationKind::FreeBytes, |inodes, _, _| {
            Ok(Room { free_bytes: inodes.free_bytes(), total_bytes: inodes.capacity(), free_files: None })
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
