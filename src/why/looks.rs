//! What is recorded of a path and what is there: each for programs as it is serialized, for people as it is displayed.

use std::fmt;

use indicatif::BinaryBytes;
use protocol::{Entry, Kind, Timestamp};
use scanner::Proof;
use seams::fs::{FileKind, Stat};
use seams::recorded::{Reading, Trust};
use serde::{Serialize, Serializer};

use crate::moments::{Moment, precise};

/// Digits of a content id that people see.
const CONTENT_DIGITS: usize = 12;

/// What the receiver acknowledged.
#[derive(Debug, Serialize)]
pub(super) struct AtMirror {
    kind: &'static str,
    mode: u16,
    #[serde(rename = "mtime_ns", serialize_with = "nanoseconds")]
    mtime: Timestamp,
    uid: u32,
    gid: u32,
    /// Of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Of symlinks; escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// What was last read of a file.
#[derive(Debug, Serialize)]
pub(super) struct LastRead {
    size: u64,
    #[serde(rename = "mtime_ns", serialize_with = "nanoseconds")]
    mtime: Timestamp,
    #[serde(rename = "ctime_ns", serialize_with = "nanoseconds")]
    ctime: Timestamp,
    inode: u64,
    content: String,
    pub(super) verified: Moment,
    /// Whether the same evidence means the same bytes.
    trusted: bool,
    /// Why.
    pub(super) trust: String,
}

/// What stat says.
#[derive(Debug, Serialize)]
pub(super) struct Now {
    kind: &'static str,
    mode: u16,
    size: u64,
    #[serde(rename = "mtime_ns", serialize_with = "nanoseconds")]
    mtime: Timestamp,
    #[serde(rename = "ctime_ns", serialize_with = "nanoseconds")]
    ctime: Timestamp,
    inode: u64,
}

impl AtMirror {
    pub(super) fn of(entry: &Entry) -> Self {
        let kind = match entry.kind() {
            Kind::Directory => "directory",
            Kind::File => "file",
            Kind::Symlink => "symlink",
        };
        let target = match entry {
            Entry::Symlink { target, .. } => Some(protocol::escape(target.as_bytes())),
            Entry::Directory { .. } | Entry::File { .. } => None,
        };
        let (metadata, content) = (entry.metadata(), entry.content());
        Self {
            kind,
            mode: metadata.mode,
            mtime: metadata.mtime,
            uid: metadata.uid,
            gid: metadata.gid,
            size: content.map(|(_, size)| size),
            content: content.map(|(content, _)| content.to_hex()),
            target,
        }
    }
}

impl LastRead {
    pub(super) fn of(reading: &Reading, proof: Option<Proof>) -> Self {
        let evidence = &reading.evidence;
        let trust = match (reading.trust, proof) {
            (Trust::Unproven, _) => "not yet: it was read too soon after its stamps to prove anything".to_owned(),
            (Trust::UntilStamp, _) => "until the clock passes its stamps, which lay in the future".to_owned(),
            (Trust::Silent, _) => "proven, but the same evidence had proven other bytes before".to_owned(),
            (Trust::Proven, Some(proof)) => format!("proven: {proof}"),
            (Trust::Proven, None) => "proven".to_owned(),
        };
        Self {
            size: evidence.size,
            mtime: evidence.mtime,
            ctime: evidence.ctime,
            inode: evidence.inode,
            content: reading.content.to_hex(),
            verified: Moment(reading.verified),
            trusted: reading.trust != Trust::Unproven,
            trust,
        }
    }
}

impl Now {
    pub(super) fn of(stat: &Stat) -> Self {
        let kind = match stat.kind {
            FileKind::Directory => "directory",
            FileKind::File => "file",
            FileKind::Symlink => "symlink",
            FileKind::Special => "special",
        };
        let Stat { mode, size, mtime, ctime, inode, .. } = *stat;
        Self { kind, mode, size, mtime, ctime, inode }
    }
}

impl fmt::Display for AtMirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let (Some(size), Some(content)) = (self.size, &self.content) {
            write!(f, ", {}, content {}", BinaryBytes(size), shortened(content))?;
        }
        if let Some(target) = &self.target {
            write!(f, " to {target}")?;
        }
        write!(f, ", mode {:04o}, mtime {}", self.mode, precise(self.mtime))
    }
}

impl fmt::Display for LastRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, inode, content, .. } = self;
        write!(f, "{}, content {}, inode {inode}, ", BinaryBytes(*size), shortened(content))?;
        write!(f, "mtime {}, ctime {}", precise(self.mtime), precise(self.ctime))
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, mode, size, inode, .. } = self;
        write!(f, "{kind}, {}, mode {mode:04o}, inode {inode}, ", BinaryBytes(*size))?;
        write!(f, "mtime {}, ctime {}", precise(self.mtime), precise(self.ctime))
    }
}

fn shortened(content: &str) -> &str {
    content.get(..CONTENT_DIGITS).unwrap_or(content)
}

fn nanoseconds<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(moment.as_nanos())
}
