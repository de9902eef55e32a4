//! Table `mount_point`: the directories whose file system is not their parent's, so that a mount that vanished is seen.

use std::collections::BTreeMap;

use protocol::RelPath;
use rusqlite::{Connection, OptionalExtension, params};
use seams::known::FilesystemKey;
use seams::recorded::DirectoryId;

use crate::error::{Outcome, SnapshotError};
use crate::finder::Finder;
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::{filesystems, paths, readings};

impl Snapshot {
    /// Records directories that are on another file system than their parent, or (nothing) no longer. Others stay as
    /// they are. Writes nothing if all is known already.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn record_mounts(&self, mounts: &[(RelPath, Option<FilesystemKey>)]) -> Result<(), SnapshotError> {
        if self.read(|table| table.in_one_view(|table| are_known(table, mounts)))? {
            return Ok(());
        }
        self.change(|table| record(table, mounts))
    }
}

/// Whether the directory of a mount point still has its row. Numbers are never given twice, so that what is left of
/// others names nothing.
macro_rules! is_there {
    () => {
        "(directory = 0 OR EXISTS (SELECT 1 FROM entry WHERE id = mount_point.directory))"
    };
}

/// The directories that were on another file system than their parent.
pub(crate) fn all(connection: &Connection) -> Outcome<BTreeMap<DirectoryId, FilesystemKey>> {
    let sql = concat!(
        "SELECT directory, identity FROM mount_point JOIN filesystem ON number = filesystem WHERE ",
        is_there!()
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], |row| Ok((DirectoryId(row.get(0)?), FilesystemKey(row.get(1)?))))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn are_known(table: &Table<'_>, mounts: &[(RelPath, Option<FilesystemKey>)]) -> Outcome<bool> {
    let mut finder = Finder::new();
    for (path, key) in mounts {
        let known = match paths::number(table, &mut finder, path)? {
            Some(directory) => recorded(table.connection(), directory)?,
            None => None,
        };
        if known != *key {
            return Ok(false);
        }
    }
    Ok(true)
}

fn recorded(connection: &Connection, directory: DirectoryId) -> Outcome<Option<FilesystemKey>> {
    let sql = "SELECT identity FROM mount_point JOIN filesystem ON number = filesystem WHERE directory = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![directory.0], |row| row.get(0).map(FilesystemKey)).optional()?)
}

fn record(table: &Table<'_>, mounts: &[(RelPath, Option<FilesystemKey>)]) -> Outcome<()> {
    let mut finder = Finder::new();
    for (path, key) in mounts {
        match key {
            Some(key) => put(table, readings::number(table, &mut finder, path)?, key)?,
            None => remove(table, &mut finder, path)?,
        }
    }
    let sweep = concat!("DELETE FROM mount_point WHERE NOT ", is_there!());
    table.connection().prepare_cached(sweep)?.execute([])?;
    Ok(())
}

fn put(table: &Table<'_>, directory: DirectoryId, key: &FilesystemKey) -> Outcome<()> {
    let filesystem = filesystems::number(table.connection(), key)?;
    let sql = "INSERT OR REPLACE INTO mount_point (directory, filesystem) VALUES (?1, ?2)";
    table.connection().prepare_cached(sql)?.execute(params![directory.0, filesystem])?;
    Ok(())
}

fn remove(table: &Table<'_>, finder: &mut Finder, path: &RelPath) -> Outcome<()> {
    let Some(directory) = paths::number(table, finder, path)? else { return Ok(()) };
    let mut statement = table.connection().prepare_cached("DELETE FROM mount_point WHERE directory = ?1")?;
    statement.execute(params![directory.0])?;
    Ok(())
}

/// What was recorded under one number of a directory is now said of its other one: the newer word.
pub(crate) fn carry(connection: &Connection, from: DirectoryId, into: DirectoryId) -> Outcome<()> {
    let sql = "UPDATE OR REPLACE mount_point SET directory = ?2 WHERE directory = ?1";
    connection.prepare_cached(sql)?.execute(params![from.0, into.0])?;
    Ok(())
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
