//! Reading a mirror: what changed between revisions, trees and bytes as of any revision.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{ByteRange, Change, Entry, Head, MirrorName, RelPath};

/// Asks for the difference of two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChangesSince {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// The revision the client knows; it must lie in the chain.
    #[n(1)]
    pub since: Head,
    /// The revision to arrive at: the head for the first page, then what that page said.
    #[n(2)]
    pub until: Option<u64>,
    /// How many changes earlier pages held.
    #[n(3)]
    pub skip: u64,
}

/// A part of the difference of two revisions. All parts together are one set of changes on `since`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChangesPage {
    /// The revision the whole set arrives at.
    #[n(0)]
    pub until: Head,
    /// This part, in the set's order.
    #[n(1)]
    pub changes: Vec<Change>,
    /// Whether there are more.
    #[n(2)]
    pub more: bool,
}

/// Asks for the tree at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListAt {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which revision: the head if absent, then what the first page said.
    #[n(1)]
    pub revision: Option<u64>,
    /// Only what sorts after this path.
    #[n(2)]
    pub after: Option<RelPath>,
}

/// A part of a tree, sorted by path; the root comes first, as a directory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EntriesPage {
    /// The revision listed.
    #[n(0)]
    pub revision: Head,
    /// The entries.
    #[n(1)]
    pub entries: Vec<Listed>,
    /// Whether there are more.
    #[n(2)]
    pub more: bool,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Listed {
    /// Where.
    #[n(0)]
    pub path: RelPath,
    /// What.
    #[n(1)]
    pub entry: Entry,
}

/// Asks for bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadAt {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// At which revision; the head if absent.
    #[n(1)]
    pub revision: Option<u64>,
    /// Which file.
    #[n(2)]
    pub path: RelPath,
    /// Which bytes; at most [`crate::limits::MAX_READ_BYTES`] are answered.
    #[n(3)]
    pub range: ByteRange,
    /// Whether what was read of it before was not its content: the receiver looks itself, and notes it as damaged if so.
    #[n(4)]
    #[cbor(default, skip_if = "crate::wire::is_false")]
    pub suspect: bool,
}

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadPage {
    /// What the file is.
    #[n(0)]
    pub entry: Entry,
    /// The bytes; fewer than asked for only at the end of the file.
    #[n(1)]
    pub data: ByteVec,
    /// Of a suspect: whether the receiver has read all of it and it is its content; if not yet, the same request goes on.
    /// A damaged one is not found.
    #[n(2)]
    #[cbor(skip_if = "Option::is_none")]
    pub is_whole: Option<bool>,
}
