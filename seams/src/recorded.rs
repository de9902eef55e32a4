//! [`Recorded`]: the rows the scanner compares a listing with, whoever keeps them.
//!
//! A row has two halves. What the receiver **acknowledged** steers what is sent. What was last **read** saves
//! reading again, also for contents that were not delivered yet.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use chunking::{ChunkList, Parameters};
use protocol::{ContentId, Entry, Name, RelPath, Timestamp};

use crate::clock::BootId;
use crate::fs::Stat;

/// The number of a directory in the snapshot. It stays the directory's when that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryId(pub i64);

impl DirectoryId {
    /// The root of the source.
    pub const ROOT: Self = Self(0);
}

/// What stat says of a file's content. All of it unchanged, and the row trusted: the file is not opened.
///
/// The device number is no evidence: it changes at every remount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// Length in bytes.
    pub size: u64,
    /// Time of last modification.
    pub mtime: Timestamp,
    /// Time of last status change, which no program can set back.
    pub ctime: Timestamp,
    /// Inode number.
    pub inode: u64,
}

impl From<&Stat> for Evidence {
    fn from(stat: &Stat) -> Self {
        Self { size: stat.size, mtime: stat.mtime, ctime: stat.ctime, inode: stat.inode }
    }
}

/// xxh3-128 of a whole file: tells whether bytes changed since they were read, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// A moment by a clock that only moves forward, within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Which boot.
    pub boot: BootId,
    /// How long after it.
    pub since_boot: Duration,
}

impl Moment {
    /// Whether at least `span` lies between this and a later moment. Another boot counts as long ago.
    #[must_use]
    pub fn lies_before(&self, later: &Self, span: Duration) -> bool {
        self.boot != later.boot || self.since_boot.saturating_add(span) <= later.since_boot
    }
}

/// How far a row's evidence proves its bytes (DESIGN.md, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// The read began so soon after the evidence came to be that a later write may have left the same evidence.
    Unproven,
    /// The same evidence means the same bytes.
    Proven,
    /// As proven, but the stamps lie in the future: read once more when the clock has passed them.
    UntilStamp,
    /// As proven, but these bytes are not those that the same evidence had proven before: something wrote past the
    /// stamps (a store through mmap), or the medium did not keep them.
    Silent,
}

/// What one complete read of a file saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Stat before and after the read.
    pub evidence: Evidence,
    /// What the bytes hash to, quickly.
    pub fingerprint: Fingerprint,
    /// What the bytes are. From the same read as the fingerprint.
    pub content: ContentId,
    /// When this evidence was first seen.
    pub first_seen: Moment,
    /// Whether the evidence proves the bytes.
    pub trust: Trust,
    /// When the bytes were last read, by the wall clock: the scrub begins with the oldest.
    pub verified: Timestamp,
}

/// One name of a directory, as the snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub name: Name,
    /// Its number, if it is or was a directory.
    pub directory: Option<DirectoryId>,
    /// What the receiver acknowledged; nothing for what was only read so far.
    pub acknowledged: Option<Entry>,
    /// Inode of a directory at the time of its last complete listing, of a file when what is acknowledged was read: a hint
    /// for move matching.
    pub inode: Option<u64>,
    /// What was last read, of files only.
    pub reading: Option<Reading>,
}

/// So many directories with one inode are named at most: file systems give the same numbers, and give numbers again.
pub const MOST_NAMESAKES: usize = 16;

/// A directory that the receiver acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its number.
    pub id: DirectoryId,
    /// Where the mirror has it.
    pub path: RelPath,
    /// What the mirror has of it: a directory.
    pub entry: Entry,
}

/// Whoever keeps the rows. Asked once a directory, never once a file.
pub trait Recorded: Debug + Send + Sync {
    /// The rows of one directory, sorted by name.
    ///
    /// # Errors
    /// Where the snapshot cannot be read; that ends the round.
    fn rows(&self, directory: DirectoryId) -> io::Result<Vec<Row>>;

    /// The rows of one directory after a name, or its first, sorted by name; so many at most, fewer only at the end.
    ///
    /// # Errors
    /// As [`Self::rows`].
    fn rows_after(&self, directory: DirectoryId, name: Option<&Name>, most: usize) -> io::Result<Vec<Row>>;

    /// The row of one name, of a directory whose rows are not all in memory.
    ///
    /// # Errors
    /// As [`Self::rows`].
    fn row(&self, directory: DirectoryId, name: &Name) -> io::Result<Option<Row>>;

    /// The acknowledged directories whose recorded inode is this one, sorted by number, [`MOST_NAMESAKES`] at most: hints
    /// for move matching, for inode numbers are given again.
    ///
    /// # Errors
    /// As [`Self::rows`].
    fn directories_with_inode(&self, inode: u64) -> io::Result<Vec<Acknowledged>>;

    /// How a content was cut, where its chunk list is kept: its next version is cut alike. Asked only for files whose bytes
    /// are found to be new.
    ///
    /// # Errors
    /// As [`Self::rows`].
    fn chunk_parameters(&self, content: &ContentId) -> io::Result<Option<Parameters>> {
        let _ = content;
        Ok(None)
    }
}

/// Whoever keeps what is read. Told while a scan goes on, so that a round cut short need not read it again.
pub trait Recorder: Debug + Send + Sync {
    /// Keeps readings of files, by their present paths.
    ///
    /// # Errors
    /// Where the snapshot cannot be written; that ends the round.
    fn record_readings(&self, readings: &[(RelPath, Reading)]) -> io::Result<()>;

    /// Keeps how contents are cut that were read at `now` or a little before; before the readings that name them. Without
    /// it more is sent, and nothing else.
    ///
    /// # Errors
    /// As [`Self::record_readings`].
    fn record_chunk_lists(&self, lists: &[(ContentId, ChunkList)], now: Timestamp) -> io::Result<()> {
        let _ = (lists, now);
        Ok(())
    }
}

/// Keeps nothing: for a dry run.
#[derive(Debug, Clone, Copy)]
pub struct Forgetful;

impl Recorder for Forgetful {
    fn record_readings(&self, _: &[(RelPath, Reading)]) -> io::Result<()> {
        Ok(())
    }
}
