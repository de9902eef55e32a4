//! [`Explanation`]: what a scan would make of one path, in words.

use std::fmt;
use std::io;

use protocol::Timestamp;
use seams::fs::Stat;

/// The answer.
#[derive(Debug)]
pub struct Explanation {
    /// What stat says now; nothing where nothing is there or it cannot be looked at.
    pub stat: Option<Stat>,
    /// The parts of the evidence that are not as they were at the last read.
    pub differing: Vec<Part>,
    /// What proves the bytes of the last read; nothing where nothing does.
    pub proof: Option<Proof>,
    /// What a scan would make of it.
    pub outcome: Outcome,
}

/// A part of a file's evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its length.
    Size,
    /// Its time of modification.
    Mtime,
    /// Its time of status change.
    Ctime,
    /// Its inode number.
    Inode,
}

/// Why a reading is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It was read long enough after its last stamp, by this machine's clock.
    Clock,
    /// The same evidence had been seen long enough before it was read.
    Sighting,
}

/// What a scan would make of a path.
#[derive(Debug)]
pub enum Outcome {
    /// The mirror has it like this.
    Unchanged,
    /// What it is now is known without reading it, and is to be delivered.
    Delivered,
    /// Its bytes would be read.
    Read(ReadWhy),
    /// It would be deleted at the mirror, if whole listings of its directory say twice that it is gone.
    Gone,
    /// It is not there, and nothing is recorded of it.
    Nowhere,
    /// A filter leaves it out: the rule.
    LeftOut(String),
    /// It kept changing while it was read, and waits until then.
    Waits(Timestamp),
    /// It changed a moment ago, and waits until it has settled.
    Young,
    /// A socket, FIFO or device, which is never delivered.
    Special,
    /// It cannot be looked at.
    Unknown(io::Error),
}

/// Why a file would be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadWhy {
    /// It was never read.
    New,
    /// Every file is.
    Full,
    /// Its evidence is not what it was at the last read.
    Differs,
    /// It was last read too soon after its stamps to prove anything.
    Unproven,
    /// Its stamps lay in the future when it was last read, and that has come.
    StampPassed,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "size",
            Self::Mtime => "mtime",
            Self::Ctime => "ctime",
            Self::Inode => "inode",
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "it was read long enough after its last stamp, by this machine's clock",
            Self::Sighting => "the same evidence had been seen long enough before it was read",
        })
    }
}

impl fmt::Display for Outcome {
    /// Times are left to the caller, who knows how to show them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::Delivered => f.write_str("to be delivered, without being read again"),
            Self::Read(why) => write!(f, "would be read, because {why}"),
            Self::Gone => {
                f.write_str("gone, if two looks at its whole directory say so; then it is deleted at the mirror")
            }
            Self::Nowhere => f.write_str("not there, and nothing is recorded of it"),
            Self::LeftOut(rule) => write!(f, "left out: {rule}"),
            Self::Waits(_) => f.write_str("waits, because it kept changing while it was read"),
            Self::Young => f.write_str("waits until it has settled, because it changed a moment ago"),
            Self::Special => f.write_str("a socket, FIFO or device, which is never delivered"),
            Self::Unknown(error) => write!(f, "cannot be looked at: {error}"),
        }
    }
}

impl fmt::Display for ReadWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "it was never read",
            Self::Full => "every file is",
            Self::Differs => "its evidence is not what it was at the last read",
            Self::Unproven => "it was last read too soon after its stamps to prove anything",
            Self::StampPassed => "its stamps lay in the future when it was last read, and that has come",
        })
    }
}
