//! Random histories: after every round the mirror is the source, and the same seed does the same again.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::Entry;
use seams::random::Random;

use super::world::{Kind, World, write};

/// Ten rounds with edits between them; everything that was said and sent.
fn ten_rounds(seed: u64) -> Vec<String> {
    let world = World::new(seed);
    write(&world, "kept", "always there");
    let mut trace = Vec::new();
    for _ in 0..10 {
        for _ in 0..world.below(12) {
            world.edit();
            world.clock.advance(Duration::from_millis(world.random.below(30)));
        }
        let report = world.good_round();
        trace.push(format!("{:?} {} {}", report.changes, report.revision, report.bytes_read));
        trace.append(&mut world.transport.trace.lock().expect("not poisoned"));
    }
    trace
}

#[test]
fn ten_rounds_in_memory_leave_the_same_trace_twice() {
    assert_eq!(ten_rounds(42), ten_rounds(42));
    assert_ne!(ten_rounds(42), ten_rounds(43), "the trace says what happened");
}

/// As the tree store keeps an entry on disk: readable by its owner, its owner the receiver's.
fn as_kept(entry: &Entry) -> Entry {
    let mut kept = entry.clone();
    let metadata = kept.metadata_mut();
    (metadata.uid, metadata.gid) = (0, 0);
    metadata.mode = match entry.kind() {
        protocol::Kind::Directory => metadata.mode & 0o1777 | 0o700,
        protocol::Kind::File => metadata.mode & 0o1777 | 0o400,
        protocol::Kind::Symlink => metadata.mode,
    };
    kept
}

#[test]
fn after_every_round_of_a_thousand_random_histories_the_mirror_on_disk_is_the_source() {
    for seed in 0..1_000 {
        let world = World::with(seed, Kind::Tree);
        write(&world, "kept", "always there");
        for _ in 0..4 {
            for _ in 0..1 + world.below(6) {
                world.edit();
                // Also within one tick of the clock.
                world.clock.advance(Duration::from_millis(world.random.below(3) * 15));
            }
            world.good_round();
            let expected: BTreeMap<_, _> =
                world.in_source().iter().map(|(path, e)| (path.clone(), as_kept(e))).collect();
            assert_eq!(world.on_disk("/data/local/source"), expected, "seed {seed}");
        }
    }
}
