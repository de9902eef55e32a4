//! [`DiskDirectory`]: a held directory.

use std::any::Any;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Name, RelPath, Timestamp};
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RawDir, Uid, chownat, fchmod, fstatvfs, fsync, futimens, linkat, mkdirat, readlinkat,
    renameat, symlinkat, syncfs, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::file::DiskFile;
use super::{filesystem, open, stat, walk};
use crate::fs::{Directory, File, FilesystemIdentity, Room, Stat, Walk};

/// Room for entries of a directory that the kernel hands over at once, in bytes.
const LISTING_BUFFER_BYTES: usize = 32 * 1024;

/// A held directory.
#[derive(Debug)]
pub(super) struct DiskDirectory {
    descriptor: OwnedFd,
    /// What it was opened by. It may have been renamed since: only good as a hint of where to walk.
    path: Option<PathBuf>,
}

impl DiskDirectory {
    pub(super) fn new(descriptor: OwnedFd, path: Option<PathBuf>) -> Self {
        Self { descriptor, path }
    }

    fn held(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    fn child(&self, descriptor: OwnedFd, path: &[u8]) -> Arc<dyn Directory> {
        let path = self.path.as_deref().map(|own| join(own, path));
        Arc::new(Self::new(descriptor, path))
    }
}

/// `own` itself for the empty path, without a slash at its end.
fn join(own: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { own.to_owned() } else { own.join(OsStr::from_bytes(path)) }
}

/// The other end of a link or rename, which must be on the disk as well.
fn on_disk(directory: &dyn Directory) -> io::Result<BorrowedFd<'_>> {
    match directory.as_any().downcast_ref::<DiskDirectory>() {
        Some(disk) => Ok(disk.held()),
        None => Err(Errno::XDEV.into()),
    }
}

/// Every name that the descriptor lists. Any error spoils the whole: a listing is complete or nothing.
///
/// Not through [`rustix::fs::Dir`], which takes `ENOENT` in the middle of a listing for its end.
fn list(descriptor: OwnedFd) -> io::Result<Vec<Name>> {
    let mut buffer: Vec<MaybeUninit<u8>> = vec![MaybeUninit::uninit(); LISTING_BUFFER_BYTES];
    let mut entries = RawDir::new(descriptor, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        match entry {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(entry) => match entry.file_name().to_bytes() {
                b"." | b".." => {}
                name => names.push(Name::parse(name).map_err(walk::unusable_name)?),
            },
        }
    }
    Ok(names)
}

impl Directory for DiskDirectory {
    fn own_stat(&self) -> io::Result<Stat> {
        stat::of_descriptor(self.held())
    }

    fn stat(&self, name: &Name) -> io::Result<Stat> {
        stat::of_name(self.held(), name)
    }

    fn birth(&self, name: &Name) -> io::Result<Option<Timestamp>> {
        stat::birth_of_name(self.held(), name)
    }

    fn filesystem(&self) -> io::Result<FilesystemIdentity> {
        filesystem::identify(self.held())
    }

    fn list(&self) -> io::Result<Vec<Name>> {
        list(open::again(self.held())?)
    }

    fn walk(&self) -> Box<dyn Walk> {
        walk::below(self.held(), self.path.as_deref())
    }

    fn open_directory(&self, name: &Name) -> io::Result<Arc<dyn Directory>> {
        let descriptor = open::directory(self.held(), name.as_bytes())?;
        Ok(self.child(descriptor, name.as_bytes()))
    }

    fn open_below(&self, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
        let descriptor = open::below(self.held(), path.as_bytes())?;
        Ok(self.child(descriptor, path.as_bytes()))
    }

    fn open_file(&self, name: &Name) -> io::Result<Box<dyn File>> {
        Ok(Box::new(DiskFile::new(open::file(self.held(), name, OFlags::RDONLY)?)))
    }

    fn read_link(&self, name: &Name) -> io::Result<Vec<u8>> {
        Ok(readlinkat(self.held(), name.as_bytes(), Vec::new())?.into_bytes())
    }

    fn create_file(&self, name: &Name) -> io::Result<Box<dyn File>> {
        Ok(Box::new(DiskFile::new(open::new_file(self.held(), name)?)))
    }

    fn open_file_for_writing(&self, name: &Name) -> io::Result<Box<dyn File>> {
        Ok(Box::new(DiskFile::new(open::file(self.held(), name, OFlags::RDWR)?)))
    }

    fn create_directory(&self, name: &Name) -> io::Result<()> {
        Ok(mkdirat(self.held(), name.as_bytes(), Mode::RWXU)?)
    }

    fn create_symlink(&self, name: &Name, target: &[u8]) -> io::Result<()> {
        Ok(symlinkat(target, self.held(), name.as_bytes())?)
    }

    fn link(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()> {
        Ok(linkat(self.held(), name.as_bytes(), on_disk(to)?, to_name.as_bytes(), AtFlags::empty())?)
    }

    fn rename(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()> {
        Ok(renameat(self.held(), name.as_bytes(), on_disk(to)?, to_name.as_bytes())?)
    }

    fn remove_file(&self, name: &Name) -> io::Result<()> {
        Ok(unlinkat(self.held(), name.as_bytes(), AtFlags::empty())?)
    }

    fn remove_directory(&self, name: &Name) -> io::Result<()> {
        Ok(unlinkat(self.held(), name.as_bytes(), AtFlags::REMOVEDIR)?)
    }

    fn set_mode(&self, name: &Name, mode: u16) -> io::Result<()> {
        open::set_mode(self.held(), name, mode)
    }

    fn set_own_mode(&self, mode: u16) -> io::Result<()> {
        Ok(fchmod(self.held(), Mode::from_raw_mode(mode.into()))?)
    }

    fn set_own_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        Ok(futimens(self.held(), &stat::mtime_only(mtime))?)
    }

    fn set_mtime(&self, name: &Name, mtime: Timestamp) -> io::Result<()> {
        let times = stat::mtime_only(mtime);
        Ok(utimensat(self.held(), name.as_bytes(), &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn set_owner(&self, name: &Name, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        Ok(chownat(self.held(), name.as_bytes(), Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fsync(self.held())?)
    }

    fn sync_filesystem(&self) -> io::Result<()> {
        Ok(syncfs(self.held())?)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let room = fstatvfs(self.held())?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }

    fn room(&self) -> io::Result<Room> {
        let room = fstatvfs(self.held())?;
        Ok(Room {
            free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
            total_bytes: room.f_blocks.saturating_mul(room.f_frsize),
            // File systems that make inodes as they need them say that they have none.
            free_files: (room.f_files > 0).then_some(room.f_favail),
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
