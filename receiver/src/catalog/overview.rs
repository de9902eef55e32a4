//! [`Overview`]: what a catalog says of a client at a glance, read beside whoever serves it. Changes nothing.

use std::path::Path;

use protocol::{MirrorName, Timestamp};
use rusqlite::{Connection, OpenFlags, Row};

use crate::catalog::CatalogError;
use crate::catalog::open::{BUSY_TIMEOUT, refuse_newer};
use crate::catalog::row::{damaged, unsigned};

/// What a client has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// Its mirrors, by name.
    pub mirrors: Vec<MirrorOverview>,
    /// What all its old versions take, in bytes.
    pub history_bytes: u64,
}

/// What a mirror is and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorOverview {
    /// Its name.
    pub mirror: MirrorName,
    /// The path of what it is the copy of, on the client's machine; empty where nobody knows.
    pub source: Vec<u8>,
    /// That machine.
    pub host: String,
    /// The number of its head.
    pub revision: u64,
    /// When that was committed.
    pub committed: Timestamp,
    /// Its files.
    pub files: u64,
    /// What they hold, in bytes.
    pub bytes: u64,
}

/// All mirrors with their heads and sizes. Rows below a directory that was deleted stay open: only what hangs together with
/// the root is there.
const MIRRORS: &str = "\
    WITH RECURSIVE directory (mirror, node) AS (\
        SELECT id, root_node FROM mirror \
        UNION ALL \
        SELECT directory.mirror, entry.node FROM directory JOIN entry ON parent_node = directory.node \
        WHERE to_rev IS NULL AND kind = 0), \
    size (mirror, files, bytes) AS (\
        SELECT directory.mirror, count(*), sum(size) FROM directory JOIN entry ON parent_node = directory.node \
        WHERE to_rev IS NULL AND kind = 1 GROUP BY directory.mirror), \
    head (mirror, number) AS (SELECT mirror, max(number) FROM revision GROUP BY mirror) \
    SELECT name, source_path, source_host, number, committed_at, coalesce(size.files, 0), coalesce(bytes, 0) \
    FROM mirror JOIN head ON head.mirror = id JOIN revision USING (mirror, number) LEFT JOIN size ON size.mirror = id \
    ORDER BY name";

impl Overview {
    /// Reads it from the catalog in a file, all as of one moment.
    pub(crate) fn read(path: &Path) -> Result<Self, CatalogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        refuse_newer(&connection)?;
        let moment = connection.unchecked_transaction()?;
        let history: i64 = moment.query_row("SELECT bytes FROM history", [], |row| row.get(0))?;
        let mut statement = moment.prepare(MIRRORS)?;
        let mut rows = statement.query([])?;
        let mut mirrors = Vec::new();
        while let Some(row) = rows.next()? {
            mirrors.push(mirror(row)?);
        }
        Ok(Self { mirrors, history_bytes: unsigned(history) })
    }
}

fn mirror(row: &Row<'_>) -> Result<MirrorOverview, CatalogError> {
    let name: String = row.get(0)?;
    Ok(MirrorOverview {
        mirror: MirrorName::parse(name.as_bytes()).map_err(|error| damaged(format!("a mirror's name: {error}")))?,
        source: row.get(1)?,
        host: row.get(2)?,
        revision: unsigned(row.get(3)?),
        committed: Timestamp::from_nanos(row.get(4)?),
        files: unsigned(row.get(5)?),
        bytes: unsigned(row.get(6)?),
    })
}
