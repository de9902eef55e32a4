//! What a round came to: its [`Report`], and the [`RoundError`]s that end one early.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::io;
use std::sync::Arc;

use protocol::{Change, Kind, MirrorName, RelPath, wire};
use scanner::{Counts, Deferral, Finding, HeldWhy, RootTrouble, ScanError, Scanned};
use seams::known::Postponement;
use seams::scratch::Scratch;
use snapshot_db::{HeldDigest, SnapshotError};
use thiserror::Error;
use uploader::{DeliverError, Delivery, Entangled, Mending, Traffic, Volume, Why};

use crate::round::guards::Guarded;

/// Said of a change that a person asked for and that is not planned any more.
const MOVED_ON: &str = "the plan's change does not hold any more";

/// What a round came to; true also where it ended early.
#[derive(Debug, Default)]
pub struct Report {
    /// The changes that are durable now; in a dry run, those that would be made.
    pub changes: Vec<Change>,
    /// The same of what did not fit in memory: neither list has what the other has.
    pub spilled: Option<Arc<dyn Scratch>>,
    /// Paths with problems, and what they are. Nothing at or below them was deleted.
    pub problems: Vec<(RelPath, String)>,
    /// Paths that wait for the next round, and why.
    pub deferred: Vec<(RelPath, String)>,
    /// Changes that wait for a person's approval, sorted by path.
    pub held: Vec<HeldChange>,
    /// What a person types to approve them; nothing where they were rejected.
    pub held_list: Option<HeldDigest>,
    /// Paths whose content changed although nothing else shows it.
    pub silent: BTreeSet<RelPath>,
    /// How many changes the plan's file does not name, where a person asked for its changes only.
    pub left_alone: u64,
    /// The round, once it had begun.
    pub round: Option<wire::Round>,
    /// Paths of changes that are, or were, directories.
    pub directories: BTreeSet<RelPath>,
    /// What the scan counted.
    pub counts: Counts,
    /// Bytes of source files read, to fingerprint and to send.
    pub bytes_read: u64,
    /// What went over the wire.
    pub traffic: Traffic,
    /// Bytes of contents that were sent, and those that needed not be.
    pub volume: Volume,
    /// Damaged files of the mirror that were put right.
    pub mended: u64,
    /// The head's number.
    pub revision: u64,
    /// Whether it was asked to stop before all was delivered.
    pub stopped: bool,
    /// Why it ended early.
    pub failure: Option<RoundError>,
}

/// A change that waits for a person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChange {
    /// The change.
    pub change: Change,
    /// Why it waits, for people.
    pub why: String,
}

impl HeldChange {
    /// One that the brake holds.
    pub(crate) fn for_reason(why: &HashMap<Change, HeldWhy>, change: Change) -> Self {
        let why = why.get(&change).map_or_else(String::new, ToString::to_string);
        Self { change, why }
    }

    /// One that needs the place of another that is held.
    pub(crate) fn needing_place(change: Change) -> Self {
        Self { change, why: "it needs the place of a change that is held".to_owned() }
    }
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
    /// There is no such mirror.
    #[error("there is no mirror `{mirror}`")]
    NoMirror {
        /// Which.
        mirror: MirrorName,
    },
    /// The marker file cannot be made.
    #[error("cannot make the marker file {} in the source {path}: {source}", scanner::MARKER_FILE)]
    Marker {
        /// The source's path.
        path: String,
        /// The id it was to hold.
        id: String,
        /// Why.
        source: io::Error,
    },
    /// What does not fit in memory cannot be kept or read back.
    #[error("cannot keep what was found: {0}")]
    Scratch(#[source] io::Error),
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
    /// Whether the snapshot itself is broken, so that only a new one helps: whoever came upon that, and said it in
    /// whatever words.
    #[must_use]
    pub fn is_damaged_snapshot(&self) -> bool {
        let mut next: Option<&(dyn Error + 'static)> = match self {
            Self::Snapshot(error) => Some(error),
            other => Some(other),
        };
        while let Some(error) = next {
            if error.downcast_ref::<SnapshotError>().is_some_and(SnapshotError::is_damage) {
                return true;
            }
            // What an I/O error carries is no source of it, but the error itself.
            let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = carried.map(|carried| carried as &(dyn Error + 'static)).or_else(|| error.source());
        }
        false
    }
}

impl Report {
    /// Whether somebody else changed the mirror before this round could, which has changed nothing.
    pub(crate) fn came_too_late(&self) -> bool {
        self.changes.is_empty() && matches!(self.failure, Some(RoundError::Deliver(DeliverError::HeadMoved)))
    }

    /// What the scan found, besides changes.
    pub(crate) fn found(&mut self, scanned: &Scanned) {
        self.counts = scanned.counts;
        for finding in &scanned.findings {
            match finding {
                Finding::Problem { path, trouble, .. } => self.problems.push((path.clone(), trouble.to_string())),
                Finding::Deferred { path, reason, .. } => self.deferred.push((path.clone(), reason.to_string())),
                Finding::Present { path, now: entry, .. }
                | Finding::Moved { to: path, now: entry, .. }
                | Finding::Gone { path, was: entry, .. } => {
                    if matches!(finding, Finding::Present { silent: true, .. }) {
                        self.silent.insert(path.clone());
                    }
                    if entry.kind() == Kind::Directory {
                        self.directories.insert(path.clone());
                    }
                }
            }
        }
    }

    /// What the guards took out of the plan.
    pub(crate) fn guarded(
        &mut self,
        guarded: &Guarded,
        waiting: Vec<RelPath>,
        postponed: &BTreeMap<RelPath, Postponement>,
    ) {
        self.held.clone_from(&guarded.held);
        self.left_alone = guarded.left_alone;
        let may_have_moved = waiting.into_iter().map(|path| (path, Deferral::MayHaveMoved.to_string()));
        self.deferred.extend(may_have_moved);
        let moved_on = guarded.moved_on.iter().map(|change| (change.path().clone(), MOVED_ON.to_owned()));
        self.deferred.extend(moved_on);
        for change in &guarded.refused {
            let known = postponed.get(change.path()).map(|postponement| postponement.reason.clone());
            self.problems.push((change.path().clone(), known.unwrap_or_else(|| Why::Dependent.to_string())));
        }
    }

    /// What became of what the receiver wanted again.
    pub(crate) fn mended(&mut self, mending: Mending) {
        self.mended = mending.places;
        self.volume += mending.volume;
        let damaged = "damaged at the receiver, and the source does not have it any more as it was delivered";
        self.problems.extend(mending.unmet.into_iter().map(|wanted| (wanted.path, damaged.to_owned())));
    }

    /// What became of the plan.
    pub(crate) fn take(&mut self, delivery: Delivery) {
        self.changes = delivery.delivered;
        self.changes.sort_by(|a, b| a.path().cmp(b.path()));
        self.stopped = delivery.stopped;
        self.volume = delivery.volume;
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
