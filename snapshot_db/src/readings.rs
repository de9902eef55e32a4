//! What was read of the source: recorded by path, also where nothing is acknowledged yet.

use protocol::{Entry, Name, RelPath};
use seams::recorded::{DirectoryId, Reading, Row, Trust};

use crate::error::Outcome;
use crate::finder::Finder;
use crate::paths;
use crate::state::Counts;
use crate::table::Table;

/// Records readings of files; each is the newest of its path.
pub(crate) fn record(table: &Table<'_>, readings: &[(RelPath, Reading)]) -> Outcome<()> {
    let mut finder = Finder::new();
    for (path, reading) in readings {
        change_row(table, &mut finder, path, |row| {
            // A move is found by the inode of what the mirror has, also when something else was read there since.
            let acknowledged = row.acknowledged.as_ref().and_then(Entry::content);
            if acknowledged.is_none_or(|(content, _)| content == reading.content) {
                row.inode = Some(reading.evidence.inode);
            }
            row.reading = Some(reading.clone());
            Ok(())
        })?;
    }
    Ok(())
}

/// Records inodes of directories.
pub(crate) fn record_inodes(table: &Table<'_>, inodes: &[(RelPath, u64)]) -> Outcome<()> {
    let mut finder = Finder::new();
    for (path, inode) in inodes {
        change_row(table, &mut finder, path, |row| {
            row.inode = Some(*inode);
            table.number(row).map(drop)
        })?;
    }
    Ok(())
}

/// The number of the directory at a path, given now if it has none.
pub(crate) fn number(table: &Table<'_>, finder: &mut Finder, path: &RelPath) -> Outcome<DirectoryId> {
    let mut number = DirectoryId::ROOT;
    change_row(table, finder, path, |row| {
        number = table.number(row)?;
        Ok(())
    })?;
    Ok(number)
}

/// Readings that were found to be wrong, however well their evidence holds: the files are read again.
pub(crate) fn distrust(table: &Table<'_>, paths: &[RelPath]) -> Outcome<()> {
    let mut finder = Finder::new();
    for path in paths {
        let Some((directory, mut row)) = paths::row(table, &mut finder, path)? else { continue };
        if let Some(reading) = &mut row.reading {
            reading.trust = Trust::Unproven;
            table.put(directory, &row)?;
        }
    }
    Ok(())
}

/// Forgets paths that are gone from the source; what is acknowledged stays as it is.
pub(crate) fn forget(table: &Table<'_>, paths: &[RelPath]) -> Outcome<()> {
    let mut finder = Finder::new();
    for path in paths {
        match paths::row(table, &mut finder, path)? {
            Some((directory, row)) if row.acknowledged.is_none() => forget_row(table, directory, &row)?,
            _ => {}
        }
    }
    Ok(())
}

/// Nothing is acknowledged below what is not, so no count changes.
fn forget_row(table: &Table<'_>, directory: DirectoryId, row: &Row) -> Outcome<()> {
    if let Some(id) = row.directory {
        table.remove_below(id, &mut Counts::default())?;
    }
    table.remove(directory, &row.name)
}

/// Changes the row of a path, and makes it and those of its directories where there are none. The root has no row.
fn change_row(
    table: &Table<'_>,
    finder: &mut Finder,
    path: &RelPath,
    change: impl FnOnce(&mut Row) -> Outcome<()>,
) -> Outcome<()> {
    let Some((parent, name)) = path.split_last() else { return Ok(()) };
    let Some(directory) = finder.directory(&parent, |directory, name| open_directory(table, directory, name))? else {
        return Ok(());
    };
    let mut row = table.get_or_empty(directory, &name)?;
    change(&mut row)?;
    table.put(directory, &row)
}

/// The number of a name that is a directory in the source, given now if it has none.
fn open_directory(table: &Table<'_>, directory: DirectoryId, name: &Name) -> Outcome<Option<DirectoryId>> {
    let mut row = table.get_or_empty(directory, name)?;
    if row.directory.is_none() {
        table.number(&mut row)?;
        table.put(directory, &row)?;
    }
    Ok(row.directory)
}
