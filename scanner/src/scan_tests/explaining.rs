//! What `why` says of a path is what a scan then does with it.

use std::time::Duration;

use protocol::RelPath;
use seams::clock::Clock;
use seams::known::PostponedKind;
use seams::memory::OperationKind;
use seams::recorded::{DirectoryId, Recorded, Row};

use super::world::World;
use crate::explain::{Question, explain};
use crate::explanation::{Explanation, Outcome, Part, Proof, ReadWhy};
use crate::patience;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

/// What is asked of a name in the root.
fn why(world: &World, name: &str) -> Explanation {
    let rows = world.rows.rows(DirectoryId::ROOT).expect("rows");
    let row = rows.iter().find(|row: &&Row| row.name.as_bytes() == name.as_bytes());
    let World { rules, known, filter, clock, .. } = world;
    let (root, path) = (world.directory(""), path(name));
    explain(&Question { root: &root, path: &path, row, rules, known, filter, clock: &**clock })
}

fn outcome(world: &World, name: &str) -> String {
    why(world, name).outcome.to_string()
}

#[test]
fn a_file_is_followed_from_new_to_unchanged_to_edited_to_gone() {
    let mut world = World::new(&["a=1"]);
    assert_eq!(outcome(&world, "a"), "would be read, because it was never read");
    world.round();
    let same = why(&world, "a");
    assert!(matches!(same.outcome, Outcome::Unchanged), "{same:?}");
    assert_eq!((same.differing, same.proof), (vec![], Some(Proof::Clock)));
    world.clock.advance(Duration::from_secs(60));
    world.write("a=22");
    let edited = why(&world, "a");
    assert!(matches!(edited.outcome, Outcome::Read(ReadWhy::Differs)), "{edited:?}");
    assert_eq!(edited.differing, [Part::Size, Part::Mtime, Part::Ctime]);
    world.round();
    let soon = why(&world, "a");
    assert!(matches!(soon.outcome, Outcome::Read(ReadWhy::Unproven)), "{soon:?}");
    assert_eq!(soon.proof, None);
    world.remove("a");
    assert!(matches!(why(&world, "a").outcome, Outcome::Gone));
    assert!(matches!(why(&world, "b").outcome, Outcome::Nowhere));
}

#[test]
fn what_is_left_out_or_special_or_not_to_be_looked_at_is_said_with_the_reason() {
    let mut world = World::new(&["a.tmp=1", "b=2"]);
    world.exclude(&["*.tmp"]);
    world.fs.make_special(std::path::Path::new("/s/fifo")).expect("made");
    assert_eq!(outcome(&world, "a.tmp"), "left out: `*.tmp` in --exclude");
    assert!(matches!(why(&world, "fifo").outcome, Outcome::Special));
    world.fail(OperationKind::Stat, "b", 5);
    assert!(outcome(&world, "b").starts_with("cannot be looked at: "), "{}", outcome(&world, "b"));
}

#[test]
fn what_waits_says_so_and_a_full_round_reads_all() {
    let mut world = World::new(&["a=1"]);
    world.round();
    world.rules.full = true;
    assert!(matches!(why(&world, "a").outcome, Outcome::Read(ReadWhy::Full)));
    world.rules.full = false;
    world.rules.settle = Duration::from_secs(5);
    world.write("a=22");
    assert!(matches!(why(&world, "a").outcome, Outcome::Young));
    let now = world.clock.now();
    let postponed = patience::next(None, now, PostponedKind::Deferred, "it changes".to_owned());
    let until = postponed.next_try;
    world.known.postponed.insert(path("a"), postponed);
    assert!(matches!(why(&world, "a").outcome, Outcome::Waits(moment) if moment == until));
}

#[test]
fn what_was_read_and_not_delivered_waits_too_until_it_has_settled() {
    let mut world = World::new(&["a=1"]);
    world.scan().expect("a scan that delivers nothing");
    assert!(matches!(why(&world, "a").outcome, Outcome::Delivered));
    world.rules.settle = Duration::from_secs(90);
    assert!(matches!(why(&world, "a").outcome, Outcome::Young));
}

#[test]
fn a_directory_is_compared_without_being_read() {
    let mut world = World::new(&["d/"]);
    assert!(matches!(why(&world, "d").outcome, Outcome::Delivered));
    world.round();
    assert!(matches!(why(&world, "d").outcome, Outcome::Unchanged));
}
