//! [`Known`]: what earlier rounds learned of the source, besides the rows of its directories.

use std::collections::BTreeMap;

use protocol::{RelPath, Timestamp};

use crate::fs::FilesystemIdentity;
use crate::recorded::DirectoryId;

/// A file system, as it is recognised again after remounts and reboots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilesystemKey(pub Vec<u8>);

impl From<&FilesystemIdentity> for FilesystemKey {
    /// The kind's name, a NUL, and the id within the kind: names of kinds hold no NUL.
    fn from(identity: &FilesystemIdentity) -> Self {
        Self([identity.kind.as_bytes(), b"\0", &identity.id].concat())
    }
}

/// How a file system treats what other file systems keep: some give a file another inode number with each mount, some
/// another ctime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Habits {
    /// Rounds in a row in which most known files came with another inode, all else of their evidence and their bytes
    /// unchanged.
    pub inode_rounds: u32,
    /// The same for ctime.
    pub ctime_rounds: u32,
}

/// A path that was left out in an earlier round, and is tried again with growing patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponement {
    /// Why it waits.
    pub kind: PostponedKind,
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it was last tried.
    pub last_try: Timestamp,
    /// When it is to be tried again.
    pub next_try: Timestamp,
}

/// What kind of trouble a path had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostponedKind {
    /// It could not be looked at or read. Tried in every round.
    Problem,
    /// It kept changing while it was read.
    Deferred,
    /// The receiver refused it.
    Refused,
}

/// What earlier rounds learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The directories that were on another file system than their parent, and on which.
    pub mounts: BTreeMap<DirectoryId, FilesystemKey>,
    /// Habits of file systems.
    pub habits: BTreeMap<FilesystemKey, Habits>,
    /// Paths that wait.
    pub postponed: BTreeMap<RelPath, Postponement>,
}
