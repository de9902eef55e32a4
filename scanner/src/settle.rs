//! Settling: before anything ends at the mirror, the source must have stood still for one moment.
//!
//! Each directory that changed since it was listed, or was listed too soon after its last change to tell, is listed and
//! judged again, which replaces what was found of it before. When all stood still, what was not found was nowhere. In a
//! source that does not come to rest, what would end at the mirror waits for the next round.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use protocol::{Name, RelPath};
use seams::fs::{FileKind, Stat, open_by_components};
use seams::scratch::{Plain, take_where};

use crate::compare::Look;
use crate::finding::{Deferral, Trouble};
use crate::fingerprint::Reader;
use crate::open_directories::OpenDirectory;
use crate::round::Round;
use crate::scan::ScanError;
use crate::unsettled::{HeldBack, ended, hold_back, topmost};
use crate::waiting::is_closed;
use crate::walk::{Descent, Subtree, descend, look, open_directory};
use crate::watched::{Since, Watched};

/// How often directories that move about are listed again before what would end waits.
const LISTINGS: usize = 3;
/// Directories looked at by one thread at a time.
const DIRECTORIES_AT_A_TIME: usize = 256;

/// The directories of a source that moved about since they were listed.
#[derive(Debug, Default)]
struct Restless {
    /// To be listed again.
    again: BTreeSet<RelPath>,
    /// Not there any more, or replaced by others.
    elsewhere: BTreeSet<RelPath>,
    /// Whether there are directories of which nothing is known.
    unwatched: bool,
}

impl Restless {
    fn is_empty(&self) -> bool {
        self.again.is_empty() && self.elsewhere.is_empty() && !self.unwatched
    }
}

/// The watched directories, while the source settles.
pub(crate) struct Settling<'a, 'r> {
    pub round: &'a Round<'r>,
    pub watched: BTreeMap<RelPath, Watched>,
    /// What vanished while the round ran, in directories that are being listed again.
    vanished: Vec<RelPath>,
}

impl Round<'_> {
    /// Looks again until everything that is gone is proven to be gone, or holds it back.
    pub(crate) fn settle(&self) -> Result<(), ScanError> {
        let mut settling = Settling { round: self, watched: BTreeMap::new(), vanished: Vec::new() };
        for listed in 0..=LISTINGS {
            settling.find_out()?;
            self.gather()?;
            if ended(&mut self.found().scanned.findings).is_empty() {
                return Ok(());
            }
            let restless = settling.restless()?;
            if restless.is_empty() {
                return Ok(());
            }
            if listed < LISTINGS {
                settling.list_again(&restless)?;
            }
        }
        self.hold_back()
    }

    /// What would end, and what needs its place, waits for the next round.
    fn hold_back(&self) -> Result<(), ScanError> {
        let mut found = self.found();
        let HeldBack { mut paths, closed } = hold_back(&mut found.scanned.findings);
        let held = |plain: &Plain| is_closed(&closed, &plain.path);
        take_where(self.scratch, held, |plain| paths.extend([plain.path])).map_err(ScanError::Scratch)?;
        found.defer(topmost(paths), Deferral::Unsettled);
        Ok(())
    }
}

impl Settling<'_, '_> {
    /// Which directories have moved about. Where one has, those in it may have been listed under each other's names.
    fn restless(&mut self) -> Result<Restless, ScanError> {
        let walked = std::mem::take(&mut self.round.found().watched);
        self.watched.extend(walked.into_iter().map(|watched| (watched.path.clone(), watched)));
        let since = self.look_at_all()?;
        let changed = |path: &RelPath| since.get(path) == Some(&Since::Changed);
        let mut restless = Restless { unwatched: self.round.found().unwatched, ..Restless::default() };
        for path in self.watched.keys() {
            match since.get(path) {
                Some(Since::Elsewhere) => restless.elsewhere.insert(path.clone()),
                None if !path.parent().is_some_and(|parent| changed(&parent)) => continue,
                Some(Since::Changed | Since::Unproven | Since::Unchanged) | None => restless.again.insert(path.clone()),
            };
        }
        Ok(restless)
    }

    /// What became of each watched directory that is not as it was.
    fn look_at_all(&self) -> Result<BTreeMap<RelPath, Since>, ScanError> {
        let all: Vec<&Watched> = self.watched.values().collect();
        let since = Mutex::new(BTreeMap::new());
        let chunks = all.chunks(DIRECTORIES_AT_A_TIME).collect();
        self.round.parallel.for_each(chunks, |chunk: &[&Watched]| {
            let looked: Vec<_> = chunk.iter().map(|watched| (watched.path.clone(), self.look_at(watched))).collect();
            let restless = looked.into_iter().filter(|(_, since)| *since != Since::Unchanged);
            since.lock().expect("no holder of this lock panics").extend(restless);
        });
        self.round.go_on()?;
        Ok(since.into_inner().expect("every thread has ended without panic"))
    }

    fn look_at(&self, watched: &Watched) -> Since {
        if self.round.go_on().is_err() {
            return Since::Changed;
        }
        // What is wrong will be said when it is listed again.
        watched.since(&self.round.root, self.round.stamps.of(watched.device())).unwrap_or(Since::Changed)
    }

    /// Lists the restless directories again, when changes from now on show in their stamps, and walks what is new there.
    fn list_again(&mut self, restless: &Restless) -> Result<(), ScanError> {
        self.forget(restless)?;
        self.round.clock.wait(self.longest_margin(restless));
        let mut new = Vec::new();
        let mut reader = Reader::new(self.round);
        for path in &restless.again {
            self.round.go_on()?;
            if let Some(earlier) = self.watched.remove(path) {
                self.list_one_again(&earlier, &mut reader, &mut new)?;
            }
        }
        self.round.walk_all(new)
    }

    /// Forgets what was found in the directories that are listed again; what is below a directory in them stays, if
    /// that stands where it stood.
    fn forget(&mut self, restless: &Restless) -> Result<(), ScanError> {
        let again = |path: &RelPath| restless.again.contains(path);
        let standing: BTreeSet<RelPath> =
            self.watched.keys().filter(|path| !restless.elsewhere.contains(*path)).cloned().collect();
        let stands = |path: &RelPath| {
            let below = path.ancestors().skip(1).chain([path.clone()]);
            path.ancestors().zip(below).all(|(above, below)| !again(&above) || standing.contains(&below))
        };
        let forgotten: Vec<Watched> =
            self.watched.extract_if(.., |path, _| !stands(path)).map(|(_, watched)| watched).collect();
        self.round.claims().forget(stands, forgotten.iter().filter_map(|watched| watched.past.id));
        let stays = |path: &RelPath| match path.split_last() {
            Some((parent, _)) => !again(&parent) && (parent.is_root() || stands(&parent)),
            None => true,
        };
        self.vanished = self.round.retain(stays)?;
        Ok(())
    }

    fn longest_margin(&self, restless: &Restless) -> Duration {
        let watched = restless.again.iter().filter_map(|path| self.watched.get(path));
        let devices: BTreeSet<u64> = watched.map(Watched::device).collect();
        devices.into_iter().map(|device| self.round.stamps.of(device).margin()).max().unwrap_or_default()
    }

    fn list_one_again(
        &mut self,
        earlier: &Watched,
        reader: &mut Reader<'_>,
        new: &mut Vec<Subtree>,
    ) -> Result<(), ScanError> {
        let path = earlier.path.clone();
        let handle = match open_by_components(&self.round.root, &path) {
            Ok(handle) => handle,
            Err(error) => {
                self.round.trouble(path, error, Trouble::OpenDirectory);
                return Ok(());
            }
        };
        let subtree = Subtree { path, past: earlier.past.clone(), device: earlier.device(), again: true };
        let Some(mut directory) = open_directory(self.round, subtree, handle)? else { return Ok(()) };
        let stands_still = self.list(&mut directory, new)?;
        self.defer_vanished(&directory);
        if directory.broken.is_none() {
            let mut watched = Watched::new(&directory, Some(earlier));
            if !stands_still {
                watched.distrust();
            }
            self.watched.insert(watched.path.clone(), watched);
        }
        self.round.judge(directory, reader)
    }

    /// Lists a directory, and notes directories in it that were not walked; whether those that were are the same.
    fn list(&self, directory: &mut OpenDirectory, new: &mut Vec<Subtree>) -> Result<bool, ScanError> {
        let names = match directory.handle.list() {
            Ok(names) => names,
            Err(error) => {
                directory.broken = Some(error);
                return Ok(true);
            }
        };
        let mut stands_still = true;
        for name in names {
            let mut look = look(self.round, directory, &name);
            if let Look::There { stat, .. } = &look
                && stat.kind == FileKind::Directory
            {
                match self.known(directory, &name, stat) {
                    Some(same) => stands_still &= same,
                    None => match descend(self.round, directory, &name, stat, true)? {
                        Descent::Later(subtree) => new.push(Subtree { again: false, ..subtree }),
                        Descent::Refused => look = Look::Unknown,
                        Descent::Vanished => look = Look::Vanished,
                        Descent::No | Descent::Into(_) => {}
                    },
                }
            }
            directory.list(name, look);
        }
        Ok(stands_still)
    }

    /// What vanished and did not come back is still worth saying.
    fn defer_vanished(&self, directory: &OpenDirectory) {
        let is_there = |path: &RelPath| path.name().is_some_and(|name| directory.names(&name));
        let in_it = self.vanished.iter().filter(|path| path.parent().as_ref() == Some(&directory.path));
        self.round.defer(in_it.filter(|path| !is_there(path)).cloned(), Deferral::Vanished);
    }

    /// Whether a directory that was walked at this place is this one; nothing if none was.
    fn known(&self, directory: &OpenDirectory, name: &Name, stat: &Stat) -> Option<bool> {
        let path = directory.path.join(name).ok()?;
        self.watched.get(&path).map(|watched| watched.is(stat))
    }
}
