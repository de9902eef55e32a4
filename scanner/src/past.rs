//! [`Past`]: what the snapshot has of a directory that is looked at; found by its inode, where that tells more than its
//! path.
//!
//! An inode alone proves nothing, for numbers are given again at once. A directory is the one that was recorded under
//! its inode only if nothing with this inode stands where that was, and at least one file that was recorded in it still
//! holds by its whole evidence, ctime included: renaming a directory does not touch what is in it.

use protocol::{Name, RelPath};
use seams::fs::{Directory, FileKind, Stat, leads_nowhere, open_by_components};
use seams::recorded::{DirectoryId, Evidence, Reading, Row};

use crate::claims::Claim;
use crate::gone::was_directory;
use crate::open_directories::OpenDirectory;
use crate::round::Round;
use crate::scan::ScanError;
use crate::trust::{Stamps, still_holds};

/// So many files and directories are looked at for one that proves that a directory is the recorded one.
///
/// (Few in tests, which must reach it.)
const MOST_LOOKS: usize = if cfg!(test) { 32 } else { 1_024 };

/// What the snapshot has of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The number of the rows that it is compared with; nothing if it is new.
    pub id: Option<DirectoryId>,
    /// Where the mirror has it, if that is elsewhere.
    pub base: Option<RelPath>,
    /// The number that its path has, if that is another: what was read in it and is not delivered is recorded there.
    pub aside: Option<DirectoryId>,
    /// Whether what is recorded at its path is of another directory, or would be.
    pub stranger: bool,
    /// Whether it may turn out to be a stranger, for the inode that is recorded for it may be found elsewhere.
    pub doubtful: bool,
}

impl Past {
    /// Of the root.
    pub(crate) fn root() -> Self {
        Self { id: Some(DirectoryId::ROOT), ..Self::default() }
    }

    /// Of what stands in a place where something else was.
    pub(crate) fn newcomer(self) -> Self {
        Self { id: None, base: None, aside: self.own_number(), stranger: true, doubtful: false }
    }

    fn moved(self, claim: &Claim) -> Self {
        Self { id: Some(claim.id), base: Some(claim.base.clone()), ..self.newcomer() }
    }

    /// Whether what is read in it is recorded only when the plan was delivered: recorded before, it would go along with
    /// the directory that the snapshot has at its path.
    pub(crate) fn is_recorded_late(&self) -> bool {
        self.stranger || self.doubtful
    }

    /// The number of its path.
    fn own_number(&self) -> Option<DirectoryId> {
        if self.stranger { self.aside } else { self.id }
    }
}

impl Round<'_> {
    /// What the snapshot has of a directory that stands in `parent`, and may have stood elsewhere.
    pub(crate) fn past_of(
        &self,
        parent: &OpenDirectory,
        name: &Name,
        place: &RelPath,
        stat: &Stat,
    ) -> Result<Past, ScanError> {
        let by_name = parent.past_of(name);
        if let Some(claim) = self.claimed(parent, name, place, stat)? {
            return Ok(by_name.moved(&claim));
        }
        match by_name.id {
            Some(id) if !self.claims().compare(place, id) => Ok(by_name.newcomer()),
            Some(_) | None => {
                let other_inode = |row: &Row| was_directory(row) && row.inode.is_some_and(|inode| inode != stat.inode);
                let doubtful = parent.stamps.weight.inode && parent.row(name).is_some_and(other_inode);
                Ok(Past { doubtful: doubtful || by_name.doubtful, ..by_name })
            }
        }
    }

    /// The directory of the mirror that stands here now, if it stood elsewhere.
    fn claimed(
        &self,
        parent: &OpenDirectory,
        name: &Name,
        place: &RelPath,
        stat: &Stat,
    ) -> Result<Option<Claim>, ScanError> {
        let is_evidence = self.watches && parent.stamps.weight.inode && stat.device == parent.stat.device;
        if !is_evidence || parent.row(name).is_some_and(|row| is_recorded_so(row, stat)) {
            return Ok(None);
        }
        if !self.claims().may_have_moved(place) {
            return Ok(None);
        }
        for found in self.recorded.directories_with_inode(stat.inode).map_err(ScanError::Recorded)? {
            let claim = Claim::from(found);
            let is_it = self.has_left(&claim, place, stat) && self.is_the_one(parent, name, &claim)?;
            if is_it && self.claims().claim(place, claim.clone()) {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Whether a directory of the mirror is not where it was, as far as anybody looks there.
    fn has_left(&self, claim: &Claim, place: &RelPath, stat: &Stat) -> bool {
        if self.claims().has_moved(claim.id) || self.is_left_out(&claim.base) {
            return false;
        }
        let old_place = self.claims().place(&claim.base);
        if old_place == *place {
            return true;
        }
        let Some((above, name)) = old_place.split_last() else { return false };
        match open_by_components(&self.root, &above).and_then(|above| above.stat(&name)) {
            Ok(there) => there.inode != stat.inode,
            Err(error) => leads_nowhere(&error),
        }
    }

    /// Whether a filter leaves out a directory, or one above it.
    fn is_left_out(&self, directory: &RelPath) -> bool {
        let mut below_root = directory.ancestors().skip(1).chain([directory.clone()]);
        !self.filter.is_empty() && below_root.any(|path| self.filter.excludes(&path, true))
    }

    /// Whether a directory that stands in `parent` is the one of the mirror, by what is in it.
    fn is_the_one(&self, parent: &OpenDirectory, name: &Name, claim: &Claim) -> Result<bool, ScanError> {
        // What cannot be opened will be reported when it is walked.
        let Ok(top) = parent.handle.open_directory(name) else { return Ok(false) };
        let mut waiting = vec![(RelPath::root(), claim.id)];
        let mut looks = 0;
        while let Some((below, id)) = waiting.pop().filter(|_| looks < MOST_LOOKS) {
            let Ok(directory) = open_by_components(&top, &below) else { continue };
            let rows = self.recorded.rows_after(id, None, MOST_LOOKS).map_err(ScanError::Recorded)?;
            for row in rows.iter().take(MOST_LOOKS - looks) {
                looks += 1;
                match self.sign_in(&*directory, row, parent.stamps) {
                    Sign::File => return Ok(true),
                    Sign::Directory(id) => waiting.extend(below.join(&row.name).ok().map(|path| (path, id))),
                    Sign::No => {}
                }
            }
        }
        Ok(false)
    }

    fn sign_in(&self, directory: &dyn Directory, row: &Row, stamps: Stamps) -> Sign {
        let Ok(stat) = directory.stat(&row.name) else { return Sign::No };
        let holds = |reading: &Reading| {
            reading.evidence == Evidence::from(&stat)
                && still_holds(reading, &reading.evidence, self.clock.now(), stamps)
        };
        match (stat.kind, &row.reading, row.directory) {
            (FileKind::File, Some(reading), _) if holds(reading) => Sign::File,
            (FileKind::Directory, _, Some(id)) if is_recorded_so(row, &stat) => Sign::Directory(id),
            _ => Sign::No,
        }
    }
}

/// What a name of a directory says about whether that is the recorded one.
enum Sign {
    /// It is: a file in it holds.
    File,
    /// A directory in it has the recorded inode; what is in that may say more.
    Directory(DirectoryId),
    No,
}

/// Whether the mirror has a directory in this row, with this inode.
fn is_recorded_so(row: &Row, stat: &Stat) -> bool {
    was_directory(row) && stat.kind == FileKind::Directory && row.inode == Some(stat.inode)
}
