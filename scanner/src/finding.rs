//! [`Finding`]: what a scan has to say about one path. Paths without a finding are as the mirror has them.

use std::io;

use protocol::{Entry, RelPath};

/// Something worth saying about a path.
#[derive(Debug)]
pub enum Finding {
    /// It is there, and the mirror has not got it, or has it otherwise.
    Present {
        /// Where.
        path: RelPath,
        /// Where the mirror has what was there, if that is elsewhere: inside a directory that moved.
        base: Option<RelPath>,
        /// What the mirror has there; nothing for what is new, also where it stands in the place of a directory that moved.
        was: Option<Entry>,
        /// What is there.
        now: Entry,
        /// The inode that was last recorded there.
        old_inode: Option<u64>,
        /// The inode that is there.
        inode: u64,
        /// Whether its bytes changed although its evidence says that they cannot have: a store through mmap, or bit rot.
        silent: bool,
    },
    /// A directory that the mirror has elsewhere, known by its inode and by what is in it; what is found in it is compared
    /// with what the mirror has there. Or a file that was renamed and edited, known by its inode and by its birth.
    Moved {
        /// Where the mirror has it.
        from: RelPath,
        /// Where it is.
        to: RelPath,
        /// What the mirror has of it.
        was: Entry,
        /// What is there.
        now: Entry,
        /// The inode that was last recorded of it.
        old_inode: Option<u64>,
        /// Its inode.
        inode: u64,
    },
    /// The mirror has it, and it was proven to be gone.
    Gone {
        /// Where the mirror has it; its directory may be elsewhere by now.
        path: RelPath,
        /// What the mirror has there.
        was: Entry,
        /// The inode that was last recorded there.
        old_inode: Option<u64>,
    },
    /// It could not be looked at. Nothing at or below it is deleted.
    Problem {
        /// Where.
        path: RelPath,
        /// Why.
        trouble: Trouble,
        /// What could be learned of a file that could not be read.
        hint: Option<Hint>,
    },
    /// It will be looked at again in the next round.
    Deferred {
        /// Where.
        path: RelPath,
        /// Why.
        reason: Deferral,
        /// What is known of a file that is there and not read.
        hint: Option<Hint>,
    },
}

/// A file that is there and was not read. What vanished elsewhere may be this very file under a new name, so nothing
/// of this inode or size is deleted in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hint {
    /// Its inode.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a path could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its kind, times or size could not be learned.
    #[error("cannot look at it: {0}")]
    Stat(#[source] io::Error),
    /// A directory that could not be opened.
    #[error("cannot open the directory: {0}")]
    OpenDirectory(#[source] io::Error),
    /// A listing that broke off: what it did not name is not known to be gone.
    #[error("the listing of the directory is not complete: {0}")]
    Listing(#[source] io::Error),
    /// A file that could not be opened or read.
    #[error("cannot read the file: {0}")]
    Read(#[source] io::Error),
    /// A symlink whose target could not be read.
    #[error("cannot read where the link points: {0}")]
    ReadLink(#[source] io::Error),
    /// A path that the protocol cannot carry.
    #[error("{0}")]
    Path(#[from] protocol::InvalidPath),
    /// Another file system than the recorded one is there: its disk is not mounted, or another one is.
    #[error("another file system is there: expected {expected}, found {found}")]
    OtherFilesystem {
        /// As recorded.
        expected: String,
        /// As found.
        found: String,
    },
    /// A place where another file system was mounted does not exist any more.
    #[error("the file system {0} was mounted here, and the place is gone")]
    MountGone(String),
    /// Another kind of thing stands where a directory was, below which the mirror holds paths that are left out now.
    #[error("paths that are left out lie below it at the mirror")]
    ExcludedBelow,
    /// It disappeared, and its directory could not be looked at again to prove that it is gone.
    #[error("it seems gone, but its directory could not be looked at again: {0}")]
    SecondLook(#[source] io::Error),
}

/// Why a path waits for the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Deferral {
    /// It kept changing while it was read.
    #[error("it changes while it is read")]
    Moving,
    /// It changed less than the settling time ago.
    #[error("it changed a moment ago")]
    Young,
    /// It kept changing in earlier rounds, changed since, and is not tried in this one.
    #[error("it kept changing while it was read, and waits for a later round")]
    Waiting,
    /// Something that is not read yet may be this file under a new name.
    #[error("it is gone, and may have moved to a place that could not be read yet")]
    MayHaveMoved,
    /// It vanished between being listed and being read.
    #[error("it vanished while the round ran")]
    Vanished,
    /// It seemed gone, but its directory keeps changing.
    #[error("its directory changes while it is looked at")]
    Unsettled,
}

impl Finding {
    /// The path it is about: the present one of what is there, the mirror's one of what is gone.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        match self {
            Self::Present { path, .. }
            | Self::Moved { to: path, .. }
            | Self::Gone { path, .. }
            | Self::Problem { path, .. }
            | Self::Deferred { path, .. } => path,
        }
    }

    /// What the mirror calls the place of what it is about. Where that is known of nothing, its present path.
    pub(crate) fn base(&self) -> &RelPath {
        match self {
            Self::Present { base: Some(base), .. } => base,
            Self::Moved { from, .. } => from,
            other => other.path(),
        }
    }

    /// What the mirror has at the place of what it is about, if that is not there any more.
    pub(crate) fn left_behind(&self) -> Option<&Entry> {
        match self {
            Self::Gone { was, .. } => Some(was),
            Self::Present { was: Some(was), now, .. } => (!was.same_content(now)).then_some(was),
            Self::Present { .. } | Self::Moved { .. } | Self::Problem { .. } | Self::Deferred { .. } => None,
        }
    }
}
