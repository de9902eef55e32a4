//! [`Scan`]: one look at a whole source, compared with what is recorded.

use std::io;
use std::sync::Arc;

use protocol::{Metadata, RelPath};
use seams::clock::Clock;
use seams::fs::Directory;
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::recorded::{DirectoryId, Reading, Recorded};

use crate::filter::Filter;
use crate::finding::Finding;
use crate::round::Round;
use crate::walk::Subtree;

/// What a scan works with.
#[derive(Debug)]
pub struct Scan<'a> {
    /// The source's root directory.
    pub root: Arc<dyn Directory>,
    /// The metadata that the mirror's root has.
    pub recorded_root: Option<Metadata>,
    /// What the mirror has, and what was read before.
    pub recorded: &'a dyn Recorded,
    /// What to leave out.
    pub filter: &'a Filter,
    /// Whether to stay on the root's file system.
    pub one_file_system: bool,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// How many threads.
    pub parallel: Parallel,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Sorted by path.
    pub findings: Vec<Finding>,
    /// What was read, to be recorded; sorted by path.
    pub readings: Vec<(RelPath, Reading)>,
    /// Inodes of directories that are not recorded so; sorted by path.
    pub inodes: Vec<(RelPath, u64)>,
    /// Readings of paths that are gone and were never acknowledged, to be forgotten.
    pub flown: Vec<RelPath>,
    /// Counts.
    pub counts: Counts,
}

/// What a scan counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Regular files seen.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files opened.
    pub files_opened: u64,
    /// Sockets, FIFOs and devices left out.
    pub special: u64,
    /// Names of any kind in the root itself, excluded ones too.
    pub names_in_root: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
        self.files_opened += more.files_opened;
        self.special += more.special;
        self.names_in_root += more.names_in_root;
    }
}

/// Why a scan cannot go on at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The root cannot be looked at.
    #[error("cannot look at the source: {0}")]
    Root(#[source] io::Error),
    /// The recorded rows cannot be read.
    #[error("cannot read the snapshot: {0}")]
    Recorded(#[source] io::Error),
    /// The client itself ran out of something (descriptors, memory): no path's fault, so nothing is said of any path.
    #[error("this machine ran out of a resource: {0}")]
    Exhausted(#[source] io::Error),
}

impl Scan<'_> {
    /// Looks at everything once.
    ///
    /// # Errors
    /// Only what ends a round; trouble with single paths is among the findings.
    pub fn run(self) -> Result<Scanned, ScanError> {
        let parallel = self.parallel;
        let round = Round::begin(self)?;
        let start = Subtree { path: RelPath::root(), recorded: Some(DirectoryId::ROOT) };
        parallel.drain(vec![start], |subtree, queue| round.walk(subtree, queue));
        round.look_again()?;
        round.finish()
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
