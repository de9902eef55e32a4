//! Directories by their inodes: where one that turns up elsewhere may have been.

use protocol::{Entry, Kind};
use rusqlite::params;
use seams::recorded::{Acknowledged, DirectoryId, MOST_NAMESAKES, Row};

use crate::columns;
use crate::error::Outcome;
use crate::paths;
use crate::table::Table;

/// Uses the index `entry_inode`, which holds directories only.
const WITH_INODE: &str =
    "SELECT directory, name FROM entry WHERE inode = ?1 AND id IS NOT NULL AND kind = ?2 ORDER BY id";

/// The acknowledged directories with this inode, sorted by number, [`MOST_NAMESAKES`] at most.
pub(crate) fn with_inode(table: &Table<'_>, inode: u64) -> Outcome<Vec<Acknowledged>> {
    let mut statement = table.connection().prepare_cached(WITH_INODE)?;
    let mut found = statement.query(params![inode.cast_signed(), columns::kind::DIRECTORY])?;
    let mut namesakes = Vec::new();
    while let Some(row) = found.next()?.filter(|_| namesakes.len() < MOST_NAMESAKES) {
        let (above, name) = (DirectoryId(row.get(0)?), columns::name(&row.get::<_, Vec<u8>>(1)?)?);
        let path = paths::path(table.connection(), above, name.clone())?;
        let found = table.get(above, &name)?;
        namesakes.extend(found.and_then(|Row { directory, acknowledged, .. }| {
            let entry: Entry = acknowledged.filter(|entry| entry.kind() == Kind::Directory)?;
            Some(Acknowledged { id: directory?, path, entry })
        }));
    }
    Ok(namesakes)
}

#[cfg(test)]
#[path = "namesakes_tests.rs"]
mod tests;
