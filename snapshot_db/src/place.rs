//! [`Place`]: a directory on disk with a snapshot in it, for tests.

use std::fs;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::testing::LINEAGE;
use crate::{Opened, Snapshot};

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("snapshot.db")
    }

    pub(crate) fn open(&self) -> Opened {
        Snapshot::open(&self.database(), LINEAGE).expect("opens")
    }

    /// Name, length and time of every file; the index of the log, which readers mark their place in, has no time.
    pub(crate) fn listing(&self) -> Vec<(std::ffi::OsString, u64, Option<std::time::SystemTime>)> {
        let entries = fs::read_dir(self.0.path()).expect("readable").map(|entry| entry.expect("readable"));
        let look = |entry: fs::DirEntry| {
            let metadata = entry.metadata().expect("readable");
            let time = (!entry.file_name().as_bytes().ends_with(b"-shm")).then(|| metadata.modified().expect("kept"));
            (entry.file_name(), metadata.len(), time)
        };
        let mut listing: Vec<_> = entries.map(look).collect();
        listing.sort();
        listing
    }

    /// The state of a process that was killed: its files, copied while it had them open.
    pub(crate) fn killed(&self) -> Self {
        let copy = Self::new();
        for (name, ..) in self.listing() {
            fs::copy(self.0.path().join(&name), copy.0.path().join(&name)).expect("copied");
        }
        copy
    }

    /// The snapshot as people look at it: nothing can be written through it.
    pub(crate) fn look(&self) -> Snapshot {
        Snapshot::open_read_only(&self.database()).expect("opens").expect("is there")
    }

    /// The snapshot as `approve` opens it.
    pub(crate) fn beside(&self) -> Snapshot {
        Snapshot::open_beside(&self.database()).expect("opens").expect("is there")
    }

    /// The snapshot while somebody else writes: every transaction fails at once, also one that would write nothing.
    pub(crate) fn busy(&self) -> Busy {
        let snapshot = self.beside();
        snapshot.writer().busy_timeout(Duration::ZERO).expect("set");
        let writer = Connection::open(self.database()).expect("opens");
        writer.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        Busy { snapshot, _writer: writer }
    }
}

/// A snapshot that can only be read, and whoever writes meanwhile.
pub(crate) struct Busy {
    snapshot: Snapshot,
    _writer: Connection,
}

impl Deref for Busy {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}
