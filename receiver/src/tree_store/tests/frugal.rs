//! What a small new file costs, from its frame to its place, counted in operations of the file system.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use protocol::{Change, Head};
use seams::memory::{FaultHook, OperationKind};

use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create};

/// Counts operations by kind.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<HashMap<OperationKind, u64>>);

impl Counted {
    pub(super) fn of(&self, kind: OperationKind) -> u64 {
        self.0.lock().expect("no holder panics").get(&kind).copied().unwrap_or_default()
    }

    fn all(&self) -> u64 {
        self.0.lock().expect("no holder panics").values().sum()
    }
}

/// Counts from now on.
pub(super) fn count(world: &MemoryWorld) -> Arc<Counted> {
    let counted = Arc::new(Counted::default());
    let counter = Arc::clone(&counted);
    let hook: FaultHook = Arc::new(move |operation| {
        *counter.0.lock().expect("no holder panics").entry(operation.kind).or_default() += 1;
        None
    });
    world.fs.set_fault_hook(Some(hook));
    counted
}

const FILES: u64 = 500;

#[test]
fn a_small_new_file_is_made_written_and_renamed_once_and_synced_with_all_others() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let changes: Vec<Change> =
        (0..FILES).map(|n| create(&format!("f{n}"), peer.file(format!("content {n}")))).collect();
    let plans = peer.plans(&changes);
    let counted = count(&world);
    let missing = peer.open(&changes, plans.clone());
    peer.fill_missing(Head::genesis(), &changes, &plans, &missing);
    peer.commit_on(Head::genesis(), &changes).expect("is durable");
    for once in [OperationKind::CreateFile, OperationKind::Write, OperationKind::Rename] {
        assert_eq!(counted.of(once), FILES, "{once:?}");
    }
    for never in [OperationKind::OpenFile, OperationKind::OpenFileForWriting, OperationKind::Read] {
        assert_eq!(counted.of(never), 0, "{never:?}");
    }
    assert!(counted.of(OperationKind::SyncFilesystem) <= 2 && counted.of(OperationKind::Sync) <= 8);
    // Besides: mode, mtime and a stat once each, and a look whether something is in the way.
    assert!(counted.all() <= 7 * FILES + 50, "{counted:?}");
}
