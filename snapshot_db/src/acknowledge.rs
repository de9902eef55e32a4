//! An acknowledged batch enters the rows: the same as [`protocol::Tree::apply`], on directory numbers.
//!
//! First everything that leaves its place goes, deepest first, by its path in the base; then everything that
//! arrives comes, a directory before what is in it. A directory keeps its number when it moves, so that nothing
//! below it is touched. Readings belong to paths: they were recorded under the new path before the batch was sent.

use std::collections::{BTreeMap, HashSet};

use protocol::{Change, Entry, Head, Kind, Metadata, Name, RelPath};
use seams::recorded::{DirectoryId, Row};

use crate::error::{Fault, Outcome};
use crate::finder::Finder;
use crate::mounts;
use crate::state::Counts;
use crate::table::Table;

/// Applies a set of changes and moves the head on.
pub(crate) fn acknowledge(table: &Table<'_>, head: Head, changes: &[Change]) -> Outcome<()> {
    let mut batch = Batch::new(table, changes)?;
    batch.detach()?;
    batch.attach()?;
    table.state().arrive_at(head, batch.counts)
}

/// A set of changes being applied.
struct Batch<'a> {
    table: &'a Table<'a>,
    changes: &'a [Change],
    /// Where something arrives: what was read there is of the new occupant and stays.
    arriving: HashSet<&'a RelPath>,
    /// The directories that are on their way, by the place of their move in the batch.
    carried: BTreeMap<usize, Carried>,
    counts: Counts,
}

/// A directory between its old place and its new one.
struct Carried {
    id: DirectoryId,
    inode: Option<u64>,
}

/// A change that takes something away, and the row it means in the base.
struct Leaving<'a> {
    index: usize,
    path: &'a RelPath,
    directory: DirectoryId,
    name: Name,
}

impl<'a> Batch<'a> {
    fn new(table: &'a Table<'a>, changes: &'a [Change]) -> Outcome<Self> {
        let arriving = changes.iter().filter(|change| leaves(change).is_none() || is_move(change)).map(Change::path);
        let counts = table.state().counts()?;
        Ok(Self { table, changes, arriving: arriving.collect(), carried: BTreeMap::new(), counts })
    }

    fn detach(&mut self) -> Outcome<()> {
        for leaving in self.find_leaving()?.into_iter().rev() {
            self.detach_one(&leaving)?;
        }
        Ok(())
    }

    /// What leaves, sorted by path; found before anything moves, for these paths mean the base.
    fn find_leaving(&self) -> Outcome<Vec<Leaving<'a>>> {
        let mut paths: Vec<(usize, &RelPath)> =
            self.changes.iter().enumerate().filter_map(|(index, change)| Some((index, leaves(change)?))).collect();
        paths.sort_by_key(|(_, path)| *path);
        let mut finder = Finder::new();
        let find = |(index, path)| {
            let (directory, name) = self.place(&mut finder, path)?;
            Ok(Leaving { index, path, directory, name })
        };
        paths.into_iter().map(find).collect()
    }

    /// The acknowledged directory that a path lies in, and the name there.
    fn place(&self, finder: &mut Finder, path: &RelPath) -> Outcome<(DirectoryId, Name)> {
        let (parent, name) = path.split_last().ok_or_else(|| Fault::disagrees(path, "the root cannot change so"))?;
        let step = |directory, name: &Name| {
            let row = self.table.get(directory, name)?;
            let is_directory = |row: &Row| row.acknowledged.as_ref().map(Entry::kind) == Some(Kind::Directory);
            Ok(row.filter(is_directory).and_then(|row| row.directory))
        };
        let directory = finder.directory(&parent, step)?;
        Ok((directory.ok_or_else(|| Fault::disagrees(path, "no acknowledged directory holds what is"))?, name))
    }

    fn detach_one(&mut self, leaving: &Leaving<'_>) -> Outcome<()> {
        let mut row = self.table.get_or_empty(leaving.directory, &leaving.name)?;
        let nothing = || Fault::disagrees(leaving.path, "nothing is acknowledged");
        let old = row.acknowledged.take().ok_or_else(nothing)?;
        self.counts -= Counts::of(&old);
        let new = self.changes[leaving.index].entry();
        if new.is_some_and(|new| new.kind() != old.kind()) {
            return Err(Fault::disagrees(leaving.path, "a move changes the kind of what is"));
        }
        if !self.arriving.contains(leaving.path) {
            forget_delivered(&mut row, &old);
        }
        if old.kind() == Kind::Directory {
            self.release(leaving.index, &mut row)?;
        }
        self.table.put(leaving.directory, &row)
    }

    /// A directory lets go of its number: a move carries it on, a delete takes all that is left below it.
    fn release(&mut self, index: usize, row: &mut Row) -> Outcome<()> {
        let id = row.directory.take().ok_or(Fault::Impossible("a directory without number"))?;
        if !is_move(&self.changes[index]) {
            return self.table.remove_below(id, &mut self.counts);
        }
        self.carried.insert(index, Carried { id, inode: row.inode.take() });
        Ok(())
    }

    fn attach(&mut self) -> Outcome<()> {
        let changes = self.changes;
        let is_arriving = |(_, change): &(usize, &Change)| !matches!(change, Change::Delete { .. });
        let mut arriving: Vec<(usize, &Change)> = changes.iter().enumerate().filter(is_arriving).collect();
        arriving.sort_by_key(|(_, change)| change.path());
        let mut finder = Finder::new();
        for (index, change) in arriving {
            self.attach_one(index, change, &mut finder)?;
        }
        Ok(())
    }

    fn attach_one(&mut self, index: usize, change: &Change, finder: &mut Finder) -> Outcome<()> {
        if let Change::Metadata { path, metadata } = change
            && path.is_root()
        {
            return self.table.state().set_root_metadata(metadata);
        }
        let (directory, name) = self.place(finder, change.path())?;
        let mut row = self.table.get_or_empty(directory, &name)?;
        let old = row.acknowledged.take();
        let new = arrived(change, old.as_ref()).map_err(|what| Fault::disagrees(change.path(), what))?;
        if let Some(old) = &old {
            self.counts -= Counts::of(old);
            self.give_way(old, &new, &mut row)?;
        }
        self.counts += Counts::of(&new);
        if new.kind() == Kind::Directory {
            self.settle(index, &mut row)?;
        }
        row.acknowledged = Some(new);
        self.table.put(directory, &row)
    }

    /// A directory that becomes something else takes what is left below it along.
    fn give_way(&mut self, old: &Entry, new: &Entry, row: &mut Row) -> Outcome<()> {
        match row.directory {
            Some(id) if old.kind() == Kind::Directory && new.kind() != Kind::Directory => {
                row.directory = None;
                self.table.remove_below(id, &mut self.counts)
            }
            _ => Ok(()),
        }
    }

    /// Gives an arrived directory its number: the one it brings, else the one its readings were recorded under.
    fn settle(&mut self, index: usize, row: &mut Row) -> Outcome<()> {
        let Some(Carried { id, inode }) = self.carried.remove(&index) else { return self.table.number(row).map(drop) };
        if let Some(read_under) = row.directory.replace(id) {
            self.merge(read_under, id)?;
        }
        row.inode = row.inode.or(inode);
        Ok(())
    }

    /// Brings what was read below one number, none of it acknowledged, below another.
    fn merge(&self, from: DirectoryId, into: DirectoryId) -> Outcome<()> {
        let mut waiting = vec![(from, into)];
        while let Some((from, into)) = waiting.pop() {
            mounts::carry(self.table.connection(), from, into)?;
            for read in self.table.rows(from)? {
                self.table.remove(from, &read.name)?;
                let mut row = self.table.get_or_empty(into, &read.name)?;
                row.inode = read.inode.or(row.inode);
                row.reading = read.reading.or(row.reading);
                match (read.directory, row.directory) {
                    (Some(from), Some(into)) => waiting.push((from, into)),
                    (read_under, id) => row.directory = id.or(read_under),
                }
                self.table.put(into, &row)?;
            }
        }
        Ok(())
    }
}

/// The base path that a change takes something away from.
fn leaves(change: &Change) -> Option<&RelPath> {
    match change {
        Change::Delete { path } | Change::Move { from: path, .. } => Some(path),
        _ => None,
    }
}

fn is_move(change: &Change) -> bool {
    matches!(change, Change::Move { .. })
}

/// A reading of the content that leaves goes with it; one of another content was not delivered yet, and stays.
fn forget_delivered(row: &mut Row, old: &Entry) {
    let delivered = old.content().map(|(content, _)| content);
    row.reading = row.reading.take().filter(|reading| Some(reading.content) != delivered);
}

/// What is at a change's path when it has arrived, given what is there before; or why it cannot be.
fn arrived(change: &Change, there: Option<&Entry>) -> Result<Entry, &'static str> {
    match (change, there) {
        (Change::Create { .. }, Some(_)) => Err("something is acknowledged already"),
        (Change::Move { .. }, Some(Entry::Directory { .. })) => Err("a directory is in the way"),
        (Change::Modify { .. } | Change::Replace { .. } | Change::Metadata { .. }, None) => {
            Err("nothing is acknowledged")
        }
        (Change::Modify { entry, .. }, Some(old)) if entry.kind() != old.kind() => Err("another kind is acknowledged"),
        (Change::Metadata { metadata, .. }, Some(old)) => Ok(with_metadata(old, metadata)),
        (
            Change::Create { entry, .. }
            | Change::Modify { entry, .. }
            | Change::Move { entry, .. }
            | Change::Replace { entry, .. },
            _,
        ) => Ok(entry.clone()),
        (Change::Delete { .. }, _) => Err("a delete cannot arrive"),
    }
}

fn with_metadata(old: &Entry, metadata: &Metadata) -> Entry {
    let mut new = old.clone();
    *new.metadata_mut() = metadata.clone();
    new
}

#[cfg(test)]
#[path = "acknowledge_tests.rs"]
mod tests;
