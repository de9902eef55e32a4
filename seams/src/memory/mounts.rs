//! Mounting: a name in one file system leads to the root of another.
//!
//! Locks are taken from the outside in: a file system may be looked at while what it is mounted on is locked, never the
//! other way round.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use protocol::Name;
use rustix::io::Errno;

use super::handle::{Handle, Shared};
use super::inode::Number;
use super::inodes::{Inodes, ROOT};
use super::{Memory, components};

impl Memory {
    /// Another file system of the same machine: empty, with the same clock and the same hook, mounted nowhere.
    #[must_use]
    pub fn another(&self) -> Self {
        let shared = Shared::on(Arc::clone(&self.shared.machine), Arc::clone(&self.shared.clock));
        Self { shared: Arc::new(shared) }
    }

    /// Mounts another file system on a directory. It gets a device number that nothing had before, as network and
    /// overlay file systems do; handles that are open below the directory keep what they had.
    ///
    /// # Errors
    /// Where no directory is at the path, or the path is this file system's own root; EBUSY where it is a mount point.
    pub fn mount(&self, at: &Path, other: &Self) -> io::Result<()> {
        let (above, name) = self.parent_of(at)?;
        other.shared.inodes().set_device(self.shared.machine.new_device());
        other.shared.settings().mounted_at = at.as_os_str().as_bytes().to_vec();
        above.shared.inodes().mount(above.number, &name, Arc::clone(&other.shared))
    }

    /// Unmounts what is mounted on a directory, which then shows what it held before.
    ///
    /// # Errors
    /// EINVAL where nothing is mounted; EBUSY while handles are open there, or something is mounted below.
    pub fn unmount(&self, at: &Path) -> io::Result<()> {
        let (above, name) = self.parent_of(at)?;
        let mut inodes = above.shared.inodes();
        if inodes.mounted_on(above.number, &name)?.inodes().is_busy() {
            return Err(Errno::BUSY.into());
        }
        inodes.unmount(above.number, &name)
    }

    /// The same, also while handles are open, which go on working; but whatever is mounted below is unmounted as well,
    /// so that they find the directories under it.
    ///
    /// # Errors
    /// EINVAL where nothing is mounted.
    pub fn unmount_lazily(&self, at: &Path) -> io::Result<()> {
        let (above, name) = self.parent_of(at)?;
        let mut inodes = above.shared.inodes();
        inodes.mounted_on(above.number, &name)?.inodes().unmount_all();
        inodes.unmount(above.number, &name)
    }

    /// The directory that holds the last name of a path, and that name. No hook is called.
    pub(super) fn parent_of(&self, path: &Path) -> io::Result<(Handle, Name)> {
        let mut names = components(path)?;
        let last = names.pop().ok_or(Errno::BUSY)?;
        Ok((self.shared.descend(ROOT, &names)?, last))
    }
}

impl Shared {
    /// Opens the directory that some names lead to, each in the directory of the one before, through whatever is
    /// mounted on the way.
    pub(super) fn descend(self: &Arc<Self>, from: Number, names: &[Name]) -> io::Result<Handle> {
        let mut inodes = self.inodes();
        let mut at = inodes.expect_directory(from)?;
        for (index, name) in names.iter().enumerate() {
            at = inodes.lookup(at, name).and_then(|found| inodes.expect_directory(found))?;
            if let Some(other) = inodes.mounts.get(&at).cloned() {
                drop(inodes);
                return other.descend(ROOT, &names[index + 1..]);
            }
        }
        inodes.hold(at);
        drop(inodes);
        Ok(Handle { shared: Arc::clone(self), number: at })
    }
}

impl Inodes {
    /// Whether anybody would notice if this file system were unmounted.
    fn is_busy(&self) -> bool {
        self.is_held() || !self.mounts.is_empty()
    }

    fn mount(&mut self, above: Number, name: &Name, other: Arc<Shared>) -> io::Result<()> {
        let at = self.lookup(above, name).and_then(|found| self.expect_directory(found))?;
        self.expect_not_mounted_on(at)?;
        self.mounts.insert(at, other);
        Ok(())
    }

    fn unmount(&mut self, above: Number, name: &Name) -> io::Result<()> {
        let at = self.lookup(above, name)?;
        self.mounts.remove(&at).map(drop).ok_or_else(|| Errno::INVAL.into())
    }

    fn unmount_all(&mut self) {
        std::mem::take(&mut self.mounts).into_values().for_each(|below| below.inodes().unmount_all());
    }

    fn mounted_on(&self, above: Number, name: &Name) -> io::Result<&Arc<Shared>> {
        self.mounts.get(&self.lookup(above, name)?).ok_or_else(|| Errno::INVAL.into())
    }

    /// A directory that something is mounted on cannot be renamed, removed or mounted on once more.
    pub(super) fn expect_not_mounted_on(&self, number: Number) -> io::Result<()> {
        if self.mounts.contains_key(&number) { Err(Errno::BUSY.into()) } else { Ok(()) }
    }
}
