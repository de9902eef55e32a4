//! [`SnapshotError`]: why the snapshot cannot be used, for callers; [`Fault`]: the same before the path is known.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use protocol::RelPath;
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the snapshot cannot be used. The cause, where there is one, is the error's source.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// Its schema is newer than this program knows.
    #[error(
        "the snapshot {} was made by a newer roundsman (its schema is {found}, this one knows {known}): \
         use that roundsman, or move the file away to have it rebuilt", .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// Its schema is older, and only a round migrates it.
    #[error(
        "the snapshot {} was made by an older roundsman (its schema is {found}, this one knows {known}): \
         the next round brings it up to date", .path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// Its log was left without the log's index, and whoever only reads makes no file.
    #[error("the snapshot {} was copied or left with an unfinished log: the next round repairs it", .path.display())]
    LogAlone {
        /// The database.
        path: PathBuf,
    },
    /// It is no database, or what it holds cannot be. Set aside, it is rebuilt.
    #[error("the snapshot {} is damaged: move it away to have it rebuilt", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// SQLite could not do it: no room, no right, a lock held too long.
    #[error("cannot use the snapshot {}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// In SQLite's words.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An acknowledged batch speaks of what the snapshot does not hold. Nothing was changed: reconcile.
    #[error("the snapshot {} does not fit the receiver's revision: {what} at {at}", .path.display())]
    Disagrees {
        /// The database.
        path: PathBuf,
        /// The place in the tree.
        at: RelPath,
        /// What does not fit.
        what: &'static str,
    },
    /// The database's files cannot be looked at or renamed.
    #[error("cannot {doing} {}", .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// In the system's words.
        #[source]
        source: io::Error,
    },
}

impl SnapshotError {
    /// SQLite's error on this database.
    pub(crate) fn of(error: rusqlite::Error, path: &Path) -> Self {
        Fault::from(error).at(path)
    }

    /// Whether the way out is [`crate::set_aside`] and a new snapshot.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}

/// What went wrong in a database whose path the place does not know.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("a row holds what cannot be: {0}")]
    Impossible(&'static str),
    #[error("{what} at {at}")]
    Disagrees { at: RelPath, what: &'static str },
}

/// The result of work inside the database.
pub(crate) type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn disagrees(at: &RelPath, what: &'static str) -> Self {
        Self::Disagrees { at: at.clone(), what }
    }

    /// Names the database, and tells damage from what another try may cure.
    pub(crate) fn at(self, path: &Path) -> SnapshotError {
        let path = path.to_owned();
        match self {
            Self::Sql(error) if is_damage(&error) => SnapshotError::Damaged { path, source: error.into() },
            Self::Sql(error) => SnapshotError::Database { path, source: error.into() },
            Self::Impossible(_) => SnapshotError::Damaged { path, source: self.into() },
            Self::Disagrees { at, what } => SnapshotError::Disagrees { path, at, what },
        }
    }
}

/// A value of a wrong type in a strict table is damage as much as a broken page is.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Sql;
    match error {
        Sql::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        other => matches!(other, Sql::FromSqlConversionFailure(..) | Sql::InvalidColumnType(..)),
    }
}
