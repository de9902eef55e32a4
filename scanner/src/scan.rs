//! [`Scan`]: one look at a whole source, compared with what is recorded.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use protocol::{Metadata, RelPath};
use seams::clock::Clock;
use seams::fs::Directory;
use seams::known::{FilesystemKey, Habits, Known};
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::recorded::{Reading, Recorded, Recorder};
use seams::scratch::Scratch;

use crate::filter::Filter;
use crate::finding::Finding;
use crate::round::Round;
use crate::trust::Margins;

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
    /// How to look.
    pub rules: Rules,
    /// What earlier rounds learned.
    pub known: &'a Known,
    /// Where plain findings go that do not fit in memory; empty when the scan begins.
    pub scratch: &'a dyn Scratch,
    /// How many plain findings fit in memory: [`crate::MOST_IN_MEMORY`].
    pub most_in_memory: usize,
    /// Who keeps what is read.
    pub recorder: &'a dyn Recorder,
    /// Set where somebody asks to stop.
    pub stop: &'a AtomicBool,
}

/// How to look at a source, as its user decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether every file is read, whatever its evidence says.
    pub full: bool,
    /// Files that changed less than this long ago wait for a later round.
    pub settle: Duration,
    /// How many bytes of files that seem unchanged are to be read again, the longest unverified first.
    pub scrub_bytes: u64,
    /// Whether what a filter leaves out is deleted at the mirror.
    pub delete_excluded: bool,
    /// Whether a person said that file systems mounted below the root may be others than before, or gone.
    pub accept_mounts: bool,
    /// Whether inode numbers are no evidence, on any file system of this source.
    pub ignore_inodes: bool,
    /// Whether ctimes are no evidence, on any file system of this source.
    pub ignore_ctimes: bool,
    /// How coarse stamps may be.
    pub margins: Margins,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Sorted by path. Plain findings that are not among them are in the scratch, and nothing here depends on those.
    pub findings: Vec<Finding>,
    /// What was read in directories that stand where the snapshot has others, to be recorded when the plan was delivered,
    /// or could not be; sorted by path. Everything else is recorded by now.
    pub late_readings: Vec<(RelPath, Reading)>,
    /// Inodes of directories that the mirror has, and that are not recorded so; sorted by path. Those of new ones come with
    /// their findings.
    pub inodes: Vec<(RelPath, u64)>,
    /// Readings of paths that are gone and were never acknowledged, to be forgotten.
    pub flown: Vec<RelPath>,
    /// Directories whose file system is not the one recorded for them: the one they are on, or nothing where that is
    /// their parent's. Sorted by path.
    pub mounts: Vec<(RelPath, Option<FilesystemKey>)>,
    /// What this round learned of file systems.
    pub habits: BTreeMap<FilesystemKey, Habits>,
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
    /// Paths that the mirror holds and a filter leaves out now, a directory with all in it being one.
    pub excluded_kept: u64,
    /// Bytes of files read only because they were the longest unverified.
    pub bytes_scrubbed: u64,
    /// Names of any kind in the root itself, excluded ones too.
    pub names_in_root: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
        self.files_opened += more.files_opened;
        self.special += more.special;
        self.excluded_kept += more.excluded_kept;
        self.bytes_scrubbed += more.bytes_scrubbed;
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
    /// What was read cannot be recorded.
    #[error("cannot record what was read: {0}")]
    Recorder(#[source] io::Error),
    /// The scratch cannot be written or read.
    #[error("cannot keep what was found: {0}")]
    Scratch(#[source] io::Error),
    /// Somebody asked to stop. What was read so far is recorded.
    #[error("stopped while looking at the source")]
    Stopped,
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
        let round = Round::begin(self)?;
        let looked = round.look();
        // Also where the round ends early: nothing is read twice.
        let recorded = round.record_rest(looked.is_ok());
        looked.and(recorded)?;
        round.gather()?;
        round.finish()
    }
}

#[cfg(test)]
#[path = "scan_tests/mod.rs"]
mod tests;
