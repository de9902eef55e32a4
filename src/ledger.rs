//! The snapshot as the ledger of deliveries: what was acknowledged goes in here, and nowhere else.

use std::io;

use protocol::{Change, Entry, Head, Lineage, Metadata, RelPath, RevisionDigest, StoreId};
use snapshot_db::{Snapshot, SnapshotError};
use uploader::{Ledger, Standing};

/// A snapshot, as the uploader sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SnapshotLedger<'a>(pub(crate) &'a Snapshot);

/// Why a manifest did not become the snapshot.
enum Broken {
    Manifest(io::Error),
    Snapshot(SnapshotError),
}

impl From<SnapshotError> for Broken {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

impl Ledger for SnapshotLedger<'_> {
    fn standing(&self) -> io::Result<Standing> {
        let snapshot_db::Standing { lineage, head, store, in_flight } = self.0.standing().map_err(io::Error::other)?;
        Ok(Standing { lineage, head, store, in_flight })
    }

    fn set_lineage(&self, lineage: Lineage) -> io::Result<()> {
        self.0.set_lineage(lineage).map_err(io::Error::other)
    }

    fn set_store(&self, store: StoreId) -> io::Result<()> {
        self.0.set_store(store).map_err(io::Error::other)
    }

    fn note_in_flight(&self, digest: RevisionDigest) -> io::Result<()> {
        self.0.note_in_flight(digest).map_err(io::Error::other)
    }

    fn acknowledge(&self, head: Head, changes: &[Change]) -> io::Result<()> {
        self.0.acknowledge(head, changes).map_err(io::Error::other)
    }

    fn replace_acknowledged(
        &self,
        head: Head,
        root: &Metadata,
        entries: &mut dyn Iterator<Item = io::Result<(RelPath, Entry)>>,
    ) -> io::Result<()> {
        let entries = entries.map(|entry| entry.map_err(Broken::Manifest));
        self.0.replace_acknowledged(head, root, entries).map_err(|broken| match broken {
            Broken::Manifest(error) => error,
            Broken::Snapshot(error) => io::Error::other(error),
        })
    }
}
