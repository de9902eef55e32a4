//! [`OwnMirrors`]: the mirrors that this user's state directory knows, found without asking anybody. Nothing is made or
//! changed: these commands work beside running rounds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use snapshot_db::{Snapshot, SnapshotError};
use thiserror::Error;

use crate::route::{Route, shown};
use crate::way::{NoWay, Way};

/// Most mirrors of one state directory.
const MAX_MIRRORS: usize = 10_000;
/// The snapshot's name in a mirror's own directory.
const SNAPSHOT: &str = "snapshot.db";

/// A mirror that at least one round was made of.
#[derive(Debug)]
pub(crate) struct OwnMirror {
    /// From where to where.
    pub(crate) way: Way,
    /// Its snapshot, open for reading. Short-lived: a round that begins meanwhile may change what it reads.
    pub(crate) snapshot: Snapshot,
    /// Where that lies.
    pub(crate) path: PathBuf,
}

/// Why a mirror, or all of them, cannot be told of.
#[derive(Debug, Error)]
pub(crate) enum OwnMirrorError {
    /// The state directory cannot be listed.
    #[error("cannot list the state directory {}: {source}", shown(path))]
    List {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More than [`MAX_MIRRORS`].
    #[error("the state directory {} holds more than {MAX_MIRRORS} mirrors", shown(path))]
    TooMany {
        /// Which.
        path: PathBuf,
    },
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A snapshot says nonsense of its way.
    #[error("{}: {source}", shown(path))]
    Way {
        /// Its path.
        path: PathBuf,
        /// What.
        source: NoWay,
    },
}

/// What is in a state directory.
#[derive(Debug, Default)]
pub(crate) struct OwnMirrors {
    /// The mirrors, by source, then by place.
    pub(crate) mirrors: Vec<OwnMirror>,
    /// Mirrors that cannot be told of.
    pub(crate) broken: Vec<OwnMirrorError>,
}

impl OwnMirrors {
    /// Looks through a state directory; one that does not exist holds no mirrors.
    ///
    /// # Errors
    /// It cannot be listed, or holds too many.
    pub(crate) fn find(state_dir: &Path) -> Result<Self, OwnMirrorError> {
        let mut found = Self::default();
        for path in snapshots(state_dir)? {
            match open(path) {
                Ok(Some(mirror)) => found.mirrors.push(mirror),
                Ok(None) => {}
                Err(error) => found.broken.push(error),
            }
        }
        found.mirrors.sort_by_cached_key(|mirror| (mirror.way.source.clone(), mirror.place()));
        Ok(found)
    }
}

impl OwnMirror {
    /// Where people find the mirror.
    pub(crate) fn place(&self) -> String {
        self.route().place()
    }

    /// `source -> place`.
    pub(crate) fn title(&self) -> String {
        format!("{} -> {}", shown(&self.way.source), self.place())
    }

    /// The route that the last round took.
    pub(crate) fn route(&self) -> Route {
        Route {
            source: self.way.source.clone(),
            mirror: self.way.mirror.clone(),
            to: self.way.to.clone(),
            state: self.path.parent().unwrap_or(&self.path).to_owned(),
        }
    }
}

/// The snapshots below a state directory, in no order.
fn snapshots(state_dir: &Path) -> Result<Vec<PathBuf>, OwnMirrorError> {
    let failed = |source| OwnMirrorError::List { path: state_dir.to_owned(), source };
    let entries = match fs::read_dir(state_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut snapshots = Vec::new();
    for entry in entries {
        let snapshot = entry.map_err(failed)?.path().join(SNAPSHOT);
        if snapshot.is_file() {
            snapshots.push(snapshot);
        }
        if snapshots.len() > MAX_MIRRORS {
            return Err(OwnMirrorError::TooMany { path: state_dir.to_owned() });
        }
    }
    Ok(snapshots)
}

/// Nothing where no round came so far as to say where it goes.
fn open(path: PathBuf) -> Result<Option<OwnMirror>, OwnMirrorError> {
    let Some(snapshot) = Snapshot::open_read_only(&path)? else { return Ok(None) };
    let Some(way) = snapshot.way()? else { return Ok(None) };
    match Way::decode(&way) {
        Ok(way) => Ok(Some(OwnMirror { way, snapshot, path })),
        Err(source) => Err(OwnMirrorError::Way { path, source }),
    }
}

#[cfg(test)]
#[path = "own_mirrors_tests.rs"]
mod tests;
