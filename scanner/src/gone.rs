//! What goes with a path that is gone: everything recorded below it, but for what must stay at the mirror all the same.
//!
//! It is found out after the walk, and again whenever more was walked: what was found elsewhere by then is not gone.

use std::collections::BTreeSet;

use protocol::{Entry, Kind, RelPath};
use seams::known::FilesystemKey;
use seams::recorded::{DirectoryId, Row};

use crate::finding::{Finding, Trouble};
use crate::mounts::shown;
use crate::round::Round;
use crate::scan::ScanError;

/// A row whose path is not, or not any more, what it was.
#[derive(Debug)]
pub(crate) struct Going {
    /// Where it was looked for.
    pub place: RelPath,
    /// Where the mirror has it.
    pub path: RelPath,
    pub row: Row,
    pub why: Goes,
}

/// Why a row goes.
#[derive(Debug, Clone)]
pub(crate) enum Goes {
    /// Nothing that could be mirrored is there any more.
    Missing,
    /// A directory that is known to be another one is there.
    Taken,
    /// It was a directory, and something of another kind is there now.
    Replaced { now: Entry, inode: u64 },
}

/// What is recorded at and below paths that are gone.
#[derive(Debug, Default)]
struct Below {
    /// What goes.
    goes: Vec<(RelPath, Row)>,
    /// What a filter leaves out: it is not looked at, so nothing is known of it.
    excluded: Vec<RelPath>,
    /// Where another file system was mounted: most likely it still has everything.
    mounts: Vec<(RelPath, FilesystemKey)>,
    /// The directories above these, which stay with them.
    stays: BTreeSet<RelPath>,
}

/// The inode of what the mirror has, which is not that of a reading which is not delivered yet.
pub(crate) fn acknowledged_inode(row: &Row) -> Option<u64> {
    let content = row.acknowledged.as_ref().and_then(Entry::content).map(|(content, _)| content);
    match (&row.reading, content) {
        (None, _) => row.inode,
        (Some(reading), Some(content)) if reading.content != content => row.inode,
        (Some(reading), _) => Some(reading.evidence.inode),
    }
}

/// Whether the mirror has a directory there.
pub(crate) fn was_directory(row: &Row) -> bool {
    row.acknowledged.as_ref().is_some_and(|was| was.kind() == Kind::Directory)
}

impl Below {
    fn keeps_nothing(&self) -> bool {
        self.stays.is_empty()
    }
}

impl Round<'_> {
    /// Says what goes, with everything recorded below it, as far as it was found nowhere by now. What was said of it
    /// before is replaced.
    pub(crate) fn say_what_goes(&self) -> Result<(), ScanError> {
        let going = self.found().take_going();
        for going in &going {
            self.say(going)?;
        }
        self.found().going = going;
        Ok(())
    }

    fn say(&self, Going { place, path, row, why }: &Going) -> Result<(), ScanError> {
        let directory = row.directory.filter(|_| was_directory(row));
        if directory.is_some_and(|id| self.claims().has_moved(id)) {
            // What stands in its place is new.
            if let Goes::Replaced { now, inode } = why {
                self.note_present(place, path, None, now, *inode);
            }
            return Ok(());
        }
        match (why, directory) {
            (Goes::Replaced { now, inode }, Some(id)) => {
                if self.gone_below(place, path, id)? {
                    self.note_present(place, path, Some(row), now, *inode);
                }
            }
            (Goes::Taken, Some(_)) => self.taken(place, path, row)?,
            (Goes::Missing | Goes::Taken | Goes::Replaced { .. }, _) => {
                self.note_gone(self.recorded_below(vec![(path.clone(), row.clone())])?);
            }
        }
        Ok(())
    }

    /// Another directory has taken the place of this one: all in it is gone. Where something in it must stay, what
    /// stands there is taken for it after all.
    fn taken(&self, place: &RelPath, path: &RelPath, row: &Row) -> Result<(), ScanError> {
        let below = self.recorded_below(vec![(path.clone(), row.clone())])?;
        if below.keeps_nothing() {
            self.note_gone(below);
        } else {
            self.claims().must_be_as_named(place.clone(), path.clone(), row.clone());
        }
        Ok(())
    }

    fn note_present(&self, place: &RelPath, path: &RelPath, row: Option<&Row>, now: &Entry, inode: u64) {
        let was = row.and_then(|row| row.acknowledged.clone());
        let base = was.as_ref().map(|_| path.clone()).filter(|path| path != place);
        let (path, now, old_inode) = (place.clone(), now.clone(), row.and_then(acknowledged_inode));
        self.found().scanned.findings.push(Finding::Present { path, base, was, now, old_inode, inode, silent: false });
    }

    /// Another kind of thing stands where a directory was: notes that all in it is gone. Where something in it must
    /// stay, the directory must, too; then that is reported, nothing is noted, and the answer is no.
    fn gone_below(&self, place: &RelPath, path: &RelPath, directory: DirectoryId) -> Result<bool, ScanError> {
        let mut below = self.recorded_below(self.rows_below(path, directory)?)?;
        let replaceable = below.keeps_nothing() && !self.is_mount(directory);
        if !replaceable {
            if !below.excluded.is_empty() {
                self.problem(place.clone(), Trouble::ExcludedBelow);
            }
            let own = self.known.mounts.get(&directory).map(|key| (path.clone(), key.clone()));
            below.mounts.extend(own);
            below.goes.clear();
        }
        self.note_gone(below);
        Ok(replaceable)
    }

    fn note_gone(&self, below: Below) {
        for (path, key) in below.mounts {
            self.problem(path, Trouble::MountGone(shown(&key)));
        }
        let mut found = self.found();
        found.excluded.extend(below.excluded);
        for (path, row) in below.goes {
            match row.acknowledged {
                _ if below.stays.contains(&path) => {}
                Some(ref was) => {
                    let (was, old_inode) = (was.clone(), acknowledged_inode(&row));
                    found.ctimes_of_gone.extend(row.reading.as_ref().and_then(|reading| {
                        let evidence = reading.evidence;
                        (old_inode == Some(evidence.inode)).then_some((evidence.inode, evidence.ctime))
                    }));
                    found.scanned.findings.push(Finding::Gone { path, was, old_inode });
                }
                None => found.scanned.flown.push(path),
            }
        }
    }

    /// These rows and what is recorded below them.
    fn recorded_below(&self, mut rows: Vec<(RelPath, Row)>) -> Result<Below, ScanError> {
        let mut below = Below::default();
        while let Some((path, row)) = rows.pop() {
            let kind = row.acknowledged.as_ref().map(Entry::kind);
            if row.directory.is_some_and(|id| kind == Some(Kind::Directory) && self.claims().has_moved(id)) {
                continue;
            }
            if !self.rules.delete_excluded && self.leaves_out(&path, kind == Some(Kind::Directory)) {
                below.stays.extend(path.ancestors());
                below.excluded.extend(kind.map(|_| path));
                continue;
            }
            if let Some(id) = row.directory {
                if self.is_mount(id) {
                    below.stays.extend(path.ancestors());
                    below.mounts.extend(self.known.mounts.get(&id).map(|key| (path, key.clone())));
                    continue;
                }
                rows.extend(self.rows_below(&path, id)?);
            }
            below.goes.push((path, row));
        }
        Ok(below)
    }

    /// Whether a filter leaves out what the mirror has at a path, or would where it was last seen.
    fn leaves_out(&self, path: &RelPath, is_directory: bool) -> bool {
        let excludes = |path: &RelPath| self.filter.excludes(path, is_directory);
        !self.filter.is_empty() && (excludes(path) || excludes(&self.claims().place(path)))
    }

    fn rows_below(&self, path: &RelPath, directory: DirectoryId) -> Result<Vec<(RelPath, Row)>, ScanError> {
        let rows = self.recorded.rows(directory).map_err(ScanError::Recorded)?;
        Ok(rows.into_iter().filter_map(|row| Some((path.join(&row.name).ok()?, row))).collect())
    }

    /// Whether another file system was mounted at a directory, and nobody said that it may be gone.
    fn is_mount(&self, directory: DirectoryId) -> bool {
        !self.rules.accept_mounts && self.known.mounts.contains_key(&directory)
    }
}
