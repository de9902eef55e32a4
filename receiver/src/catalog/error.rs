//! Why a catalog cannot be used.

use protocol::{Problem, ProblemCode};
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why a catalog cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CatalogError {
    /// A newer program wrote it, and this one could harm it.
    #[error("the catalog has schema {found}, and this program knows only up to {known}: use a newer roundsman")]
    Newer {
        /// The schema it has.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// It holds what this program never writes.
    #[error("the catalog is damaged: {0}; put it back from a backup")]
    Damaged(String),
    /// Its schema could not be brought up to date.
    #[error("the catalog's schema cannot be brought up to date: {0}")]
    Migration(#[from] Box<refinery::Error>),
    /// SQLite failed.
    #[error("the catalog failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl CatalogError {
    /// What a client may know of it. The rest is for the receiver's log.
    pub(crate) fn to_problem(&self) -> Problem {
        match self {
            Self::Sqlite(error) if is_full(error) => {
                Problem::new(ProblemCode::NoSpace, "the receiver's disk is full: its catalog finds no room")
                    .with_hint("make room on the receiver's disk; what was mirrored is untouched, and the next round goes on")
            }
            Self::Newer { .. } => {
                Problem::new(ProblemCode::Internal, "the receiver's catalog was written by a newer version")
            }
            _ => Problem::new(ProblemCode::Internal, "the receiver's catalog failed")
                .with_hint("the receiver's log says why"),
        }
    }
}

/// Whether there was no room, also not for what SQLite shares with other processes.
fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) || extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        tracing::error!(%error, "catalog");
        error.to_problem()
    }
}
