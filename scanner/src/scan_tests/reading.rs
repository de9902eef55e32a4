//! Files that change while they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::Change;
use seams::memory::{Operation, OperationKind};
use seams::recorded::Trust;

use super::world::{World, name, parent_of, planned, problems, write};
use crate::plan::plan;

#[test]
fn a_file_that_keeps_changing_is_deferred_and_not_recorded() {
    let mut world = World::new(&["a=1111"]);
    world.round();
    let (fs, count) = (world.fs.clone(), AtomicUsize::new(0));
    world.write("a=2222");
    let clock = Arc::clone(&world.clock);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read && operation.path == b"/s/a" {
            clock.advance(Duration::from_millis(50));
            write(&fs, &format!("a={:04}", count.fetch_add(1, Ordering::Relaxed)));
        }
        None
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(problems(&scanned), ["~ a"]);
    assert_eq!(world.rows.reading("a").content, protocol::ContentId::of(b"1111"), "what was read before stays");
    assert_eq!(planned(&scanned), Vec::<String>::new());
}

#[test]
fn a_file_that_only_grows_is_delivered_at_a_length_it_had() {
    let world = World::new(&["log=one"]);
    let (fs, clock) = (world.fs.clone(), Arc::clone(&world.clock));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read && operation.path == b"/s/log" {
            clock.advance(Duration::from_millis(50));
            let (parent, last) = parent_of(&fs, "log");
            let size = parent.stat(&name(last)).expect("there").size;
            let file = parent.open_file_for_writing(&name(last)).expect("a file");
            file.write_all_at(b"more", size).expect("appended");
        }
        None
    })));
    let scanned = world.scan().expect("a scan");
    let [Change::Metadata { .. }, Change::Create { entry, .. }] = &plan(&scanned.findings).changes[..] else {
        panic!("the root and one new file: {:?}", scanned.findings)
    };
    assert_eq!(entry.content(), Some((protocol::ContentId::of(b"one"), 3)));
    assert_eq!(world.rows.reading("log").trust, Trust::Unproven);
}
