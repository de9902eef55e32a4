//! Opening a catalog: where it lies, how it keeps its word, and which schema it has.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::catalog::{Catalog, CatalogError};

/// How long a statement waits for another connection, such as a backup's.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of the catalog stays in memory, in KiB; negative, as the pragma wants it. A batch of a thousand files
/// touches more pages than SQLite's own 2 MiB.
const CACHE_KIB: i64 = -8_192;
/// Statements kept prepared.
const PREPARED_STATEMENTS: usize = 64;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Where a catalog lies.
#[derive(Debug, Clone)]
pub(crate) enum CatalogPlace {
    /// In this file, which is made if it is not there.
    File(PathBuf),
    /// In memory, gone with the store: for tests.
    Memory,
}

impl Catalog {
    /// Opens a catalog and brings it to this program's schema.
    pub(crate) fn open(place: &CatalogPlace) -> Result<Self, CatalogError> {
        let mut connection = match place {
            CatalogPlace::File(path) => {
                let flags =
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags)?
            }
            CatalogPlace::Memory => Connection::open_in_memory()?,
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        // Or SQLite plans a statement anew whenever a bound value might suit another plan: most of a commit's time.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        refuse_newer(&connection)?;
        // An acknowledged batch must survive a power cut; NORMAL loses it.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        let migrations = embedded::migrations::runner().set_grouped(true);
        migrations.run(&mut connection).map_err(Box::new)?;
        Ok(Self { connection })
    }
}

pub(super) fn refuse_newer(connection: &Connection) -> Result<(), CatalogError> {
    let has_history = connection.table_exists(None, "refinery_schema_history")?;
    if !has_history {
        return Ok(());
    }
    let newest = "SELECT max(version) FROM refinery_schema_history";
    let found: Option<i64> = connection.query_row(newest, [], |row| row.get(0)).optional()?.flatten();
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
    match found {
        Some(found) if found > known => Err(CatalogError::Newer { found, known }),
        _ => Ok(()),
    }
}
