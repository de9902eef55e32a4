//! Files that change while a round reads or sends them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{ContentId, Name, RelPath};
use seams::clock::Clock;
use seams::fs::Fs;
use seams::memory::OperationKind;

use super::world::{World, write};

#[test]
fn a_file_that_changes_while_it_is_sent_waits_and_its_old_version_stays_whole() {
    let world = World::new(1);
    write(&world, "a", "old bytes");
    write(&world, "z", "1");
    world.good_round();
    write(&world, "a", "new bytes");
    write(&world, "z", "2");
    let (fs, reads) = (world.fs.clone(), std::sync::atomic::AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &seams::memory::Operation| {
        // Twice read to compare and to know it, the third time to send it.
        let is_read = operation.kind == OperationKind::OpenFile && operation.path == b"/source/a";
        if is_read && reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            let root = fs.open_root(Path::new("/source")).expect("there");
            let file = root.open_file_for_writing(&Name::parse(b"a").expect("valid")).expect("there");
            file.write_all_at(b"NEWER", 0).expect("written");
        }
        None
    })));
    let report = world.round();
    world.fs.set_fault_hook(None);
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert_eq!(report.deferred.len(), 1, "{:?}", report.deferred);
    let a = RelPath::parse(b"a").expect("valid");
    assert_eq!(world.mirrored()[&a].content(), Some((ContentId::of(b"old bytes"), 9)));
    world.good_round();
}

#[test]
fn bytes_that_changed_without_a_trace_before_they_were_sent_are_read_again_and_arrive() {
    let world = World::new(1);
    write(&world, "a", "old bytes");
    world.good_round();
    world.clock.advance(Duration::from_secs(10));
    write(&world, "a", "new bytes");
    world.clock.advance(Duration::from_secs(10));
    let (fs, reads) = (world.fs.clone(), std::sync::atomic::AtomicUsize::new(0));
    let stamped = world.fs.open_root(Path::new("/source")).expect("there").stat(&Name::parse(b"a").expect("valid"));
    let clock = Arc::clone(&world.clock);
    let (stamp, now) = (stamped.expect("there").mtime, world.clock.now());
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &seams::memory::Operation| {
        let is_read = operation.kind == OperationKind::OpenFile && operation.path == b"/source/a";
        if is_read && reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            // As a store through mmap does: neither time moves.
            clock.set_wall(stamp);
            let root = fs.open_root(Path::new("/source")).expect("there");
            let file = root.open_file_for_writing(&Name::parse(b"a").expect("valid")).expect("there");
            file.write_all_at(b"NEWER", 0).expect("written");
            clock.set_wall(now);
        }
        None
    })));
    assert_eq!(world.round().deferred.len(), 1);
    world.fs.set_fault_hook(None);
    world.good_round();
}

#[test]
fn a_file_that_was_gone_for_a_moment_is_delivered_in_the_very_next_round() {
    let world = World::new(1);
    write(&world, "a", "1");
    write(&world, "b", "1");
    world.clock.advance(Duration::from_secs(10));
    world.good_round();
    write(&world, "a", "22");
    let fs = world.fs.clone();
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &seams::memory::Operation| {
        if operation.kind == OperationKind::OpenFile && operation.path == b"/source/a" {
            let root = fs.open_root(Path::new("/source")).expect("there");
            root.remove_file(&Name::parse(b"a").expect("valid")).expect("there until now");
        }
        None
    })));
    assert_eq!(world.round().deferred.len(), 1);
    world.fs.set_fault_hook(None);
    world.clock.advance(Duration::from_secs(1));
    write(&world, "a", "333");
    world.clock.advance(Duration::from_secs(1));
    world.good_round();
}
