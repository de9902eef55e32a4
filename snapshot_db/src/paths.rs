//! Rows by their paths, and paths by the numbers of directories: for people, and for what is told by path.

use protocol::limits::MAX_PATH_DEPTH;
use protocol::{Name, RelPath};
use rusqlite::{Connection, OptionalExtension, params};
use seams::recorded::{DirectoryId, Row};

use crate::error::{Fault, Outcome, SnapshotError};
use crate::finder::Finder;
use crate::snapshot::Snapshot;
use crate::table::Table;

impl Snapshot {
    /// The row of a path; nothing where there is none, and for the root.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn row_at(&self, path: &RelPath) -> Result<Option<Row>, SnapshotError> {
        let find = |table: &Table<'_>| Ok(row(table, &mut Finder::new(), path)?.map(|(_, row)| row));
        self.read(|table| table.in_one_view(find))
    }
}

/// The row of a path, and the directory it lies in; nothing where there is none, and for the root.
pub(crate) fn row(table: &Table<'_>, finder: &mut Finder, path: &RelPath) -> Outcome<Option<(DirectoryId, Row)>> {
    let Some((parent, name)) = path.split_last() else { return Ok(None) };
    let step = |directory, name: &Name| Ok(table.get(directory, name)?.and_then(|row| row.directory));
    let Some(directory) = finder.directory(&parent, step)? else { return Ok(None) };
    Ok(table.get(directory, &name)?.map(|row| (directory, row)))
}

/// The number of the directory at a path; nothing if it has none.
pub(crate) fn number(table: &Table<'_>, finder: &mut Finder, path: &RelPath) -> Outcome<Option<DirectoryId>> {
    if path.is_root() {
        return Ok(Some(DirectoryId::ROOT));
    }
    Ok(row(table, finder, path)?.and_then(|(_, row)| row.directory))
}

/// The path of a name in a directory.
pub(crate) fn path(connection: &Connection, directory: DirectoryId, name: Name) -> Outcome<RelPath> {
    let mut names = vec![name];
    let mut above = directory;
    while above != DirectoryId::ROOT {
        let (next, name) = place(connection, above)?.ok_or(Fault::Impossible("a row below no directory"))?;
        names.push(name);
        above = next;
        if names.len() > MAX_PATH_DEPTH {
            return Err(Fault::Impossible("a directory within itself"));
        }
    }
    let too_long = |_| Fault::Impossible("a path longer than any");
    names.iter().rev().try_fold(RelPath::root(), |path, name| path.join(name).map_err(too_long))
}

/// Where a directory lies, and its name there.
fn place(connection: &Connection, directory: DirectoryId) -> Outcome<Option<(DirectoryId, Name)>> {
    let mut statement = connection.prepare_cached("SELECT directory, name FROM entry WHERE id = ?1")?;
    let found = statement.query_row(params![directory.0], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)));
    let Some((above, name)) = found.optional()? else { return Ok(None) };
    Ok(Some((DirectoryId(above), crate::columns::name(&name)?)))
}
