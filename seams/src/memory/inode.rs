//! [`Inode`]: one thing in the file system, whatever names it has.

use std::collections::BTreeMap;

use protocol::{Name, Timestamp};

use crate::fs::FileKind;

/// The number of an inode. Counted up; used again only where that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) u64);

/// A file, directory, symlink or special thing.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) content: Content,
    pub(super) mode: u16,
    pub(super) mtime: Timestamp,
    pub(super) ctime: Timestamp,
    /// When it came to be.
    pub(super) birth: Timestamp,
    /// Names it has; of a directory 2 and its directories, or 0 once it is removed.
    pub(super) links: u64,
    /// Open handles, which keep it alive without a name.
    pub(super) handles: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Directory(Names),
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Special,
}

/// What a directory holds, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) entries: BTreeMap<Name, Number>,
    pub(super) place: Place,
}

/// Where a directory is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Under no name at all: the root, and for a moment each new directory.
    Top,
    /// Under a name in another directory.
    In(Number, Name),
    /// Nowhere any more. The last absolute path that it had.
    Removed(Vec<u8>),
}

impl Content {
    pub(super) fn new_directory() -> Self {
        Self::Directory(Names { entries: BTreeMap::new(), place: Place::Top })
    }

    pub(super) fn kind(&self) -> FileKind {
        match self {
            Self::Directory(_) => FileKind::Directory,
            Self::File(_) => FileKind::File,
            Self::Symlink(_) => FileKind::Symlink,
            Self::Special => FileKind::Special,
        }
    }

    /// Length in bytes, as `stat` tells it.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(bytes) | Self::Symlink(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Directory(_) | Self::Special => 0,
        }
    }
}

impl Inode {
    pub(super) fn new(content: Content, mode: u16, now: Timestamp) -> Self {
        let links = if content.kind() == FileKind::Directory { 2 } else { 1 };
        Self { content, mode, mtime: now, ctime: now, birth: now, links, handles: 0 }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.content.kind() == FileKind::Directory
    }

    /// Its content changed.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.mtime = now;
        self.ctime = now;
    }
}
