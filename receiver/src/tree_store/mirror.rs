//! [`Mirror`]: what is known of one mirror while the store runs.

use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use protocol::MirrorName;

use crate::catalog::{MirrorId, MirrorRecord, Node};
use crate::store::proposal::OpenProposals;
use crate::tree_store::reading::Readings;

/// One mirror.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Its number.
    pub(super) id: MirrorId,
    /// Its root's node.
    pub(super) root: Node,
    /// Its name.
    pub(super) name: MirrorName,
    commit: Mutex<()>,
    steps: RwLock<()>,
    proposals: Mutex<OpenProposals>,
    readings: Mutex<Readings>,
}

impl Mirror {
    /// A mirror without open proposals.
    pub(super) fn new(record: MirrorRecord) -> Self {
        Self {
            id: record.id,
            root: record.root,
            name: record.name,
            commit: Mutex::default(),
            steps: RwLock::default(),
            proposals: Mutex::default(),
            readings: Mutex::default(),
        }
    }

    /// Waits until no other commit is in flight. A repeated commit waits for the first here.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.commit.lock().expect("no holder of this lock panics")
    }

    /// Waits until no steps are under way, and keeps others from beginning.
    pub(super) fn at_rest(&self) -> RwLockReadGuard<'_, ()> {
        self.steps.read().expect("no holder of this lock panics")
    }

    /// Steps are under way: catalog and disk may differ.
    pub(super) fn in_motion(&self) -> RwLockWriteGuard<'_, ()> {
        self.steps.write().expect("no holder of this lock panics")
    }

    /// Its open proposals.
    pub(super) fn proposals(&self) -> MutexGuard<'_, OpenProposals> {
        self.proposals.lock().expect("no holder of this lock panics")
    }

    /// Its files that a check has half read.
    pub(super) fn readings(&self) -> MutexGuard<'_, Readings> {
        self.readings.lock().expect("no holder of this lock panics")
    }
}
