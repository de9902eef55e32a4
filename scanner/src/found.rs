//! [`Found`]: what the threads of a scan have found so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chunking::ChunkList;
use protocol::{ContentId, RelPath, Timestamp};
use seams::recorded::Reading;
use seams::scratch::Plain;

use crate::directory_moves::infer;
use crate::finding::{Deferral, Finding, Trouble};
use crate::gone::{Goes, Going};
use crate::lists::Lists;
use crate::plain::PLAIN_AT_A_TIME;
use crate::scan::{Counts, ScanError, Scanned};
use crate::second_look::Absent;
use crate::watched::Watched;

/// So many readings are recorded at a time while a scan goes on.
pub(crate) const READINGS_AT_A_TIME: usize = 1_024;
/// So many readings wait at most for the plan to be delivered. (Few in tests, which must reach it.)
pub(crate) const MOST_LATE: usize = if cfg!(test) { 64 } else { 65_536 };
/// So many files that were read are remembered, and a few more.
pub(crate) const MOST_READ: usize = 65_536;
/// So many directories are watched at most. In a larger tree what would end waits. (Few in tests, which must reach it.)
pub(crate) const MOST_WATCHED: usize = if cfg!(test) { 512 } else { 8 * 1_024 * 1_024 };

/// What is noted of one directory.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub findings: Vec<Finding>,
    pub plain: Vec<Plain>,
    /// What was read, to be recorded.
    pub readings: Vec<(RelPath, Reading)>,
    /// How contents are cut, to be recorded before the readings.
    pub lists: Lists,
    pub inodes: Vec<(RelPath, u64)>,
    pub counts: Counts,
}

impl Noted {
    /// Notes how a content is cut.
    pub(crate) fn cut(&mut self, content: ContentId, list: Option<ChunkList>) {
        if let Some(list) = list {
            self.lists.push(content, list);
        }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub scanned: Scanned,
    /// Plain findings that are neither among the others nor in the scratch.
    plain: Vec<Plain>,
    /// Whether any are in the scratch, so that all come to be.
    pub spilled: bool,
    /// What was read and is not recorded yet.
    pub unrecorded: Vec<(RelPath, Reading)>,
    /// How contents are cut that were read and are not recorded yet.
    pub lists: Lists,
    /// What seems gone, and is to be looked for again.
    pub absent: Vec<Absent>,
    /// What the mirror has in places where it is not any more.
    pub going: Vec<Going>,
    /// The ctimes that were recorded of files that are gone, by their inodes.
    pub ctimes_of_gone: HashMap<u64, Timestamp>,
    /// Paths that the mirror holds and a filter leaves out: of a directory with all in it, the directory.
    pub excluded: BTreeSet<RelPath>,
    /// Directories that were walked, where something may come to be deleted.
    pub watched: Vec<Watched>,
    /// Whether there were more of them than can be watched.
    pub unwatched: bool,
    /// Files that were read in this round, where they may come to be judged again; past [`MOST_READ`], such are read again.
    pub read: BTreeMap<RelPath, Reading>,
    /// What was read where the snapshot has other directories, or may have: recorded there before the plan is delivered,
    /// it would go along with those.
    late: Vec<(RelPath, Reading)>,
    /// Why the round ends.
    pub failed: Option<ScanError>,
}

impl Found {
    /// Takes what was noted of one directory, but for what was read.
    pub(crate) fn absorb(&mut self, mut noted: Noted) {
        self.scanned.findings.append(&mut noted.findings);
        self.scanned.inodes.append(&mut noted.inodes);
        self.scanned.counts.add(noted.counts);
    }

    /// Takes plain findings; gives those that are to go to the scratch, where no more than `most` fit here.
    pub(crate) fn keep_plain(&mut self, mut plain: Vec<Plain>, most: usize) -> Vec<Plain> {
        self.plain.append(&mut plain);
        let overflows = self.plain.len() > most;
        self.spilled |= overflows;
        let is_full = overflows || (self.spilled && self.plain.len() >= PLAIN_AT_A_TIME);
        if is_full { std::mem::take(&mut self.plain) } else { Vec::new() }
    }

    /// Puts plain findings among the others; gives them, if any are in the scratch, for then they are to go there.
    pub(crate) fn take_plain(&mut self) -> Vec<Plain> {
        let plain = std::mem::take(&mut self.plain);
        if self.spilled {
            return plain;
        }
        self.scanned.findings.extend(plain.into_iter().map(Finding::from));
        Vec::new()
    }

    /// Watches one directory more.
    pub(crate) fn watch(&mut self, watched: Watched) {
        if self.watched.len() < MOST_WATCHED {
            self.watched.push(watched);
        } else {
            self.unwatched = true;
        }
    }

    /// Notes that paths wait for the next round.
    pub(crate) fn defer(&mut self, paths: impl IntoIterator<Item = RelPath>, reason: Deferral) {
        let deferred = |path| Finding::Deferred { path, reason, hint: None };
        self.scanned.findings.extend(paths.into_iter().map(deferred));
    }

    /// Takes what was read: to be recorded now, or late, when the plan was delivered.
    pub(crate) fn keep(&mut self, mut readings: Vec<(RelPath, Reading)>, late: bool) {
        let room = if late { MOST_LATE.saturating_sub(self.late.len()) } else { 0 };
        let mut now = readings.split_off(room.min(readings.len()));
        self.late.append(&mut readings);
        self.unrecorded.append(&mut now);
    }

    /// There will be no plan: what waits for one is to be recorded now.
    pub(crate) fn hurry(&mut self) {
        let mut late = std::mem::take(&mut self.late);
        self.unrecorded.append(&mut late);
    }

    /// What is still to be recorded, if it is so many.
    pub(crate) fn take_unrecorded(&mut self, at_least: usize) -> Vec<(RelPath, Reading)> {
        let readings = &mut self.unrecorded;
        if readings.len() < at_least { Vec::new() } else { std::mem::take(readings) }
    }

    /// What goes, to be said once more: what was said of it is forgotten.
    pub(crate) fn take_going(&mut self) -> Vec<Going> {
        let going = std::mem::take(&mut self.going);
        let replaced = going.iter().filter(|going| matches!(going.why, Goes::Replaced { .. }));
        let replaced: BTreeSet<&RelPath> = replaced.map(|going| &going.place).collect();
        self.scanned.findings.retain(|finding| match finding {
            Finding::Gone { .. } => false,
            Finding::Problem { trouble, .. } => !matches!(trouble, Trouble::MountGone(_) | Trouble::ExcludedBelow),
            Finding::Present { path, .. } => !replaced.contains(path),
            Finding::Moved { .. } | Finding::Deferred { .. } => true,
        });
        self.scanned.flown.clear();
        going
    }

    /// Forgets what was found at the paths that do not stay; gives those of them that had vanished.
    pub(crate) fn retain(&mut self, stays: impl Fn(&RelPath) -> bool) -> Vec<RelPath> {
        let findings = self.scanned.findings.extract_if(.., |finding| !stays(finding.path()));
        let vanished =
            findings.filter(|finding| matches!(finding, Finding::Deferred { reason: Deferral::Vanished, .. }));
        let vanished = vanished.map(|finding| finding.path().clone()).collect();
        self.plain.retain(|plain| stays(&plain.path));
        self.scanned.inodes.retain(|(path, _)| stays(path));
        self.scanned.mounts.retain(|(path, _)| stays(path));
        self.scanned.flown.retain(&stays);
        self.excluded.retain(&stays);
        self.going.retain(|going| stays(&going.place));
        self.absent.retain(|absent| stays(&absent.directory));
        vanished
    }

    /// Everything, sorted.
    pub(crate) fn finish(self) -> Result<Scanned, ScanError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut scanned = self.scanned;
        scanned.findings.sort_by(|a, b| a.path().cmp(b.path()));
        infer(&mut scanned.findings);
        scanned.late_readings = self.late;
        scanned.late_readings.sort_by(|a, b| a.0.cmp(&b.0));
        scanned.inodes.sort();
        scanned.mounts.sort();
        scanned.flown.sort();
        scanned.counts.excluded_kept = self.excluded.len() as u64;
        Ok(scanned)
    }
}

impl Counts {
    /// What counts again when a directory is judged a second time: the work, and not what was seen.
    pub(crate) fn of_another_look(self) -> Self {
        Self { files_opened: self.files_opened, bytes_scrubbed: self.bytes_scrubbed, ..Self::default() }
    }
}
