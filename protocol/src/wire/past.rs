//! What was when: the mirrors there are, their revisions, the versions of one path, and entries as of a revision.

use minicbor::{Decode, Encode};

use crate::wire::{Listed, Round, Source};
use crate::{Entry, Head, MirrorName, RelPath, Timestamp};

/// Asks which mirrors the client has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Mirrors {
    /// Only what sorts after this name.
    #[n(0)]
    pub after: Option<MirrorName>,
}

/// A part of the client's mirrors, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MirrorsPage {
    /// The mirrors.
    #[n(0)]
    pub mirrors: Vec<KnownMirror>,
    /// Whether there are more.
    #[n(1)]
    pub more: bool,
}

/// One mirror.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KnownMirror {
    /// Its name.
    #[n(0)]
    pub name: MirrorName,
    /// Its newest revision.
    #[n(1)]
    pub head: Head,
    /// The source it was claimed for.
    #[n(2)]
    pub source: Source,
}

/// Asks for a mirror's revisions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Revisions {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Only what comes after this number. Absent: from the beginning, number 0.
    #[n(1)]
    pub after: Option<u64>,
    /// Only the last one that was decided no later than this, by the receiver's clock.
    #[n(2)]
    pub as_of: Option<Timestamp>,
}

/// A part of a mirror's revisions, by number.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RevisionsPage {
    /// The revisions.
    #[n(0)]
    pub revisions: Vec<Revision>,
    /// Whether there are more.
    #[n(1)]
    pub more: bool,
}

/// One revision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Revision {
    /// Its number and digest.
    #[n(0)]
    pub head: Head,
    /// When it was decided, by the receiver's clock; never before the one it follows.
    #[n(1)]
    pub committed_at: Timestamp,
    /// The client's round that it belongs to; nothing for number 0.
    #[n(2)]
    pub round: Option<Round>,
    /// How many changes of each kind it had.
    #[n(3)]
    pub counts: ChangeCounts,
}

/// How many changes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct ChangeCounts {
    /// Creates.
    #[n(0)]
    #[cbor(default)]
    pub created: u64,
    /// New contents.
    #[n(1)]
    #[cbor(default)]
    pub modified: u64,
    /// New metadata only.
    #[n(2)]
    #[cbor(default)]
    pub metadata: u64,
    /// Deletes.
    #[n(3)]
    #[cbor(default)]
    pub deleted: u64,
    /// Moves.
    #[n(4)]
    #[cbor(default)]
    pub moved: u64,
    /// Changes of kind.
    #[n(5)]
    #[cbor(default)]
    pub replaced: u64,
}

/// Asks for the versions of everything that is, or was, at a path, each thing followed through its renames.
///
/// The first request names the path alone. The others repeat it with what the last page said: `until` and `along`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Versions {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which path. Never the root.
    #[n(1)]
    pub path: RelPath,
    /// What was at the path at this revision or before; the head if absent. What holds longer is said to end here.
    #[n(2)]
    pub until: Option<u64>,
    /// First the rest of the thing that the last page left in the middle.
    #[n(3)]
    pub along: Option<Along>,
}

/// A part of the versions of a path: of each thing the newest first, and first the thing that was there last. A thing
/// that came back to the path may be told of twice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VersionsPage {
    /// The versions.
    #[n(0)]
    pub versions: Vec<Version>,
    /// How to go on; nothing at the end.
    #[n(1)]
    pub next: Option<Onward>,
}

/// How the versions of a path go on: these two go into the next request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Onward {
    /// For `until`.
    #[n(0)]
    pub until: u64,
    /// For `along`.
    #[n(1)]
    pub along: Option<Along>,
}

/// A thing by what it was called.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Along {
    /// Its path.
    #[n(0)]
    pub path: RelPath,
    /// At this revision.
    #[n(1)]
    pub revision: u64,
}

/// What was at a path over a range of revisions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Version {
    /// The first revision that has it so.
    #[n(0)]
    pub from: u64,
    /// When that was decided.
    #[n(1)]
    pub from_time: Timestamp,
    /// The first revision that has it so no more, and when that was decided; nothing where it is current.
    #[n(2)]
    pub until: Option<Ended>,
    /// Where it was and what it was.
    #[n(3)]
    pub listed: Listed,
    /// How it came to be so.
    #[n(4)]
    pub began: Began,
    /// Whether the revision before it is forgotten: it may have been created, or only come to be so, at any time before.
    #[n(5)]
    #[cbor(default, skip_if = "crate::wire::is_false")]
    pub may_be_older: bool,
}

/// When a version ceased to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Ended {
    /// The first revision without it.
    #[n(0)]
    pub revision: u64,
    /// When that was decided.
    #[n(1)]
    pub time: Timestamp,
}

/// How a version came to be.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Began {
    /// It is new, or came in the place of something else.
    #[n(0)]
    Created,
    /// Another content.
    #[n(1)]
    Modified,
    /// The same content with other metadata.
    #[n(2)]
    Metadata,
    /// It, or a directory above it, came from another place; its state may have changed as well.
    #[n(3)]
    Moved {
        /// Where it was before.
        #[n(0)]
        from: RelPath,
    },
}

impl Began {
    /// How one state of a thing follows from the one before it.
    #[must_use]
    pub fn of(before: &Listed, after: &Listed) -> Self {
        if before.path != after.path {
            Self::Moved { from: before.path.clone() }
        } else if before.entry.same_content(&after.entry) {
            Self::Metadata
        } else {
            Self::Modified
        }
    }
}

/// Asks what is at some paths.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EntriesAt {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// At which revision; the head if absent.
    #[n(1)]
    pub revision: Option<u64>,
    /// Which paths, at most [`crate::limits::MAX_ENTRY_QUERIES`].
    #[n(2)]
    pub paths: Vec<RelPath>,
}

/// What is at the first of these paths, in their order: at least at one of them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FoundEntries {
    /// The revision that was looked at.
    #[n(0)]
    pub revision: Head,
    /// What is there; nothing where nothing is.
    #[n(1)]
    pub entries: Vec<Option<Entry>>,
}
