//! What was read is recorded while the scan goes on, so that a round cut short need not read it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seams::memory::{Operation, OperationKind};

use super::world::World;
use crate::found::READINGS_AT_A_TIME;
use crate::scan::ScanError;

#[test]
fn readings_are_recorded_by_and_by_within_one_directory_and_over_many() {
    let flat: Vec<String> = (0..2 * READINGS_AT_A_TIME + 7).map(|n| format!("f{n}={n}")).collect();
    let mut world = World::new(&flat.iter().map(String::as_str).collect::<Vec<_>>());
    world.round();
    let at_a_time = |world: &World| std::mem::take(&mut *world.rows.recorded_at_a_time.lock().expect("not poisoned"));
    assert_eq!(at_a_time(&world), [READINGS_AT_A_TIME, READINGS_AT_A_TIME, 7]);

    let deep: Vec<String> = (0..READINGS_AT_A_TIME + 7).map(|n| format!("d{n}/f={n}")).collect();
    let mut world = World::new(&deep.iter().map(String::as_str).collect::<Vec<_>>());
    world.round();
    assert_eq!(at_a_time(&world), [READINGS_AT_A_TIME, 7]);
}

#[test]
fn a_stopped_scan_ends_between_files_and_has_recorded_what_it_read() {
    let mut world = World::new(&["a=1", "b=2", "c=3"]);
    let stop = Arc::clone(&world.stop);
    world.just_before(OperationKind::OpenFile, "b", move |_| stop.store(true, Ordering::Relaxed));
    assert!(matches!(world.scan(), Err(ScanError::Stopped)));
    assert_eq!(world.rows.readings().len(), 2, "a, and b which was being read");
    world.stop.store(false, Ordering::Relaxed);
    assert_eq!(world.round().counts.files_opened, 1, "c");
}

#[test]
fn a_scan_that_is_stopped_amid_a_listing_looks_at_nothing_more() {
    let world = World::new(&["d/a=1", "d/b=2", "d/c=3"]);
    let (stop, looked) = (Arc::clone(&world.stop), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&looked);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let stops = operation.kind == OperationKind::ListNext && operation.path == b"/s/d/b";
        stop.fetch_or(stops, Ordering::Relaxed);
        count.fetch_add(usize::from(operation.kind == OperationKind::Stat), Ordering::Relaxed);
        None
    })));
    assert!(matches!(world.scan(), Err(ScanError::Stopped)));
    assert_eq!(looked.load(Ordering::Relaxed), 2, "d and d/a");
}

#[test]
fn a_scan_that_fails_has_recorded_what_it_read() {
    let world = World::new(&["a/b=1", "c/d=2"]);
    world.fail(OperationKind::OpenDirectory, "c", 24);
    assert!(matches!(world.scan(), Err(ScanError::Exhausted(_))));
    assert_eq!(world.rows.readings().len(), 1);
}
