//! What a round came to: its [`Report`], and the [`RoundError`]s that end one early.

use std::collections::BTreeSet;
use std::io;

use protocol::{Change, Kind, MirrorName, RelPath};
use scanner::{Counts, Finding, RootTrouble, ScanError, Scanned};
use snapshot_db::SnapshotError;
use thiserror::Error;
use uploader::{DeliverError, Delivery, Entangled, Traffic, Why};

/// What a round came to; true also where it ended early.
#[derive(Debug, Default)]
pub struct Report {
    /// The changes that are durable now; in a dry run, those that would be made.
    pub changes: Vec<Change>,
    /// Paths with problems, and what they are. Nothing at or below them was deleted.
    pub problems: Vec<(RelPath, String)>,
    /// Paths that wait for the next round, and why.
    pub deferred: Vec<(RelPath, String)>,
    /// Paths of changes that are, or were, directories.
    pub directories: BTreeSet<RelPath>,
    /// What the scan counted.
    pub counts: Counts,
    /// Bytes of source files read, to fingerprint and to send.
    pub bytes_read: u64,
    /// What went over the wire.
    pub traffic: Traffic,
    /// The head's number.
    pub revision: u64,
    /// Whether it was asked to stop before all was delivered.
    pub stopped: bool,
    /// Why it ended early.
    pub failure: Option<RoundError>,
}

/// Why a round ended early.
#[derive(Debug, Error)]
pub enum RoundError {
    /// The source cannot be opened.
    #[error("cannot open the source {path}: {source}")]
    Source {
        /// Its path.
        path: String,
        /// Whether there was a round from it before.
        known: bool,
        /// Why.
        source: io::Error,
    },
    /// The source is not what it was.
    #[error("{0}")]
    Root(#[from] RootTrouble),
    /// The mirror is the copy of another source.
    #[error("the mirror `{mirror}` is the copy of {theirs}, not of {ours}")]
    OtherSource {
        /// Which mirror.
        mirror: MirrorName,
        /// The source it was claimed for.
        theirs: String,
        /// This source.
        ours: String,
    },
    /// The scan cannot go on.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The snapshot cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Contact or delivery ended early.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// A plan that cannot be delivered in batches.
    #[error(transparent)]
    Entangled(#[from] Entangled),
}

impl RoundError {
    /// Whether the snapshot itself is broken, so that only a new one helps.
    #[must_use]
    pub fn is_damaged_snapshot(&self) -> bool {
        let inner = |error: &io::Error| {
            error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<SnapshotError>())
                .is_some_and(SnapshotError::is_damage)
        };
        match self {
            Self::Snapshot(error) => error.is_damage(),
            Self::Scan(ScanError::Recorded(error)) | Self::Deliver(DeliverError::Ledger { source: error, .. }) => {
                inner(error)
            }
            _ => false,
        }
    }
}

impl Report {
    /// What the scan found, besides changes.
    pub(crate) fn found(&mut self, scanned: &Scanned) {
        self.counts = scanned.counts;
        for finding in &scanned.findings {
            match finding {
                Finding::Problem { path, trouble, .. } => self.problems.push((path.clone(), trouble.to_string())),
                Finding::Deferred { path, reason, .. } => self.deferred.push((path.clone(), reason.to_string())),
                Finding::Present { path, now: entry, .. } | Finding::Gone { path, was: entry, .. } => {
                    if entry.kind() == Kind::Directory {
                        self.directories.insert(path.clone());
                    }
                }
            }
        }
    }

    /// What became of the plan.
    pub(crate) fn take(&mut self, delivery: Delivery) {
        self.changes = delivery.delivered;
        self.changes.sort_by(|a, b| a.path().cmp(b.path()));
        self.stopped = delivery.stopped;
        self.revision = delivery.head.map_or(self.revision, |head| head.number);
        for left_out in delivery.left_out {
            let line = (left_out.change.path().clone(), left_out.why.to_string());
            match left_out.why {
                Why::Refused(_) | Why::Unreadable(_) | Why::NeverComplete => self.problems.push(line),
                Why::ContentChanged | Why::Dependent => self.deferred.push(line),
            }
        }
    }
}
