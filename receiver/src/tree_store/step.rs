//! [`Step`]: one thing to do on disk once a revision is decided. Each knows the inode it is about, so that doing it
//! again after a crash does the rest and nothing twice.

use minicbor::{Decode, Encode};
use protocol::{RelPath, Timestamp};

use crate::catalog::VersionId;

/// One step. Paths of the base mean the mirror before the first step, others the mirror after the last.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) enum Step {
    /// Something that moves leaves its place for the parking.
    #[n(0)]
    Park {
        /// Its place in the base.
        #[n(0)]
        base: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// Its node, which names it in the parking.
        #[n(2)]
        node: i64,
    },
    /// Something that was replaced or deleted goes to the versions.
    #[n(1)]
    Keep {
        /// Its place in the base.
        #[n(0)]
        base: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// Its number among the versions.
        #[n(2)]
        version: i64,
    },
    /// A file that will be renamed over gets a second name among the versions, so that its place is never vacant.
    #[n(2)]
    Link {
        /// Its place in the base.
        #[n(0)]
        base: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// Its number among the versions.
        #[n(2)]
        version: i64,
    },
    /// A symlink that was replaced or deleted: its target is in the catalog.
    #[n(3)]
    Discard {
        /// Its place in the base.
        #[n(0)]
        base: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
    },
    /// A staged instance comes to its place.
    #[n(4)]
    Place {
        /// Where.
        #[n(0)]
        result: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// Its name in the staging directory.
        #[n(2)]
        staged: String,
        /// The inode of what it may be renamed over.
        #[n(3)]
        over: Option<u64>,
    },
    /// Something comes from the parking to its place.
    #[n(5)]
    Unpark {
        /// Where.
        #[n(0)]
        result: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// Its node, which names it in the parking.
        #[n(2)]
        node: i64,
        /// The inode of what it may be renamed over.
        #[n(3)]
        over: Option<u64>,
    },
    /// Something moves at once, because nothing around it does.
    #[n(6)]
    Rename {
        /// Its place in the base.
        #[n(0)]
        base: RelPath,
        /// Where it goes.
        #[n(1)]
        result: RelPath,
        /// Its inode.
        #[n(2)]
        inode: u64,
        /// The inode of what it may be renamed over.
        #[n(3)]
        over: Option<u64>,
    },
    /// A file or symlink that stays or moved gets other metadata.
    #[n(7)]
    Describe {
        /// Where.
        #[n(0)]
        result: RelPath,
        /// Its inode.
        #[n(1)]
        inode: u64,
        /// The mode on disk; nothing for symlinks.
        #[n(2)]
        mode: Option<u16>,
        /// The mtime.
        #[n(3)]
        mtime: Timestamp,
        /// Its node.
        #[n(4)]
        node: i64,
    },
    /// A directory in which something happened gets its mode and mtime, and is made durable.
    #[n(8)]
    Settle {
        /// Which.
        #[n(0)]
        result: RelPath,
        /// The mode on disk.
        #[n(1)]
        mode: u16,
        /// The mtime.
        #[n(2)]
        mtime: Timestamp,
    },
}

impl Step {
    /// The staged instance that it places.
    pub(super) fn staged(&self) -> Option<&str> {
        if let Self::Place { staged, .. } = self { Some(staged) } else { None }
    }
}

/// The name of something in the parking.
pub(super) fn parked_name(revision: u64, node: i64) -> protocol::Name {
    own_name(&format!("{revision}-{node}"))
}

/// The name of something among the versions.
pub(super) fn version_name(version: VersionId) -> protocol::Name {
    own_name(&version.0.to_string())
}

/// A name that we made up.
pub(super) fn own_name(text: &str) -> protocol::Name {
    protocol::Name::parse(text.as_bytes()).expect("letters, digits and hyphens are a name")
}

/// The mode of a directory on disk: always usable by us, and no set-id bits.
pub(super) fn directory_mode(mode: u16) -> u16 {
    mode & 0o1777 | 0o700
}

/// The mode of a file on disk: always readable by us, and no set-id bits.
pub(super) fn file_mode(mode: u16) -> u16 {
    mode & 0o1777 | 0o400
}
