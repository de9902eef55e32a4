//! [`Run`]: one restore: from where, to where, by which rules, and whether it goes on.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::RelPath;
use seams::fs::Directory;
use seams::parallel::Parallel;
use thiserror::Error;

use crate::{Listener, Past, PastError};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whether what is different gives way.
    pub overwrite: bool,
    /// Whether nothing is done, only told.
    pub dry_run: bool,
    /// Whether owners and groups come back: only root may give things away.
    pub owners: bool,
}

/// Why a run ended before it was done. What is in its place then is whole.
#[derive(Debug, Error)]
pub enum RunError {
    /// The past cannot be asked any more.
    #[error(transparent)]
    Past(Box<dyn std::error::Error + Send + Sync>),
    /// The disk has no room.
    #[error("there is no room to restore {path}: {source}")]
    NoRoom {
        /// What was to come.
        path: RelPath,
        /// In the disk's own words.
        source: io::Error,
    },
    /// What was restored cannot be made durable.
    #[error("what was restored cannot be made durable: {0}")]
    Sync(#[source] io::Error),
    /// Somebody asked to stop.
    #[error("stopped before everything was restored; the same command goes on where it was")]
    Stopped,
}

/// One restore.
#[derive(Debug)]
pub struct Run<'a> {
    /// What was.
    pub past: &'a dyn Past,
    /// The directory below which everything happens. In a dry run it may be missing.
    pub root: Option<Arc<dyn Directory>>,
    /// What may be done.
    pub rules: Rules,
    /// Who is told.
    pub listener: &'a dyn Listener,
    /// How many files at a time.
    pub files: Parallel,
    /// Whether somebody asked to stop.
    pub stop: &'a AtomicBool,
}

/// What one thing came to: done, or a problem of its own, or the end of everything.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// This path cannot be restored, or is left alone.
    Path(String),
    /// Nothing can.
    Run(RunError),
}

impl Trouble {
    /// An error of the disk, in doing something with one path.
    pub(crate) fn disk(path: &RelPath, what: &str) -> impl Fn(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Run(RunError::NoRoom { path: path.clone(), source })
            }
            _ => Self::Path(format!("cannot {what}: {source}")),
        }
    }

    pub(crate) fn left(what: &str) -> Self {
        Self::Path(format!("left as it is: {what}; --overwrite puts the mirror's in its place"))
    }
}

impl From<PastError> for Trouble {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Lost(why) => Self::Path(why),
            PastError::Ended(source) => Self::Run(RunError::Past(source)),
        }
    }
}

/// The first error that ends a run of several threads.
#[derive(Debug, Default)]
pub(crate) struct Ending(Mutex<Option<RunError>>);

impl Ending {
    /// Does something, unless everything has ended.
    pub(crate) fn unless_set(&self, work: impl FnOnce() -> Result<(), RunError>) {
        if self.held().is_none()
            && let Err(error) = work()
        {
            self.held().get_or_insert(error);
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<RunError>> {
        self.0.lock().expect("no holder of this lock panics")
    }

    pub(crate) fn result(self) -> Result<(), RunError> {
        self.0.into_inner().expect("no holder of this lock panics").map_or(Ok(()), Err)
    }
}

impl Run<'_> {
    /// Goes on, unless somebody asked to stop.
    pub(crate) fn go_on(&self) -> Result<(), RunError> {
        if self.stop.load(Ordering::Relaxed) { Err(RunError::Stopped) } else { Ok(()) }
    }

    /// Tells of a problem that one path has; anything worse ends the run.
    pub(crate) fn settle<T>(&self, path: &RelPath, outcome: Result<T, Trouble>) -> Result<Option<T>, RunError> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(Trouble::Path(why)) => {
                self.listener.problem(path, &why);
                Ok(None)
            }
            Err(Trouble::Run(error)) => Err(error),
        }
    }

    /// Opens a directory below the root; nothing if there is none, which only a dry run may meet.
    pub(crate) fn open(&self, path: &RelPath) -> io::Result<Option<Arc<dyn Directory>>> {
        let Some(root) = &self.root else { return Ok(None) };
        match seams::fs::open_by_components(root, path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.rules.dry_run => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Makes everything durable that was done.
    pub(crate) fn make_durable(&self) -> Result<(), RunError> {
        match &self.root {
            Some(root) if !self.rules.dry_run => root.sync_filesystem().map_err(RunError::Sync),
            _ => Ok(()),
        }
    }
}
