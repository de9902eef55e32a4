//! Why a catalog cannot be used.

use std::error::Error as _;

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
                Problem::new(ProblemCode::NoSpace, "the receiver's disk is full: its catalog finds no room").with_hint(
                    "make room on the receiver's disk; what was mirrored is untouched, and the next round goes on",
                )
            }
            Self::Newer { .. } => {
                Problem::new(ProblemCode::Internal, "the receiver's catalog was written by a newer version")
            }
            Self::Damaged(_) => damaged(),
            Self::Sqlite(error) if is_damage(error) => damaged(),
            Self::Migration(error) if error.source().and_then(|error| error.downcast_ref()).is_some_and(is_damage) => {
                damaged()
            }
            _ => Problem::new(ProblemCode::Internal, "the receiver's catalog failed")
                .with_hint("the receiver's log says why"),
        }
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn damaged() -> Problem {
    Problem::new(ProblemCode::Damaged, "the receiver's catalog of this client is damaged; nothing is guessed from it")
        .with_hint(
            "on the receiver: put the catalog back from a backup, or make a new one from the mirror's files: \
             roundsman receive --rebuild-catalog",
        )
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
