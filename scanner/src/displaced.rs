//! Directories that were walked for others than they are: forgotten, and walked again for what they are.

use std::collections::BTreeSet;

use protocol::{Entry, RelPath};
use seams::fs::{FileKind, Stat, open_by_components};
use seams::recorded::Row;

use crate::claims::{Displaced, Turn};
use crate::compare::metadata;
use crate::finding::{Deferral, Finding};
use crate::past::Past;
use crate::scan::ScanError;
use crate::settle::Settling;
use crate::walk::Subtree;
use crate::watched::Watched;

/// How often directories are walked again for what they turn out to be, before all are taken for those of their paths.
const TURNS: usize = 16;

impl Settling<'_, '_> {
    /// Looks again for what seems gone, and says what goes, when it is known which directory is which.
    pub(crate) fn find_out(&mut self) -> Result<(), ScanError> {
        for _ in 0..TURNS {
            self.walk_displaced()?;
            self.round.look_again();
            self.round.say_what_goes()?;
            if !self.round.claims().has_displaced() {
                return Ok(());
            }
        }
        self.take_all_for_their_paths()?;
        self.round.look_again();
        self.round.say_what_goes()
    }

    fn walk_displaced(&mut self) -> Result<(), ScanError> {
        let displaced = self.round.claims().take_displaced();
        if displaced.is_empty() {
            return Ok(());
        }
        let places: BTreeSet<&RelPath> = displaced.iter().map(|displaced| &displaced.place).collect();
        self.forget_where(|path| places.contains(path) || path.ancestors().any(|above| places.contains(&above)))?;
        for displaced in &displaced {
            self.round.claims().turn(displaced);
        }
        // What is below one that is walked again is walked with it.
        let is_topmost = |place: &RelPath| !place.ancestors().any(|above| places.contains(&above));
        let topmost = displaced.iter().filter(|displaced| is_topmost(&displaced.place));
        let bases: BTreeSet<&RelPath> = displaced.iter().filter_map(Displaced::base).collect();
        let subtrees = topmost.filter_map(|one| self.turned(one, &bases)).collect();
        self.round.walk_all(subtrees)
    }

    /// What stands where a displaced directory was: a finding of it, and what to walk. One whose parent is displaced as
    /// well was compared below the old place of that, which is walked again, or where that is now, or both.
    fn turned(&self, displaced: &Displaced, bases: &BTreeSet<&RelPath>) -> Option<Subtree> {
        let Displaced { place, turn } = displaced;
        let (above, name) = place.split_last()?;
        let stat = open_by_components(&self.round.root, &above).and_then(|above| above.stat(&name));
        let Some(stat) = stat.ok().filter(|stat| stat.kind == FileKind::Directory) else {
            if !displaced.base().is_some_and(|base| base.ancestors().any(|above| bases.contains(&above))) {
                // What the next round will make of it.
                self.round.defer([place.clone()], Deferral::Vanished);
            }
            return None;
        };
        let past = match turn {
            Turn::New(id, base) => {
                self.note(place, None, &stat, None);
                Past { aside: Some(*id).filter(|_| base == place), stranger: true, ..Past::default() }
            }
            Turn::AsNamed(base, row) => {
                self.note(place, Some(base), &stat, Some(row));
                let base = Some(base.clone()).filter(|base| base != place);
                Past { id: row.directory, stranger: base.is_some(), base, ..Past::default() }
            }
        };
        Some(Subtree { path: place.clone(), past, device: stat.device, again: true })
    }

    /// Notes what is there, if the mirror has not got it so.
    fn note(&self, place: &RelPath, base: Option<&RelPath>, stat: &Stat, row: Option<&Row>) {
        let now = Entry::Directory { metadata: metadata(stat) };
        let was = row.and_then(|row| row.acknowledged.clone());
        if was.as_ref() != Some(&now) {
            let (path, base, inode) = (place.clone(), base.filter(|base| *base != place).cloned(), stat.inode);
            let old_inode = row.and_then(|row| row.inode);
            let present = Finding::Present { path, base, was, now, old_inode, inode, silent: false };
            self.round.found().scanned.findings.push(present);
        }
    }

    /// The way out of a source that moves about faster than it can be walked.
    fn take_all_for_their_paths(&mut self) -> Result<(), ScanError> {
        self.forget_where(|path| !path.is_root())?;
        self.round.claims().give_up();
        self.round.walk_all(vec![self.round.whole(true)])
    }

    /// Forgets what was found at and below paths, that it was walked, and which directories are there.
    fn forget_where(&mut self, is_among: impl Fn(&RelPath) -> bool) -> Result<(), ScanError> {
        let mut walked: Vec<Watched> = std::mem::take(&mut self.round.found().watched);
        let mut ids: Vec<_> = walked.extract_if(.., |watched| is_among(&watched.path)).collect();
        ids.extend(self.watched.extract_if(.., |path, _| is_among(path)).map(|(_, watched)| watched));
        self.round.found().watched = walked;
        self.round.claims().forget(|path| !is_among(path), ids.iter().filter_map(|watched| watched.past.id));
        self.round.retain(|path| !is_among(path))?;
        // What was chosen for the scrub was chosen by rows that it may not have.
        self.round.scrub.take();
        Ok(())
    }
}
