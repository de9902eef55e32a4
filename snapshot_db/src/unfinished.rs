//! What is left to do, for people: contents not delivered yet, and the file whose bytes were read longest ago.

use protocol::{RelPath, Timestamp};
use rusqlite::{Connection, OptionalExtension};
use seams::recorded::DirectoryId;

use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;
use crate::{columns, paths};

/// Files that were read and whose contents are not acknowledged at their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Both look at every row: for people, not for rounds.
impl Snapshot {
    /// What was read and not delivered yet.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn pending(&self) -> Result<Pending, SnapshotError> {
        self.read(|table| pending(table.connection()))
    }

    /// The file whose bytes were read longest ago, and when; nothing if none was read.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn oldest_verified(&self) -> Result<Option<(RelPath, Timestamp)>, SnapshotError> {
        self.read(|table| table.in_one_view(|table| oldest(table.connection())))
    }
}

/// `read_content` and `read_size` say only what the acknowledged half does not.
fn pending(connection: &Connection) -> Outcome<Pending> {
    let sql = "SELECT coalesce(read_size, size) FROM entry WHERE read_content IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut pending = Pending::default();
    while let Some(row) = found.next()? {
        pending.files += 1;
        pending.bytes = pending.bytes.saturating_add(row.get::<_, i64>(0)?.cast_unsigned());
    }
    Ok(pending)
}

fn oldest(connection: &Connection) -> Outcome<Option<(RelPath, Timestamp)>> {
    let sql = "SELECT directory, name, verified FROM entry WHERE verified IS NOT NULL \
        ORDER BY verified, directory, name LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))).optional()?;
    let Some((directory, name, verified)) = found else { return Ok(None) };
    let path = paths::path(connection, DirectoryId(directory), columns::name(&name)?)?;
    Ok(Some((path, Timestamp::from_nanos(verified))))
}

#[cfg(test)]
#[path = "unfinished_tests.rs"]
mod tests;
