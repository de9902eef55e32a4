//! [`Operation`]: what is about to be done, as the fault hook sees it.

use std::io;
use std::sync::Arc;

use super::inodes::join;

/// Called before every operation; the error it gives is the operation's outcome, and nothing is done.
pub type FaultHook = Arc<dyn Fn(&Operation) -> Option<io::Error> + Send + Sync>;

/// An operation about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What.
    pub kind: OperationKind,
    /// On what: its absolute path, or the last it had; for an open file that by which it was opened.
    pub path: Vec<u8>,
    /// The new path, of links and renames only.
    pub to: Option<Vec<u8>>,
}

impl Operation {
    pub(super) fn new(kind: OperationKind, path: Vec<u8>) -> Self {
        Self { kind, path, to: None }
    }

    /// The same, as seen from outside the file system, which is mounted at `place`.
    pub(super) fn below(self, place: &[u8]) -> Self {
        let absolute = |path: Vec<u8>| join(place.to_vec(), path.strip_prefix(b"/").unwrap_or(&path));
        Self { kind: self.kind, path: absolute(self.path), to: self.to.map(absolute) }
    }
}

/// Every operation of [`crate::fs::Fs`], [`crate::fs::Directory`] and [`crate::fs::File`]; walks consist of
/// [`OpenDirectory`](Self::OpenDirectory), [`List`](Self::List) and [`ListNext`](Self::ListNext).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// [`crate::fs::Fs::open_root`].
    OpenRoot,
    /// `stat` on a held directory or file.
    OwnStat,
    /// `stat` on a name.
    Stat,
    /// Asking which file system a directory is on.
    Filesystem,
    /// Beginning to list a directory.
    List,
    /// Coming to the next name in a listing; a fault here breaks it off in the middle.
    ListNext,
    /// Opening a directory by its name or by components.
    OpenDirectory,
    /// Opening a file for reading.
    OpenFile,
    /// Opening a file for writing.
    OpenFileForWriting,
    /// Reading a symlink.
    ReadLink,
    /// Making a file.
    CreateFile,
    /// Making a directory.
    CreateDirectory,
    /// Making a symlink.
    CreateSymlink,
    /// Giving a file one more name.
    Link,
    /// Renaming.
    Rename,
    /// Removing anything but a directory.
    RemoveFile,
    /// Removing a directory.
    RemoveDirectory,
    /// Setting the permission bits of a name.
    SetMode,
    /// Setting the permission bits of a held directory or file.
    SetOwnMode,
    /// Setting the mtime of a held directory or file.
    SetOwnMtime,
    /// Setting the mtime of a name.
    SetMtime,
    /// Making a held directory or file durable.
    Sync,
    /// Making everything durable.
    SyncFilesystem,
    /// Asking for free room.
    FreeBytes,
    /// Reading from a file.
    Read,
    /// Asking where a file's next data is.
    SeekData,
    /// Writing to a file.
    Write,
    /// Cutting or extending a file.
    SetLength,
}
