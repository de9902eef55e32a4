//! The second look: is what seemed gone really gone? Nothing is deleted on one observation alone.
//!
//! Each name is looked for again in its own directory, opened anew by components. If that directory changed since it was
//! listed, it is listed again, until one listing stood still; a directory that never does so keeps its names for now.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath};
use seams::fs::{Directory, Stat, open_by_components};
use seams::recorded::Row;

use crate::finding::Deferral;
use crate::open_directories::OpenDirectory;

/// How often a directory that keeps changing is listed again before its deletes wait.
const LISTINGS: usize = 3;

/// Names of one directory that a complete listing did not show, or that vanished after it.
#[derive(Debug)]
pub(crate) struct Absent {
    pub directory: RelPath,
    /// Where the mirror has that directory, if that is elsewhere.
    pub base: Option<RelPath>,
    /// The directory's stat before it was listed.
    pub stat: Stat,
    pub rows: Vec<Row>,
    /// Names that were listed and then gone, recorded or not: the listing says nothing about those.
    pub vanished: Vec<Name>,
}

impl Absent {
    /// Of a directory, if there are any.
    pub(crate) fn of(directory: &OpenDirectory, rows: Vec<Row>, vanished: Vec<Name>) -> Option<Self> {
        let (path, base) = (directory.path.clone(), directory.past.base.clone());
        let any = !rows.is_empty() || !vanished.is_empty();
        any.then_some(Self { directory: path, base, stat: directory.stat, rows, vanished })
    }

    /// Where the mirror has a name of the directory.
    pub(crate) fn base_of(&self, name: &Name) -> Option<RelPath> {
        self.base.as_ref().unwrap_or(&self.directory).join(name).ok()
    }

    /// The paths of names in the directory.
    pub(crate) fn paths(&self, names: &[Name]) -> Vec<RelPath> {
        names.iter().filter_map(|name| self.directory.join(name).ok()).collect()
    }
}

/// What the second look says of one directory's absent names.
#[derive(Debug)]
pub(crate) enum SecondLook {
    /// These rows are proven to be gone; the rest came back and will be seen in the next round.
    Proven(Vec<Row>),
    /// Nothing is proven.
    Deferred(Deferral),
    /// The directory could not be looked at.
    Failed(io::Error),
}

/// Looks again.
pub(crate) fn second_look(root: &Arc<dyn Directory>, absent: &Absent) -> SecondLook {
    match try_look(root, absent) {
        Ok(Some(present)) => {
            let gone = absent.rows.iter().filter(|row| !present.contains(&row.name));
            SecondLook::Proven(gone.cloned().collect())
        }
        Ok(None) => SecondLook::Deferred(Deferral::Unsettled),
        Err(error) => SecondLook::Failed(error),
    }
}

/// Which of the absent names are there after all; nothing if the directory would not stand still.
fn try_look(root: &Arc<dyn Directory>, absent: &Absent) -> io::Result<Option<BTreeSet<Name>>> {
    let directory = open_by_components(root, &absent.directory)?;
    let mut before = directory.own_stat()?;
    if (before.device, before.inode) != (absent.stat.device, absent.stat.inode) {
        return Ok(None);
    }
    // Unchanged since before the listing: the listing stands, and each name is only looked for once more.
    if stands(&absent.stat, &before) && absent.vanished.is_empty() {
        return named_again(&*directory, absent).map(Some);
    }
    for _ in 0..LISTINGS {
        let names: BTreeSet<Name> = directory.list()?.into_iter().collect();
        let after = directory.own_stat()?;
        // A listing may miss a name that is replaced again and again while it stood still by its coarse stamps.
        if stands(&before, &after) {
            let mut there = named_again(&*directory, absent)?;
            there.extend(names);
            return Ok(Some(there));
        }
        before = after;
    }
    Ok(None)
}

fn stands(before: &Stat, after: &Stat) -> bool {
    (before.mtime, before.ctime) == (after.mtime, after.ctime)
}

fn named_again(directory: &dyn Directory, absent: &Absent) -> io::Result<BTreeSet<Name>> {
    let mut there = BTreeSet::new();
    for row in &absent.rows {
        match directory.stat(&row.name) {
            Ok(_) => {
                there.insert(row.name.clone());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}
