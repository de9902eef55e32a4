//! [`ScratchDatabase`]: plain findings past what fits in memory, in a database that ends with the round.
//!
//! Made when the first finding comes. Its file loses its name as soon as it is open, so that none is left behind, even
//! by a kill; what a kill in between leaves is written over. Nothing in it need be durable: no journal, no flush.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use minicbor::{Decode, Encode};
use protocol::{Entry, RelPath};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use seams::scratch::{PAGE, Plain, Scratch};

use crate::columns::to_cbor;

/// How much of it SQLite keeps in memory, in KiB; negative, as the pragma wants it.
const CACHE_KIB: i64 = -8_192;

const SET_UP: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE plain (path BLOB PRIMARY KEY, finding BLOB NOT NULL) WITHOUT ROWID;
";
const PUT: &str = "INSERT OR REPLACE INTO plain (path, finding) VALUES (?1, ?2)";
const NEXT: &str = "SELECT path, finding FROM plain WHERE path > ?1 ORDER BY path LIMIT ?2";
const FIND: &str = "SELECT path, finding FROM plain WHERE path = ?1";
const REMOVE: &str = "DELETE FROM plain WHERE path = ?1";

/// Keeps plain findings on disk.
#[derive(Debug)]
pub struct ScratchDatabase {
    /// Nothing where SQLite is to find a place for temporary files.
    path: Option<PathBuf>,
    /// Nothing as long as nothing was put in.
    open: Mutex<Option<Connection>>,
}

/// A finding without its path, as it lies in its BLOB.
#[derive(Encode, Decode)]
struct Kept {
    #[n(0)]
    was: Option<Entry>,
    #[n(1)]
    now: Entry,
    #[n(2)]
    old_inode: Option<u64>,
    #[n(3)]
    inode: u64,
}

impl ScratchDatabase {
    /// At a path where nothing else lies, in a directory that exists when the first finding comes.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path: Some(path), open: Mutex::default() }
    }

    /// In the system's directory of temporary files, without a name: for whoever may make no file elsewhere.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { path: None, open: Mutex::default() }
    }

    /// Does work as one transaction; nothing where nothing was put in yet.
    fn with<T>(&self, make: bool, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> io::Result<Option<T>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() && make {
            *open = Some(self.make().map_err(|trouble| self.named(&trouble))?);
        }
        let Some(connection) = &*open else { return Ok(None) };
        let done = in_transaction(connection, work);
        done.map(Some).map_err(|trouble| self.named(&trouble))
    }

    fn make(&self) -> Result<Connection, Trouble> {
        if let Some(path) = &self.path {
            remove_if_there(path)?;
        }
        let connection = Connection::open(self.path.as_deref().unwrap_or(Path::new("")))?;
        connection.execute_batch(SET_UP)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        if let Some(path) = &self.path {
            remove_if_there(path)?;
        }
        Ok(connection)
    }

    fn named(&self, trouble: &Trouble) -> io::Error {
        let place = self.path.as_ref().map_or_else(
            || "in the directory of temporary files".to_owned(),
            |path| format!("at {}", protocol::escape(path.as_os_str().as_encoded_bytes())),
        );
        io::Error::other(format!("the scratch database {place} cannot be used (is its disk full?): {trouble}"))
    }
}

impl Scratch for ScratchDatabase {
    fn put(&self, findings: Vec<Plain>) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        self.with(true, |connection| {
            let mut put = connection.prepare_cached(PUT)?;
            for Plain { path, was, now, old_inode, inode } in findings {
                put.execute(params![key(&path), to_cbor(&Kept { was, now, old_inode, inode })])?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn page(&self, after: Option<&RelPath>) -> io::Result<Vec<Plain>> {
        let page = self.with(false, |connection| {
            let mut next = connection.prepare_cached(NEXT)?;
            let most = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let mut rows = next.query(params![after.map(key).unwrap_or_default(), most])?;
            let mut page = Vec::new();
            while let Some(row) = rows.next()? {
                page.push(plain(row)?);
            }
            Ok(page)
        })?;
        Ok(page.unwrap_or_default())
    }

    fn take(&self, paths: &[RelPath]) -> io::Result<Vec<Plain>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let taken = self.with(false, |connection| {
            let mut find = connection.prepare_cached(FIND)?;
            let mut remove = connection.prepare_cached(REMOVE)?;
            let mut taken = Vec::new();
            for path in paths {
                let found = find.query_row(params![key(path)], |row| Ok(plain(row))).optional()?;
                taken.extend(found.transpose()?);
                remove.execute(params![key(path)])?;
            }
            Ok(taken)
        })?;
        Ok(taken.unwrap_or_default())
    }
}

/// Why the scratch database cannot do something.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("what it holds cannot be")]
    Impossible,
}

fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A path as SQLite sorts it rightly: no name holds a NUL, which comes before all that names hold.
fn key(path: &RelPath) -> Vec<u8> {
    path.as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

fn plain(row: &rusqlite::Row<'_>) -> Result<Plain, Trouble> {
    let (key, finding): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let bytes: Vec<u8> = key.into_iter().map(|byte| if byte == 0 { b'/' } else { byte }).collect();
    let path = RelPath::parse(&bytes).map_err(|_| Trouble::Impossible)?;
    let Kept { was, now, old_inode, inode } = minicbor::decode(&finding).map_err(|_| Trouble::Impossible)?;
    Ok(Plain { path, was, now, old_inode, inode })
}

#[cfg(test)]
#[path = "scratch_tests.rs"]
mod tests;
