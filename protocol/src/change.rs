//! [`Change`]: one line of a plan and one member of a batch.

use minicbor::{Decode, Encode};

use crate::{Entry, Kind, Metadata, RelPath};

/// A change of a mirror. A batch is a **set** of changes: every reference means the base revision.
///
/// `from` of a move and the path of a delete name what is there in the base; every other path names the place in
/// the result. A path whose occupant moves away or is deleted in the same set is vacant for the others.
/// The full rules are [`crate::Tree::apply`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Change {
    /// Something at a path where nothing is.
    #[n(0)]
    Create {
        /// Where.
        #[n(0)]
        path: RelPath,
        /// What.
        #[n(1)]
        entry: Entry,
    },
    /// Other content for a file, or another target for a symlink; its metadata comes along.
    #[n(1)]
    Modify {
        /// Which.
        #[n(0)]
        path: RelPath,
        /// Its new state.
        #[n(1)]
        entry: Entry,
    },
    /// Other metadata, nothing else. The only change that may name the root.
    #[n(2)]
    Metadata {
        /// Which.
        #[n(0)]
        path: RelPath,
        /// Its new metadata.
        #[n(1)]
        metadata: Metadata,
    },
    /// Gone; for a directory, with everything in it that does not move out in the same set.
    #[n(3)]
    Delete {
        /// Which, as it was called in the base.
        #[n(0)]
        path: RelPath,
    },
    /// The same thing at another place. A file or symlink that stands there and stays is overwritten.
    #[n(4)]
    Move {
        /// Its place in the base.
        #[n(0)]
        from: RelPath,
        /// Its place in the result.
        #[n(1)]
        to: RelPath,
        /// Its state after the move; metadata and content may have changed, never the kind.
        #[n(2)]
        entry: Entry,
    },
    /// Another kind of thing at the same path: the old one goes, a directory with all that is left in it.
    #[n(5)]
    Replace {
        /// Where.
        #[n(0)]
        path: RelPath,
        /// What is there now.
        #[n(1)]
        entry: Entry,
    },
}

/// The kinds of changes, as plans print and count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// `+`
    Create,
    /// `M`
    Modify,
    /// `U`
    Metadata,
    /// `-`
    Delete,
    /// `R`
    Move,
    /// `T`
    Replace,
}

impl Change {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Create { .. } => ChangeKind::Create,
            Self::Modify { .. } => ChangeKind::Modify,
            Self::Metadata { .. } => ChangeKind::Metadata,
            Self::Delete { .. } => ChangeKind::Delete,
            Self::Move { .. } => ChangeKind::Move,
            Self::Replace { .. } => ChangeKind::Replace,
        }
    }

    /// The path it is shown and sorted by: the new one for moves.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        match self {
            Self::Create { path, .. }
            | Self::Modify { path, .. }
            | Self::Metadata { path, .. }
            | Self::Delete { path }
            | Self::Replace { path, .. } => path,
            Self::Move { to, .. } => to,
        }
    }

    /// The state it leaves at its path; nothing for deletes, and for metadata only the metadata is known.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Create { entry, .. }
            | Self::Modify { entry, .. }
            | Self::Move { entry, .. }
            | Self::Replace { entry, .. } => Some(entry),
            Self::Metadata { .. } | Self::Delete { .. } => None,
        }
    }

    /// The metadata it leaves at its path; nothing for deletes.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::Metadata { metadata, .. } => Some(metadata),
            other => other.entry().map(Entry::metadata),
        }
    }

    /// Whether it brings a file that was not there before, under whatever name.
    #[must_use]
    pub fn brings_file(&self) -> bool {
        let (Self::Create { entry, .. } | Self::Replace { entry, .. }) = self else { return false };
        entry.kind() == Kind::File
    }

    /// Whether it leaves a directory at its path.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.entry().is_some_and(|entry| entry.kind() == Kind::Directory)
    }
}
