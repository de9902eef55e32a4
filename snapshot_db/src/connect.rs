//! Connections to the database, and how each is set up.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// How long a statement waits for another process (`approve` beside a running loop) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that stay prepared; more than this crate has.
const PREPARED_STATEMENTS: usize = 64;
/// A log longer than this is cut back after a checkpoint.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads and writes; makes the file if there is none.
    Write,
    /// Reads and writes what is there, beside whoever else does.
    WriteBeside,
    /// Reads beside whoever writes. The log's files must exist, or they would be made.
    Read,
    /// Reads a database that nobody has open, taking no lock and making no file.
    ReadAlone,
}

/// Opens a database. Nothing is read yet, so that damage shows later.
pub(crate) fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        Access::Write => {
            let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            Connection::open_with_flags(path, flags)?
        }
        Access::WriteBeside => Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        Access::Read => Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        Access::ReadAlone => {
            let flags = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(immutable_uri(path), flags)?
        }
    };
    set_up(&connection)?;
    Ok(connection)
}

/// What every connection needs.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    // Or SQLite plans a statement anew whenever a bound value might suit another plan: for every directory of a walk.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Write-ahead log: readers and the writer do not wait for each other. NORMAL: a commit is atomic but becomes
/// durable at the next checkpoint, or with [`durably`].
pub(crate) fn set_up_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)
}

/// Does work whose commits, and with them all earlier ones, are durable before they return.
pub(crate) fn durably<T>(connection: &Connection, work: impl FnOnce() -> T) -> rusqlite::Result<T> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let done = work();
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(done)
}

/// The path as a URI whose file SQLite takes as it is. All but plain letters and digits is escaped: paths are bytes.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' => uri.push(char::from(*byte)),
            other => write!(uri, "%{other:02X}").expect("writing to a String cannot fail"),
        }
    }
    uri + "?immutable=1"
}

/// The database's path with something after its name (`-wal`).
pub(crate) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
