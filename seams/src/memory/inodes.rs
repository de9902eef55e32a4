//! [`Inodes`]: the table of everything. What operations do to it is also in `naming` and `bytes`.
//!
//! A plain value: no lock, no clock, no hook. Invariant: every name leads to an inode in the table, and every
//! inode in the table has a name or an open handle.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use protocol::{Name, Timestamp};
use rustix::io::Errno;

use super::handle::Shared;
use super::inode::{Content, Inode, Names, Number, Place};
use crate::fs::{FileKind, Stat};

/// How much files may hold where no capacity is given, in bytes: all of it is real memory.
const DEFAULT_CAPACITY_BYTES: u64 = 1 << 30;

pub(super) const ROOT: Number = Number(1);

/// Every inode of a file system.
#[derive(Debug, Clone)]
pub(super) struct Inodes {
    table: BTreeMap<Number, Inode>,
    last: Number,
    /// Numbers that may be given again, the one freed last at the end; nothing where none ever is.
    free: Option<Vec<Number>>,
    /// How much larger the inode numbers that `stat` tells are than those in the table.
    renumbered_by: u64,
    device: u64,
    /// What is mounted on which directory.
    pub(super) mounts: BTreeMap<Number, Arc<Shared>>,
    capacity: u64,
    used: u64,
}

impl Inodes {
    /// A root directory with nothing in it.
    pub(super) fn new(device: u64, now: Timestamp) -> Self {
        let root = Inode::new(Content::new_directory(), 0o755, now);
        Self {
            table: BTreeMap::from([(ROOT, root)]),
            last: ROOT,
            free: None,
            renumbered_by: 0,
            device,
            mounts: BTreeMap::new(),
            capacity: DEFAULT_CAPACITY_BYTES,
            used: 0,
        }
    }

    pub(super) fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes;
    }

    pub(super) fn set_device(&mut self, device: u64) {
        self.device = device;
    }

    /// Numbers of what is gone are given again, the last one first, as real file systems do.
    pub(super) fn reuse_numbers(&mut self) {
        self.free.get_or_insert_default();
    }

    /// Gives everything an inode number that nothing had before.
    pub(super) fn renumber(&mut self) {
        self.renumbered_by += self.last.0;
    }

    /// Gives everything the same new ctime.
    pub(super) fn renew_ctimes(&mut self, now: Timestamp) {
        self.table.values_mut().for_each(|inode| inode.ctime = now);
    }

    /// Whether any handle is open.
    pub(super) fn is_held(&self) -> bool {
        self.table.values().any(|inode| inode.handles > 0)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }

    pub(super) fn stat(&self, number: Number) -> Stat {
        let inode = self.get(number);
        Stat {
            kind: inode.content.kind(),
            mode: inode.mode,
            size: inode.content.size(),
            mtime: inode.mtime,
            ctime: inode.ctime,
            inode: number.0 + self.renumbered_by,
            device: self.device,
            links: inode.links,
            uid: 0,
            gid: 0,
        }
    }

    /// When what a name in a directory leads to came to be.
    pub(super) fn birth(&self, directory: Number, name: &Name) -> io::Result<Timestamp> {
        Ok(self.get(self.lookup(directory, name)?).birth)
    }

    /// What a name in a directory leads to.
    pub(super) fn lookup(&self, directory: Number, name: &Name) -> io::Result<Number> {
        let found = self.names(directory)?.entries.get(name);
        Ok(*found.ok_or(Errno::NOENT)?)
    }

    /// What `stat` tells of a name: of the root of what is mounted there, if anything is.
    pub(super) fn stat_name(&self, directory: Number, name: &Name) -> io::Result<Stat> {
        let found = self.lookup(directory, name)?;
        Ok(self.mounts.get(&found).map_or_else(|| self.stat(found), |other| other.inodes().stat(ROOT)))
    }

    pub(super) fn kind(&self, number: Number) -> FileKind {
        self.get(number).content.kind()
    }

    /// The number itself, if it is a directory's.
    pub(super) fn expect_directory(&self, number: Number) -> io::Result<Number> {
        match self.kind(number) {
            FileKind::Directory => Ok(number),
            FileKind::Symlink => Err(Errno::LOOP.into()),
            FileKind::File | FileKind::Special => Err(Errno::NOTDIR.into()),
        }
    }

    /// The number itself, if it is a regular file's.
    pub(super) fn expect_file(&self, number: Number) -> io::Result<Number> {
        match self.kind(number) {
            FileKind::File => Ok(number),
            other => Err(other.not_a_file()),
        }
    }

    /// Every name in a directory, in order. A removed one cannot be listed.
    pub(super) fn list(&self, directory: Number) -> io::Result<Vec<Name>> {
        if self.is_removed(directory) {
            return Err(Errno::NOENT.into());
        }
        Ok(self.names(directory)?.entries.keys().cloned().collect())
    }

    pub(super) fn read_link(&self, number: Number) -> io::Result<Vec<u8>> {
        match &self.get(number).content {
            Content::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    /// The absolute path of a directory, or the last it had.
    pub(super) fn path(&self, directory: Number) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = directory;
        loop {
            match self.place(at) {
                Place::Top => break,
                Place::In(parent, name) => {
                    names.push(name);
                    at = *parent;
                }
                Place::Removed(path) => return path.clone(),
            }
        }
        names.iter().rev().fold(b"/".to_vec(), |path, name| join(path, name.as_bytes()))
    }

    pub(super) fn set_mode(&mut self, number: Number, mode: u16, now: Timestamp) {
        let inode = self.get_mut(number);
        inode.mode = mode & 0o7777;
        inode.ctime = now;
    }

    pub(super) fn set_mtime(&mut self, number: Number, mtime: Timestamp, now: Timestamp) {
        let inode = self.get_mut(number);
        inode.mtime = mtime;
        inode.ctime = now;
    }

    /// One more handle keeps this alive.
    pub(super) fn hold(&mut self, number: Number) {
        self.get_mut(number).handles += 1;
    }

    /// One handle less.
    pub(super) fn release(&mut self, number: Number) {
        self.get_mut(number).handles -= 1;
        self.forget_if_unused(number);
    }

    pub(super) fn get(&self, number: Number) -> &Inode {
        self.table.get(&number).expect("a number with a name or handle is in the table")
    }

    pub(super) fn get_mut(&mut self, number: Number) -> &mut Inode {
        self.table.get_mut(&number).expect("a number with a name or handle is in the table")
    }

    pub(super) fn names(&self, directory: Number) -> io::Result<&Names> {
        match &self.get(directory).content {
            Content::Directory(names) => Ok(names),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    /// Where a directory is; what is none is at no place.
    pub(super) fn place(&self, directory: Number) -> &Place {
        match &self.get(directory).content {
            Content::Directory(names) => &names.place,
            _ => &Place::Top,
        }
    }

    /// Whether a directory is only still there because somebody holds it.
    pub(super) fn is_removed(&self, directory: Number) -> bool {
        matches!(self.place(directory), Place::Removed(_))
    }

    /// Takes in something new, which must get a name at once.
    pub(super) fn insert(&mut self, inode: Inode) -> Number {
        let number = self.free.as_mut().and_then(Vec::pop).unwrap_or(Number(self.last.0 + 1));
        self.last = self.last.max(number);
        self.table.insert(number, inode);
        number
    }

    /// Lets go of what has neither name nor handle.
    pub(super) fn forget_if_unused(&mut self, number: Number) {
        let inode = self.get(number);
        if inode.links > 0 || inode.handles > 0 {
            return;
        }
        if inode.content.kind() == FileKind::File {
            self.used -= inode.content.size();
        }
        self.table.remove(&number);
        if let Some(free) = &mut self.free {
            free.push(number);
        }
    }

    /// Makes room for a file that grows from `old` to `new` bytes, or takes back what a shorter one leaves.
    pub(super) fn account(&mut self, old: u64, new: u64) -> io::Result<()> {
        if new.saturating_sub(old) > self.free_bytes() {
            return Err(Errno::NOSPC.into());
        }
        self.used = self.used - old + new;
        Ok(())
    }
}

/// A path with more below it; with nothing below it, the path itself.
pub(super) fn join(mut path: Vec<u8>, below: &[u8]) -> Vec<u8> {
    if !below.is_empty() && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(below);
    path
}
