//! Rounds that change nothing: over an unchanged tree, and dry ones.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use seams::scratch::{InMemory, Scratch};

use super::world::{World, gathered, write};
use crate::round::RoundRules;

#[test]
fn an_unchanged_round_asks_once_reads_nothing_and_changes_nothing() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.clock.advance(Duration::from_secs(10));
    world.good_round();
    world.transport.trace.lock().expect("not poisoned").clear();
    let report = world.good_round();
    assert_eq!((report.changes.len(), report.bytes_read, report.counts.files_opened), (0, 0, 0));
    assert_eq!(
        world.transport.trace.lock().expect("not poisoned").len(),
        1,
        "hello, which asks where the mirror stands"
    );
}

#[test]
fn a_dry_run_says_what_a_round_would_do_and_asks_nobody() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    world.clock.advance(Duration::from_secs(10));
    write(&world, "b", "2");
    world.transport.trace.lock().expect("not poisoned").clear();
    let source = PathBuf::from("/source");
    let scratch: Arc<dyn Scratch> = Arc::new(InMemory::default());
    let report = gathered(world.beat(&world.snapshot, &source, &RoundRules::default(), &scratch).dry_run());
    let shown: Vec<String> =
        report.changes.iter().map(|change| format!("{:?} {}", change.kind(), change.path())).collect();
    assert_eq!(shown, ["Metadata .", "Create b"]);
    assert!(world.transport.trace.lock().expect("not poisoned").is_empty());
    assert_eq!(world.good_round().changes, report.changes);
}
