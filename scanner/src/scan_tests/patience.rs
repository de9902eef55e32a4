//! Files that wait: those that keep moving, and those that have not settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::RelPath;
use seams::clock::Clock;
use seams::known::PostponedKind;
use seams::memory::{Operation, OperationKind};

use super::world::{World, planned, problems, write};
use crate::finding::{Deferral, Finding, Hint};
use crate::patience;
use crate::scan::Scanned;

fn deferrals(scanned: &Scanned) -> Vec<(Deferral, Option<Hint>)> {
    let deferral = |finding: &Finding| match finding {
        Finding::Deferred { reason, hint, .. } => Some((*reason, *hint)),
        _ => None,
    };
    scanned.findings.iter().filter_map(deferral).collect()
}

/// What is known of the file `a`.
fn hint(world: &World) -> Option<Hint> {
    let stat = world.directory("").stat(&super::world::name("a")).expect("there");
    Some(Hint { inode: stat.inode, size: stat.size })
}

/// From now on `a` changes with each read.
fn keep_moving(world: &World) {
    let (fs, clock, count) = (world.fs.clone(), Arc::clone(&world.clock), AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read && operation.path == b"/s/a" {
            clock.advance(Duration::from_millis(50));
            write(&fs, &format!("a={:04}", count.fetch_add(1, Ordering::Relaxed)));
        }
        None
    })));
}

#[test]
fn a_file_that_keeps_moving_waits_longer_each_time_and_is_read_as_soon_as_it_stands_still() {
    let mut world = World::new(&["a=1111"]);
    let path = RelPath::parse(b"a").expect("valid in this test");
    keep_moving(&world);
    let mut tries = Vec::new();
    for minute in 0..16 {
        world.write("a=2222");
        match deferrals(&world.scan().expect("a scan"))[..] {
            [(Deferral::Moving, at)] => {
                assert_eq!(at, hint(&world));
                let previous = world.known.postponed.get(&path);
                let next =
                    patience::next(previous, world.clock.now(), PostponedKind::Deferred, "it changes".to_owned());
                world.known.postponed.insert(path.clone(), next);
                tries.push(minute);
            }
            [(Deferral::Waiting, at)] => assert_eq!(at, hint(&world)),
            ref other => panic!("{other:?}"),
        }
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(tries, [0, 1, 3, 7, 15], "it waits for 1, 2, 4 and 8 minutes");
    world.fs.set_fault_hook(None);
    world.known.postponed.get_mut(&path).expect("it waits").last_try = world.clock.now();
    world.known.postponed.get_mut(&path).expect("it waits").next_try = world.clock.now().plus_nanos(i64::MAX);
    assert_eq!(planned(&world.scan().expect("a scan")), ["Create a"], "it stood still since the last try");
}

#[test]
fn a_young_file_waits_until_it_has_settled_and_its_directory_does_not() {
    let mut world = World::new(&[]);
    world.rules.settle = Duration::from_secs(5);
    world.write("d");
    world.write("a=1");
    let young = world.scan().expect("a scan");
    assert_eq!(deferrals(&young), [(Deferral::Young, hint(&world))]);
    assert_eq!((young.counts.files_opened, problems(&young)), (0, vec!["~ a".to_owned()]));
    world.clock.advance(Duration::from_secs(5));
    assert!(planned(&world.scan().expect("a scan")).contains(&"Create a".to_owned()));
}

#[test]
fn what_was_read_before_waits_too_before_it_is_delivered() {
    let mut world = World::new(&["a=1"]);
    world.scan().expect("a scan that delivers nothing");
    world.rules.settle = Duration::from_secs(90);
    assert_eq!(deferrals(&world.scan().expect("a scan")), [(Deferral::Young, hint(&world))]);
    world.clock.advance(Duration::from_secs(90));
    assert_eq!(planned(&world.scan().expect("a scan")), ["Create a"]);
}

#[test]
fn a_file_that_cannot_be_read_says_what_is_known_of_it() {
    let world = World::new(&["a=1"]);
    world.fail(OperationKind::OpenFile, "a", 13);
    let scanned = world.scan().expect("a scan");
    let known = scanned.findings.iter().find_map(|finding| match finding {
        Finding::Problem { hint, .. } => Some(*hint),
        _ => None,
    });
    world.fs.set_fault_hook(None);
    assert_eq!(known, Some(hint(&world)));
}
