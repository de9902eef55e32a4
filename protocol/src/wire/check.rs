//! Comparing the catalog with the mirror's real files.

use minicbor::{Decode, Encode};

use crate::{MirrorName, RelPath};

/// Asks whether the mirror's files are what the catalog says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Check {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Only what sorts after this path.
    #[n(1)]
    pub after: Option<RelPath>,
    /// Whether every file is read, not only looked at.
    #[n(2)]
    pub read_contents: bool,
}

/// A part of what a check found.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CheckPage {
    /// What is not as the catalog says, sorted by path.
    #[n(0)]
    pub findings: Vec<CheckFinding>,
    /// Where to go on; nothing at the end.
    #[n(1)]
    pub next: Option<RelPath>,
}

/// One path that is not as the catalog says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CheckFinding {
    /// Where.
    #[n(0)]
    pub path: RelPath,
    /// What is wrong.
    #[n(1)]
    pub what: CheckVerdict,
}

/// What is wrong with a path of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CheckVerdict {
    /// The catalog has it, the disk does not.
    #[n(0)]
    Missing,
    /// The disk has it, the catalog does not.
    #[n(1)]
    Extra,
    /// Both have it, but kind, length or bytes differ.
    #[n(2)]
    Damaged,
    /// Only mode or mtime differ.
    #[n(3)]
    Metadata,
}
