//! Table `filesystem`: what was learned of each file system, by its stable identity.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use seams::known::{FilesystemKey, Habits};

use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// The learned granularity of a file system's times, in nanoseconds; the file system by its identity.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn granularity(&self, filesystem: &[u8]) -> Result<Option<u64>, SnapshotError> {
        self.read(|table| granularity(table.connection(), filesystem))
    }

    /// Records a learned granularity, in nanoseconds.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn set_granularity(&self, filesystem: &[u8], nanos: u64) -> Result<(), SnapshotError> {
        self.change(|table| set_granularity(table.connection(), filesystem, nanos))
    }

    /// Records habits of file systems; those of others stay as they are. Writes nothing if all is known already.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn record_habits(&self, habits: &BTreeMap<FilesystemKey, Habits>) -> Result<(), SnapshotError> {
        let known = self.read(|table| known_habits(table.connection()))?;
        let is_news =
            |(key, habits): &(&FilesystemKey, &Habits)| known.get(key).copied().unwrap_or_default() != **habits;
        let news: Vec<_> = habits.iter().filter(is_news).collect();
        if news.is_empty() {
            return Ok(());
        }
        self.change(|table| news.into_iter().try_for_each(|(key, habits)| put_habits(table.connection(), key, habits)))
    }
}

fn granularity(connection: &Connection, filesystem: &[u8]) -> Outcome<Option<u64>> {
    let mut statement = connection.prepare_cached("SELECT granularity FROM filesystem WHERE identity = ?1")?;
    let nanos: Option<Option<i64>> = statement.query_row(params![filesystem], |row| row.get(0)).optional()?;
    Ok(nanos.flatten().map(i64::cast_unsigned))
}

fn set_granularity(connection: &Connection, filesystem: &[u8], nanos: u64) -> Outcome<()> {
    let sql = "INSERT INTO filesystem (identity, granularity) VALUES (?1, ?2) \
        ON CONFLICT (identity) DO UPDATE SET granularity = excluded.granularity";
    connection.prepare_cached(sql)?.execute(params![filesystem, nanos.cast_signed()])?;
    Ok(())
}

/// The file systems that have any habit.
pub(crate) fn known_habits(connection: &Connection) -> Outcome<BTreeMap<FilesystemKey, Habits>> {
    let sql =
        "SELECT identity, inode_rounds, ctime_rounds FROM filesystem WHERE inode_rounds <> 0 OR ctime_rounds <> 0";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], |row| {
        Ok((FilesystemKey(row.get(0)?), Habits { inode_rounds: row.get(1)?, ctime_rounds: row.get(2)? }))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn put_habits(connection: &Connection, key: &FilesystemKey, habits: &Habits) -> Outcome<()> {
    let sql = "INSERT INTO filesystem (identity, inode_rounds, ctime_rounds) VALUES (?1, ?2, ?3) \
        ON CONFLICT (identity) DO UPDATE SET inode_rounds = excluded.inode_rounds, ctime_rounds = excluded.ctime_rounds";
    connection.prepare_cached(sql)?.execute(params![key.0, habits.inode_rounds, habits.ctime_rounds])?;
    Ok(())
}

/// The number of a file system, given now if it has none.
pub(crate) fn number(connection: &Connection, key: &FilesystemKey) -> Outcome<i64> {
    connection.prepare_cached("INSERT OR IGNORE INTO filesystem (identity) VALUES (?1)")?.execute(params![key.0])?;
    let mut statement = connection.prepare_cached("SELECT number FROM filesystem WHERE identity = ?1")?;
    Ok(statement.query_row(params![key.0], |row| row.get(0))?)
}

#[cfg(test)]
#[path = "filesystems_tests.rs"]
mod tests;
