//! Reconciling: the acknowledged halves become those of a manifest. What was read of the source stays valid.
//!
//! A merge of two sorted streams, one directory at a time, so that memory holds the rows of the directories on the
//! way from the root only, and rows that are right already are not written.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

use protocol::{Entry, Head, Kind, Metadata, Name, RelPath};
use seams::recorded::{DirectoryId, Row};

use crate::error::{Fault, Outcome};
use crate::state::Counts;
use crate::table::Table;

/// A manifest coming in.
pub(crate) struct Replacement<'t> {
    table: &'t Table<'t>,
    last: RelPath,
    /// The directories on the way to `last`, the root first.
    open: Vec<Open>,
    counts: Counts,
}

/// A directory whose entries are coming in.
struct Open {
    /// How many bytes of the last path name it.
    end: usize,
    id: DirectoryId,
    /// Its rows that sort after the last name that came.
    rows: Peekable<IntoIter<Row>>,
}

impl<'t> Replacement<'t> {
    pub(crate) fn begin(table: &'t Table<'t>) -> Outcome<Self> {
        let rows = table.rows(DirectoryId::ROOT)?.into_iter().peekable();
        let root = Open { end: 0, id: DirectoryId::ROOT, rows };
        Ok(Self { table, last: RelPath::root(), open: vec![root], counts: Counts::default() })
    }

    /// The next entry; every path sorts after the one before it and lies in a directory that came.
    pub(crate) fn place(&mut self, path: &RelPath, entry: Entry) -> Outcome<()> {
        let (parent, name) =
            path.split_last().ok_or_else(|| Fault::disagrees(path, "the manifest has a second root"))?;
        self.close_down_to(path, &parent)?;
        let directory = self.open.last().expect("the root is never closed here").id;
        let mut row = self.take_row(&name)?;
        self.counts += Counts::of(&entry);
        let opened = self.set(directory, &mut row, entry)?;
        self.last = path.clone();
        if let Some((id, rows)) = opened {
            self.open.push(Open { end: path.as_bytes().len(), id, rows: rows.into_iter().peekable() });
        }
        Ok(())
    }

    /// The manifest is complete.
    pub(crate) fn finish(mut self, head: Head, root: &Metadata) -> Outcome<()> {
        while let Some(directory) = self.open.pop() {
            self.lapse_all(directory)?;
        }
        self.table.state().set_root_metadata(root)?;
        self.table.state().arrive_at(head, self.counts)
    }

    fn close_down_to(&mut self, path: &RelPath, parent: &RelPath) -> Outcome<()> {
        if *path <= self.last {
            return Err(Fault::disagrees(path, "the manifest is not sorted"));
        }
        let end = parent.as_bytes().len();
        while let Some(directory) = self.open.pop_if(|directory| directory.end > end) {
            self.lapse_all(directory)?;
        }
        let is_open = self.open.last().is_some_and(|directory| directory.end == end);
        if is_open && self.last.as_bytes()[..end] == *parent.as_bytes() {
            return Ok(());
        }
        Err(Fault::disagrees(path, "the manifest lacks the directory of what is"))
    }

    /// The row of a name in the innermost open directory; rows before it are not in the manifest.
    fn take_row(&mut self, name: &Name) -> Outcome<Row> {
        let directory = self.open.last_mut().expect("the root is never closed here");
        loop {
            match directory.rows.peek().map(|row| row.name.cmp(name)) {
                Some(Ordering::Less) => {}
                Some(Ordering::Equal) => break,
                Some(Ordering::Greater) | None => return Ok(Table::empty_row(name)),
            }
            let row = directory.rows.next().expect("was peeked at above");
            lapse(self.table, directory.id, row)?;
        }
        Ok(directory.rows.next().expect("was peeked at above"))
    }

    /// Gives a row its acknowledged half; for a directory, its number and the rows below it.
    fn set(&self, directory: DirectoryId, row: &mut Row, entry: Entry) -> Outcome<Option<(DirectoryId, Vec<Row>)>> {
        let below = match row.directory {
            Some(id) => self.table.rows(id)?,
            None => Vec::new(),
        };
        let is_directory = entry.kind() == Kind::Directory;
        let is_right = row.acknowledged.as_ref() == Some(&entry);
        row.acknowledged = Some(entry);
        if is_directory {
            let id = self.table.number(row)?;
            if !is_right {
                self.table.put(directory, row)?;
            }
            return Ok(Some((id, below)));
        }
        let had_number = row.directory.is_some();
        release_number(self.table, row)?;
        if !is_right || had_number {
            self.table.put(directory, row)?;
        }
        Ok(None)
    }

    fn lapse_all(&self, directory: Open) -> Outcome<()> {
        for row in directory.rows {
            lapse(self.table, directory.id, row)?;
        }
        Ok(())
    }
}

/// A row that is not in the manifest: only what was read of it and below it stays.
fn lapse(table: &Table<'_>, directory: DirectoryId, mut row: Row) -> Outcome<()> {
    row.acknowledged = None;
    release_number(table, &mut row)?;
    table.put(directory, &row)
}

/// Takes the acknowledged halves below a row away, and its number if nothing is left there.
fn release_number(table: &Table<'_>, row: &mut Row) -> Outcome<()> {
    let Some(top) = row.directory else { return Ok(()) };
    let mut directories = vec![top];
    let mut at = 0;
    while let Some(directory) = directories.get(at) {
        let inner = table.directories_in(*directory)?;
        directories.extend(inner);
        at += 1;
    }
    for directory in directories.into_iter().rev() {
        clear(table, directory)?;
    }
    if !table.has_rows(top)? {
        row.directory = None;
    }
    Ok(())
}

/// Takes the acknowledged halves of one directory away; its inner directories are clear already.
fn clear(table: &Table<'_>, directory: DirectoryId) -> Outcome<()> {
    for mut row in table.rows(directory)? {
        row.acknowledged = None;
        if let Some(id) = row.directory
            && !table.has_rows(id)?
        {
            row.directory = None;
        }
        table.put(directory, &row)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "replace_tests.rs"]
mod tests;
