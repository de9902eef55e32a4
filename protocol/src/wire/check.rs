//! Comparing the catalog with the mirror's real files.

use minicbor::{Decode, Encode};

use crate::{Entry, MirrorName, RelPath};

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
    /// How many bytes of files may be read for the answer; the receiver may read fewer.
    #[n(3)]
    pub budget: Option<u64>,
    /// Whether what needs no content is put right at once: metadata, directories, symlinks, and what the catalog does
    /// not have, which goes to the versions. Wants a token with full access.
    #[n(4)]
    #[cbor(default, skip_if = "crate::wire::is_false")]
    pub mend: bool,
}

/// A part of what a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CheckPage {
    /// What is not as the catalog says, sorted by path.
    #[n(0)]
    pub findings: Vec<CheckFinding>,
    /// Where to go on; nothing at the end. The same again while one large file is being read.
    #[n(1)]
    pub next: Option<RelPath>,
    /// How many bytes of files were read for it.
    #[n(2)]
    #[cbor(default)]
    pub bytes: u64,
    /// How many entries of the catalog were looked at, the root not counted.
    #[n(3)]
    #[cbor(default)]
    pub entries: u64,
    /// How many milliseconds the receiver wants to be left alone before the next: its own pace.
    #[n(4)]
    #[cbor(default)]
    pub pause_millis: u64,
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
    /// What the catalog has there; nothing for what only the disk has.
    #[n(2)]
    pub entry: Option<Entry>,
    /// Whether it was put right at once, or put aside.
    #[n(3)]
    #[cbor(default)]
    pub mended: bool,
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
