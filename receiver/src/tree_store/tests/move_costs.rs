//! What moves cost on disk and in the catalog, by counts: twice as many are twice the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::Change;
use protocol::wire::Committed;
use seams::memory::Operation;

use super::world::MemoryWorld;
use crate::store::conformance::peer::{Peer, create, directory, moved};
use crate::tree_store::TreeStore;

/// Changes in one batch.
const BATCH: usize = 4_000;
/// Directories from which files move, and to which.
const DIRECTORIES: usize = 7;

/// What it took to move files one by one.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Of the file system.
    operations: usize,
    /// Rows of the catalog that were closed or opened.
    rows: i64,
}

/// Batches of so many changes, each delivered.
fn deliver(peer: &Peer<'_>, changes: &[Change]) {
    for batch in changes.chunks(BATCH) {
        let base = peer.head();
        let plans = peer.plans(batch);
        let missing = peer.open(batch, plans.clone());
        peer.fill_missing(base, batch, &plans, &missing);
        let committed = peer.commit_on(base, batch).expect("commits");
        assert!(matches!(committed, Committed::Durable { .. }), "{committed:?}");
    }
}

fn rows_since(store: &TreeStore, peer: &Peer<'_>, revision: u64) -> i64 {
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    let catalog = client.catalog();
    ["to_rev", "from_rev"].iter().map(|column| catalog.count(&format!("entry WHERE {column} > {revision}"))).sum()
}

/// Moves so many files, each from one directory to another.
fn cost(files: usize) -> Cost {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let entry = peer.file("the same content");
    let tops = (0..DIRECTORIES).flat_map(|n| [format!("old{n}"), format!("new{n}")]);
    deliver(&peer, &tops.map(|top| create(&top, directory())).collect::<Vec<_>>());
    let at = |top: &str, n: usize| format!("{top}{}/f{n}", n % DIRECTORIES);
    deliver(&peer, &(0..files).map(|n| create(&at("old", n), entry.clone())).collect::<Vec<_>>());
    let revision = peer.head().number;
    let operations = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&operations);
    world.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
        count.fetch_add(1, Ordering::Relaxed);
        None
    })));
    deliver(&peer, &(0..files).map(|n| moved(&at("old", n), &at("new", n), entry.clone())).collect::<Vec<_>>());
    world.fs.set_fault_hook(None);
    world.is_tidy(&store, &peer);
    Cost { operations: operations.load(Ordering::Relaxed), rows: rows_since(&store, &peer, revision) }
}

#[test]
fn sixteen_thousand_files_moved_one_by_one_cost_twice_what_eight_thousand_do() {
    let files = match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full" | "long") => [8_000, 16_000],
        _ => [500, 1_000],
    };
    let costs = files.map(cost);
    println!("{costs:?}");
    for (files, cost) in files.into_iter().zip(costs) {
        assert_eq!(cost.rows, 2 * i64::try_from(files).expect("fits"), "one closed and one opened each");
    }
    assert!(10 * costs[1].operations <= 22 * costs[0].operations, "{costs:?}");
}
