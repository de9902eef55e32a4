//! The schema's versions: which one a database has, and how an older one becomes the newest.

use refinery::Runner;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Fault, Outcome, SnapshotError};
use std::path::Path;

/// What marks a database as a roundsman's snapshot; the first migration sets it.
const APPLICATION_ID: i64 = 0x726f_756e;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The migrations that this program knows, oldest first.
pub(crate) fn known() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// What a database is, seen before anything is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Empty, or its making was cut short.
    Blank,
    /// A snapshot of this schema.
    Schema(i64),
}

/// Looks at a database without changing it. One that is another program's is damage.
pub(crate) fn look(connection: &Connection) -> Outcome<Found> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == APPLICATION_ID {
        return Ok(schema(connection)?.map_or(Found::Blank, Found::Schema));
    }
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'refinery%' AND name NOT LIKE 'sqlite%'";
    let foreign: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    if id == 0 && foreign == 0 { Ok(Found::Blank) } else { Err(Fault::Impossible("another program's tables")) }
}

fn schema(connection: &Connection) -> Outcome<Option<i64>> {
    let newest = connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0));
    Ok(newest.optional()?.flatten())
}

/// The newest schema of these migrations.
pub(crate) fn newest(migrations: &Runner) -> i64 {
    migrations.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Brings a database to the newest of these migrations; refuses one that is newer.
pub(crate) fn migrate(connection: &mut Connection, migrations: &Runner, path: &Path) -> Result<(), SnapshotError> {
    let known = newest(migrations);
    match look(connection).map_err(|fault| fault.at(path))? {
        Found::Schema(found) if found > known => Err(SnapshotError::Newer { path: path.to_owned(), found, known }),
        Found::Schema(found) if found == known => Ok(()),
        Found::Blank | Found::Schema(_) => match migrations.run(connection) {
            Ok(_) => Ok(()),
            Err(error) => Err(SnapshotError::Database { path: path.to_owned(), source: error.into() }),
        },
    }
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
