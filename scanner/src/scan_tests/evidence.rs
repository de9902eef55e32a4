//! What the evidence of a file proves: no edit is missed, and nothing is read more often than it must be.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{ContentId, Timestamp};
use seams::clock::Clock;
use seams::fs::FilesystemIdentity;
use seams::memory::{Memory, Operation, OperationKind};
use seams::recorded::Trust;

use super::world::{World, name, parent_of, planned, rename, write};
use crate::trust::Margins;

const MINUTE: Duration = Duration::from_secs(60);
const MILLISECOND: Duration = Duration::from_millis(1);
/// How far stamps were measured to lag behind the clock, in nanoseconds.
const LAG: i64 = 5_970_000;

/// Files that are written 0 to 30 ms before the round reads them, and rewritten with the same size 0 to 20 ms after.
/// How many of the edits are missed after another two rounds, on a file system with stamps like these.
fn missed(granularity: Duration, lag: i64, margins: Margins) -> usize {
    let mut world = World::new(&[]);
    world.fs = world.fs.clone().with_granularity(granularity).with_clock_ahead(-lag);
    world.rules.margins = margins;
    // Until a ctime shows a fraction of a second the margins are coarse: the directory's own shows it here.
    world.write("learned=1");
    for before in (0..=30).rev() {
        (0..=20).for_each(|after| world.write(&format!("f{after:02}-{before:02}=old")));
        world.clock.advance(MILLISECOND);
    }
    world.round();
    for after in 0..=20 {
        (0..=30).for_each(|before| world.write(&format!("f{after:02}-{before:02}=new")));
        world.clock.advance(MILLISECOND);
    }
    world.round();
    world.round();
    let readings = world.rows.readings();
    readings.values().filter(|reading| reading.content == ContentId::of(b"old")).count()
}

#[test]
fn no_same_size_rewrite_from_0_to_20_ms_after_a_read_is_missed_after_two_rounds() {
    let stamps = [
        (Duration::from_nanos(1), 0),
        (4 * MILLISECOND, LAG),
        (10 * MILLISECOND, LAG),
        (Duration::from_secs(1), LAG),
        (Duration::from_secs(2), LAG),
    ];
    for (granularity, lag) in stamps {
        assert_eq!(missed(granularity, lag, Margins::USUAL), 0, "stamps in steps of {granularity:?}");
    }
}

#[test]
fn without_margins_rewrites_are_missed_so_the_test_above_can_fail() {
    for granularity in [4 * MILLISECOND, 10 * MILLISECOND, Duration::from_secs(1)] {
        assert!(missed(granularity, LAG, Margins::NONE) > 0, "stamps in steps of {granularity:?}");
    }
    let no_slack = Margins { slack: Duration::ZERO, ..Margins::USUAL };
    assert!(missed(10 * MILLISECOND, LAG, no_slack) > 0, "the lag is more than the step alone covers");
}

/// How many files each of these rounds opens, a minute apart.
fn opened(world: &mut World, rounds: usize) -> Vec<u64> {
    let round = |_| {
        world.clock.advance(MINUTE);
        world.round().counts.files_opened
    };
    (0..rounds).map(round).collect()
}

#[test]
fn a_changed_file_is_read_at_most_twice_and_an_old_one_once() {
    let mut world = World::new(&["old=1"]);
    assert_eq!(opened(&mut world, 3), [1, 0, 0]);
    world.write("old=2");
    assert_eq!(world.round().counts.files_opened, 1, "read at the very moment of its stamp");
    assert_eq!(opened(&mut world, 3), [1, 0, 0]);
}

#[test]
fn a_file_server_whose_clock_is_wrong_costs_one_more_read_and_hides_no_edit() {
    for ahead in [-300_000_000_000, 0, 300_000_000_000] {
        let mut world = World::new(&[]);
        world.fs = world.fs.clone().with_clock_ahead(ahead);
        let id = b"server".to_vec();
        world.fs.set_filesystem(FilesystemIdentity { kind: "nfs".to_owned(), id, local: false, stable_inodes: true });
        world.write("a=1");
        let reads: u64 = opened(&mut world, 9).iter().sum();
        assert_eq!(reads, if ahead > 0 { 3 } else { 2 }, "a stamp in the future is read once more when it has passed");
        world.write("a=2");
        assert_eq!(planned(&world.round()), ["Modify a"]);
    }
}

#[test]
fn another_boot_or_a_clock_that_was_set_reads_nothing_and_hides_no_edit() {
    let mut world = World::new(&["a=1", "b=2"]);
    world.round();
    world.clock.reboot();
    assert_eq!(opened(&mut world, 1), [0]);
    world.clock.set_wall(Timestamp::from_parts(500_000, 0));
    assert_eq!(opened(&mut world, 1), [0], "the clock was set back");
    world.write("a=9");
    assert_eq!(planned(&world.round()), ["Modify a"]);
}

#[test]
fn what_was_read_and_not_delivered_is_not_read_again() {
    let world = World::new(&["a=1", "d/b=2"]);
    assert_eq!(world.scan().expect("a scan").counts.files_opened, 2);
    let again = world.scan().expect("a scan");
    assert_eq!(planned(&again), ["Create a", "Create d", "Create d/b"]);
    assert_eq!(again.counts.files_opened, 0);
}

#[test]
fn an_edit_that_keeps_size_and_mtime_is_noticed() {
    let mut world = World::new(&["touched=1", "replaced=1", "source=2"]);
    world.fs = world.fs.clone().with_reused_inodes();
    world.round();
    let (directory, old) = (world.directory(""), world.directory("").stat(&name("touched")).expect("there"));
    world.clock.advance(MINUTE);
    // As `touch -r` does, and as `cp -p`, `tar -x` and `mv` do over a file.
    world.write("touched=2");
    directory.set_mtime(&name("touched"), old.mtime).expect("set");
    rename(&world.fs, "source", "replaced");
    directory.set_mtime(&name("replaced"), old.mtime).expect("set");
    let seen = planned(&world.round());
    assert!(seen.contains(&"Modify touched".to_owned()), "{seen:?}");
    assert!(seen.iter().any(|line| line.ends_with("-> replaced") || line == "Modify replaced"), "{seen:?}");
}

#[test]
fn a_file_whose_inode_is_reused_at_once_is_noticed() {
    let mut world = World::new(&["x=1", "y=2"]);
    world.fs = world.fs.clone().with_reused_inodes();
    world.round();
    let old = world.directory("").stat(&name("x")).expect("there");
    world.clock.advance(MINUTE);
    world.remove("x");
    world.write("x=3");
    world.directory("").set_mtime(&name("x"), old.mtime).expect("set");
    let new = world.directory("").stat(&name("x")).expect("there");
    assert_eq!((new.inode, new.size, new.mtime), (old.inode, old.size, old.mtime), "only the ctime tells");
    assert_eq!(planned(&world.round()), ["Modify x"]);
}

#[test]
fn a_touch_sends_no_content() {
    let mut world = World::new(&["a=1"]);
    world.round();
    world.clock.advance(MINUTE);
    world.directory("").set_mtime(&name("a"), world.clock.now()).expect("set");
    let scanned = world.round();
    assert_eq!(scanned.counts.files_opened, 1);
    assert_eq!(planned(&scanned), Vec::<String>::new(), "metadata only");
    assert_eq!(scanned.findings.len(), 1);
}

#[test]
fn a_restored_tree_with_new_ctimes_and_inodes_is_read_once_and_nothing_changed() {
    let mut world = World::new(&["a=1", "d/b=2", "d/e/c=3"]);
    world.round();
    world.clock.advance(MINUTE);
    world.fs.renew_ctimes();
    world.fs.renumber_inodes();
    world.clock.advance(MINUTE);
    let restored = world.round();
    assert_eq!(restored.counts.files_opened, 3);
    assert!(restored.findings.is_empty(), "{:?}", restored.findings);
    assert_eq!(opened(&mut world, 1), [0]);
}

#[test]
fn a_whole_tree_made_anew_with_the_same_times_is_read_and_nothing_changed() {
    let mut world = World::new(&["d/a=1"]);
    world.round();
    let old = world.directory("d").stat(&name("a")).expect("there");
    let directory_time = world.directory("d").own_stat().expect("there").mtime;
    world.clock.advance(MINUTE);
    world.remove("d/a");
    copy_of(&world.fs, "d/a", "1", old.mtime, old.mode);
    world.directory("d").set_own_mtime(directory_time).expect("set");
    let scanned = world.round();
    assert_eq!(scanned.counts.files_opened, 1);
    assert_eq!(planned(&scanned), Vec::<String>::new());
}

/// As `cp -a` makes it.
fn copy_of(fs: &Memory, path: &str, text: &str, mtime: Timestamp, mode: u16) {
    write(fs, &format!("{path}={text}"));
    let (parent, last) = parent_of(fs, path);
    parent.open_file_for_writing(&name(last)).and_then(|file| file.set_mode(mode)).expect("a file");
    parent.set_mtime(&name(last), mtime).expect("set");
}

#[test]
fn bytes_are_read_twice_only_where_they_are_new_and_their_number_is_not() {
    let mut world = World::new(&["same=old", "new=old", "longer=old"]);
    world.round();
    world.clock.advance(MINUTE);
    let reads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reads);
    ["same=old", "new=new", "longer=longer"].iter().for_each(|item| world.write(item));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read {
            seen.lock().expect("no holder of this lock panics").push(operation.path.clone());
        }
        None
    })));
    world.round();
    let expected: [&[u8]; 4] = [b"/s/longer", b"/s/new", b"/s/new", b"/s/same"];
    assert_eq!(*reads.lock().expect("no holder of this lock panics"), expected);
}

#[test]
fn a_full_round_reads_everything_and_records_that_it_did() {
    let mut world = World::new(&["a=1", "d/b=2"]);
    world.round();
    world.rules.full = true;
    world.clock.advance(MINUTE);
    let full = world.round();
    assert_eq!(full.counts.files_opened, 2);
    assert!(full.findings.is_empty(), "{:?}", full.findings);
    assert_eq!(world.rows.reading("a").verified, world.clock.now());
}

#[test]
fn a_full_round_finds_a_silent_write_and_says_that_it_was_silent() {
    let mut world = World::new(&["a=old", "b=2"]);
    world.round();
    world.fs.write_silently(Path::new("/s/a"), b"new", 0).expect("written");
    assert!(world.round().findings.is_empty(), "stat cannot see it");
    world.rules.full = true;
    let found = world.scan().expect("a scan");
    assert_eq!((planned(&found), silent(&found)), (vec!["Modify a".to_owned()], vec!["a".to_owned()]));
    assert_eq!(silent(&world.scan().expect("a scan")), ["a"], "read again, and still known");
    world.rules.full = false;
    let found = world.round();
    assert_eq!(
        (silent(&found), found.counts.files_opened),
        (vec!["a".to_owned()], 0),
        "not delivered, and still known"
    );
    assert!(world.round().findings.is_empty());
    world.clock.advance(MINUTE);
    world.write("a=two");
    world.clock.advance(MINUTE);
    let edited = world.round();
    assert_eq!((planned(&edited), silent(&edited)), (vec!["Modify a".to_owned()], vec![]), "stat sees this one");
}

#[test]
fn an_edit_within_the_step_of_the_stamps_is_not_silent() {
    let mut world = World::new(&[]);
    world.fs = world.fs.clone().with_granularity(Duration::from_secs(1));
    world.write("a=1");
    world.round();
    world.write("a=2");
    world.clock.advance(MINUTE);
    let found = world.round();
    assert_eq!(world.rows.reading("a").trust, Trust::Proven);
    assert_eq!((planned(&found), silent(&found)), (vec!["Modify a".to_owned()], vec![]));
}

/// The paths that changed although their evidence did not.
pub(super) fn silent(scanned: &crate::Scanned) -> Vec<String> {
    let path = |finding: &crate::Finding| match finding {
        crate::Finding::Present { path, silent: true, .. } => Some(path.to_string()),
        _ => None,
    };
    scanned.findings.iter().filter_map(path).collect()
}
