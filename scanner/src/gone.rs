//! What goes with a path that is gone: everything recorded below it, but for what must stay at the mirror all the same.

use std::collections::BTreeSet;

use protocol::{Entry, Kind, RelPath};
use seams::known::FilesystemKey;
use seams::recorded::{DirectoryId, Row};

use crate::finding::{Finding, Trouble};
use crate::mounts::shown;
use crate::round::Round;
use crate::scan::ScanError;

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

impl Below {
    fn keeps_nothing(&self) -> bool {
        self.stays.is_empty()
    }
}

impl Round<'_> {
    /// Notes that a row is gone, with everything recorded below it.
    pub(crate) fn gone(&self, path: RelPath, row: Row) -> Result<(), ScanError> {
        let below = self.recorded_below(vec![(path, row)])?;
        self.note_gone(below);
        Ok(())
    }

    /// Another kind of thing stands where a directory was: notes that all in it is gone. Where something in it must
    /// stay, the directory must, too; then that is reported, nothing is noted, and the answer is no.
    pub(crate) fn gone_below(&self, path: &RelPath, directory: DirectoryId) -> Result<bool, ScanError> {
        let mut below = self.recorded_below(self.rows_below(path, directory)?)?;
        let replaceable = below.keeps_nothing() && !self.is_mount(directory);
        if !replaceable {
            if !below.excluded.is_empty() {
                self.problem(path.clone(), Trouble::ExcludedBelow);
            }
            let own = self.known.mounts.get(&directory).map(|key| (path.clone(), key.clone()));
            below.mounts.extend(own);
            below.goes.clear();
        }
        self.note_gone(below);
        Ok(replaceable)
    }

    /// A path that a filter leaves out. What the mirror holds there stays, unless the user decided otherwise.
    pub(crate) fn left_out(&self, path: RelPath, row: &Row) -> Result<(), ScanError> {
        if self.rules.delete_excluded {
            return self.gone(path, row.clone());
        }
        if row.acknowledged.is_some() {
            self.found().excluded.insert(path);
        }
        Ok(())
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
            if !self.rules.delete_excluded && self.filter.excludes(&path, kind == Some(Kind::Directory)) {
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

    fn rows_below(&self, path: &RelPath, directory: DirectoryId) -> Result<Vec<(RelPath, Row)>, ScanError> {
        let rows = self.recorded.rows(directory).map_err(ScanError::Recorded)?;
        Ok(rows.into_iter().filter_map(|row| Some((path.join(&row.name).ok()?, row))).collect())
    }

    /// Whether another file system was mounted at a directory, and nobody said that it may be gone.
    fn is_mount(&self, directory: DirectoryId) -> bool {
        !self.rules.accept_mounts && self.known.mounts.contains_key(&directory)
    }
}
