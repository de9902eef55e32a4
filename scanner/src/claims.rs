//! [`Claims`]: which directory of the mirror each directory of the source is, where names alone do not tell. Pure.
//!
//! A directory of the mirror is compared with one directory of the source at most. Whoever is known to be it by its inode
//! comes before whoever only stands at its path: that one is *displaced*, and walked again as something new.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use protocol::{Entry, RelPath};
use seams::recorded::{Acknowledged, DirectoryId, Row};

/// A directory of the mirror that was found elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub id: DirectoryId,
    /// Where the mirror has it.
    pub base: RelPath,
    /// What the mirror has of it.
    pub was: Entry,
}

impl From<Acknowledged> for Claim {
    fn from(directory: Acknowledged) -> Self {
        Self { id: directory.id, base: directory.path, was: directory.entry }
    }
}

/// A directory that was compared with the wrong rows, and is to be walked again.
#[derive(Debug, Clone)]
pub(crate) struct Displaced {
    /// Where it is.
    pub place: RelPath,
    pub turn: Turn,
}

impl Displaced {
    /// Where the mirror has what was found elsewhere.
    pub(crate) fn base(&self) -> Option<&RelPath> {
        match &self.turn {
            Turn::New(_, base) => Some(base),
            Turn::AsNamed(..) => None,
        }
    }
}

/// What it turned out to be.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// Not the directory that the mirror has at its path: that one, of this number and path, was found elsewhere.
    New(DirectoryId, RelPath),
    /// To be taken for the directory of its path, which the mirror has at this path and in this row: something in that
    /// must stay.
    AsNamed(RelPath, Box<Row>),
}

/// Which directory is which, as far as it is known by now.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// By present path.
    moved: BTreeMap<RelPath, Claim>,
    /// Where the directories of these numbers are.
    holders: HashMap<DirectoryId, RelPath>,
    /// By the mirror's path: where it is.
    places: BTreeMap<RelPath, RelPath>,
    /// The numbers that were compared with what stands at their paths.
    compared: HashSet<DirectoryId>,
    /// Directories that are not those of their paths.
    newcomers: BTreeSet<RelPath>,
    /// Directories that are those of their paths, whatever their inodes say.
    as_named: BTreeSet<RelPath>,
    displaced: Vec<Displaced>,
    /// Whether all directories are those of their paths.
    given_up: bool,
}

impl Claims {
    /// What the directory at a path was, if the mirror has it elsewhere.
    pub(crate) fn at(&self, place: &RelPath) -> Option<&Claim> {
        self.moved.get(place)
    }

    /// Whether the directory of this number was found away from its path.
    pub(crate) fn has_moved(&self, id: DirectoryId) -> bool {
        self.holders.contains_key(&id)
    }

    /// Whether every directory seen so far is that of its path.
    pub(crate) fn is_quiet(&self) -> bool {
        self.moved.is_empty() && self.newcomers.is_empty()
    }

    /// Whether the directory at a path may be one that the mirror has elsewhere.
    pub(crate) fn may_have_moved(&self, place: &RelPath) -> bool {
        !self.given_up && !self.as_named.contains(place)
    }

    /// Whether the directory at a path is another than the one of its path, whose number this is.
    pub(crate) fn is_stranger(&self, place: &RelPath, own: Option<DirectoryId>) -> bool {
        let is_elsewhere = |id| self.holders.get(&id).is_some_and(|holder| holder != place);
        self.moved.contains_key(place) || self.newcomers.contains(place) || own.is_some_and(is_elsewhere)
    }

    /// The directory at a path is this one of the mirror; no if that was found elsewhere before.
    pub(crate) fn claim(&mut self, place: &RelPath, claim: Claim) -> bool {
        if self.has_moved(claim.id) || !self.may_have_moved(place) {
            return false;
        }
        if self.compared.remove(&claim.id) {
            let turn = Turn::New(claim.id, claim.base.clone());
            self.displaced.push(Displaced { place: self.place(&claim.base), turn });
        }
        self.holders.insert(claim.id, place.clone());
        self.places.insert(claim.base.clone(), place.clone());
        self.moved.insert(place.clone(), claim);
        true
    }

    /// The directory at a path is compared with the rows of that path, of this number; no if it is not the one.
    pub(crate) fn compare(&mut self, place: &RelPath, id: DirectoryId) -> bool {
        let is_it = !self.is_stranger(place, Some(id));
        if is_it {
            self.compared.insert(id);
        }
        is_it
    }

    /// Where that is which the mirror has at a path, or was when the mirror got it and nobody moved it since.
    pub(crate) fn place(&self, base: &RelPath) -> RelPath {
        if self.places.is_empty() {
            return base.clone();
        }
        let above: Vec<RelPath> = base.ancestors().chain([base.clone()]).collect();
        let nearest = above.iter().rev().find_map(|above| Some((above, self.places.get(above)?)));
        nearest.and_then(|(above, place)| base.rebased(above, place)).unwrap_or_else(|| base.clone())
    }

    /// Where the mirror has what is at a path, if that is elsewhere.
    pub(crate) fn base(&self, place: &RelPath) -> Option<RelPath> {
        if self.moved.is_empty() {
            return None;
        }
        let above: Vec<RelPath> = place.ancestors().chain([place.clone()]).collect();
        let nearest = above.iter().rev().find_map(|above| Some((above, self.moved.get(above)?)));
        nearest.and_then(|(above, claim)| place.rebased(above, &claim.base))
    }

    /// The directory at a path was taken for another although something must stay at its path.
    pub(crate) fn must_be_as_named(&mut self, place: RelPath, base: RelPath, row: Row) {
        self.displaced.push(Displaced { place, turn: Turn::AsNamed(base, Box::new(row)) });
    }

    /// What is to be walked again.
    pub(crate) fn take_displaced(&mut self) -> Vec<Displaced> {
        std::mem::take(&mut self.displaced)
    }

    /// Whether something is to be walked again.
    pub(crate) fn has_displaced(&self) -> bool {
        !self.displaced.is_empty()
    }

    /// Notes what a displaced directory turned out to be.
    pub(crate) fn turn(&mut self, displaced: &Displaced) {
        let place = displaced.place.clone();
        match displaced.turn {
            Turn::New(..) => self.newcomers.insert(place),
            Turn::AsNamed(..) => self.newcomers.remove(&place) | self.as_named.insert(place),
        };
    }

    /// The directory at a path is not there any more: where it is now is open again.
    pub(crate) fn lose(&mut self, place: &RelPath) {
        if let Some(claim) = self.moved.remove(place) {
            self.holders.remove(&claim.id);
            self.places.remove(&claim.base);
        }
    }

    /// Forgets what is known of directories that do not stay, and that these numbers were compared.
    pub(crate) fn forget(&mut self, stays: impl Fn(&RelPath) -> bool, compared: impl IntoIterator<Item = DirectoryId>) {
        let leave: Vec<RelPath> = self.moved.keys().filter(|place| !stays(place)).cloned().collect();
        leave.iter().for_each(|place| self.lose(place));
        self.newcomers.retain(&stays);
        self.as_named.retain(&stays);
        for id in compared {
            self.compared.remove(&id);
        }
    }

    /// Takes every directory for the one of its path from now on.
    pub(crate) fn give_up(&mut self) {
        *self = Self { given_up: true, ..Self::default() };
    }
}
