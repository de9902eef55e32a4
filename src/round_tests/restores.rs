//! Restoring and undoing, in process: whatever a random history was, every tree of it comes back, and every round of it
//! can be undone.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Entry, RelPath};
use restorer::{Deed, Listener, Rules, Run, Span, UndoError, restore, undo, undo_in_parts};
use seams::fs::Fs;
use seams::memory::OperationKind;
use seams::parallel::Parallel;
use seams::random::Random;

use super::world::{Kind, SOURCE, World, write};
use crate::past::MirrorPast;

/// A tree by path.
pub(super) type Entries = BTreeMap<RelPath, Entry>;

/// Remembers the problems.
#[derive(Debug, Default)]
struct Problems(Mutex<Vec<String>>);

impl Listener for Problems {
    fn did(&self, _path: &RelPath, _is_directory: bool, _deed: Deed) {}

    fn problem(&self, path: &RelPath, reason: &str) {
        self.0.lock().expect("not poisoned").push(format!("{path}: {reason}"));
    }

    fn expects(&self, _bytes: u64) {}

    fn fetched(&self, _bytes: u64) {}
}

/// Does something with a run into a directory; the problems there were.
pub(super) fn run<T>(world: &World, into: &str, act: impl FnOnce(&Run<'_>) -> T) -> (T, Vec<String>) {
    static STOP: AtomicBool = AtomicBool::new(false);
    let caller = world.caller();
    world.fs.make_directory(Path::new(into)).expect("made");
    let listener = Problems::default();
    let run = Run {
        past: &MirrorPast { caller: &caller, mirror: World::mirror() },
        root: Some(world.fs.open_root(Path::new(into)).expect("there")),
        rules: Rules::default(),
        listener: &listener,
        files: Parallel::in_order(),
        stop: &STOP,
    };
    let done = act(&run);
    (done, listener.0.into_inner().expect("not poisoned"))
}

/// What the source was after a round, and the mirror's revision then. A round may make several.
struct After {
    revision: u64,
    tree: Entries,
}

/// A world after random rounds that changed something, and what came of each; first comes the beginning.
fn history(seed: u64, rounds: usize) -> (World, Vec<After>) {
    let world = World::with(seed, Kind::Tree);
    let mut all = vec![After { revision: 0, tree: Entries::new() }];
    write(&world, "kept", "always there");
    while all.len() <= rounds {
        for _ in 0..1 + world.below(6) {
            world.edit();
            world.clock.advance(Duration::from_millis(world.random.below(30)));
        }
        let revision = world.good_round().revision;
        if all.last().is_some_and(|last| last.revision < revision) {
            all.push(After { revision, tree: world.in_source() });
        }
    }
    (world, all)
}

fn below(tree: &Entries, path: &RelPath) -> Entries {
    let is_meant = |at: &&RelPath| *at == path || at.is_below(path);
    tree.iter().filter(|(at, _)| is_meant(at)).map(|(at, entry)| (at.clone(), entry.clone())).collect()
}

#[test]
fn of_200_random_rounds_any_tree_and_any_path_comes_back_bit_exact_with_times_and_modes() {
    let (world, rounds) = history(11, 200);
    let pick = || &rounds[1 + world.below(rounds.len() as u64 - 1)];
    for number in 0..5 {
        let After { revision, tree } = pick();
        let into = format!("/tree{number}");
        let (done, problems) = run(&world, &into, |run| restore(run, *revision, &[]));
        done.expect("goes well");
        assert_eq!((&world.on_disk(&into), problems), (tree, vec![]), "revision {revision}");
    }
    for number in 0..50 {
        let After { revision, tree } = pick();
        let paths: Vec<&RelPath> = tree.keys().collect();
        let path = paths[world.below(paths.len() as u64)].clone();
        let into = format!("/path{number}");
        let (done, problems) = run(&world, &into, |run| restore(run, *revision, std::slice::from_ref(&path)));
        done.expect("goes well");
        assert_eq!(problems, Vec::<String>::new(), "{path} at {revision}");
        assert_eq!(below(&world.on_disk(&into), &path), below(tree, &path), "{path} at {revision}");
    }
}

fn undone(world: &World, span: Span) -> Vec<String> {
    let (done, problems) = run(world, SOURCE, |run| undo(run, span));
    done.expect("goes well");
    problems
}

#[test]
fn twenty_rounds_are_undone_one_after_another_back_to_the_beginning() {
    for seed in 0..15 {
        let (world, rounds) = history(seed, 20);
        let head = rounds[20].revision;
        for pair in rounds.windows(2).rev() {
            let span = Span { before: pair[0].revision, after: pair[1].revision, head };
            let problems = undone(&world, span);
            assert_eq!((&world.in_source(), problems), (&pair[0].tree, vec![]), "seed {seed}, {span:?}");
        }
    }
}

#[test]
fn what_is_too_much_at_once_is_undone_in_parts_with_the_same_result() {
    let mut in_parts = 0;
    for seed in 0..15 {
        let (world, rounds) = history(seed, 12);
        let span = Span { before: rounds[2].revision, after: rounds[12].revision, head: rounds[12].revision };
        let changes = |before, after| {
            let (told, _) = run(&world, SOURCE, |run| run.past.changes(before, after, usize::MAX));
            told.expect("is told").expect("all of it").len()
        };
        // As many as the largest revision has: it cannot be taken apart.
        let most = (span.before..span.after).map(|before| changes(before, before + 1)).max().expect("there are some");
        in_parts += u32::from(changes(span.before, span.after) > most);
        let (done, problems) = run(&world, SOURCE, |run| undo_in_parts(run, span, most));
        done.expect("goes well");
        assert_eq!((world.in_source(), problems), (rounds[2].tree.clone(), vec![]), "seed {seed}, {most} at once");
    }
    assert!(in_parts > 5, "only {in_parts} were too much at once");
}

#[test]
fn a_single_revision_that_is_too_much_is_named() {
    let (world, rounds) = history(1, 2);
    let span = Span { before: rounds[1].revision, after: rounds[1].revision + 1, head: rounds[2].revision };
    let (done, _) = run(&world, SOURCE, |run| undo_in_parts(run, span, 0));
    assert!(matches!(done, Err(UndoError::TooMany)), "{done:?}");
    assert_eq!(world.in_source(), rounds[2].tree, "nothing was touched");
}

/// Whatever breaks down at whatever point, and stays broken: the next run ends what this one began.
#[test]
fn an_undo_that_breaks_off_anywhere_is_gone_on_with() {
    for seed in 20..24 {
        for fails_at in 1.. {
            let (world, rounds) = history(seed, 2);
            let span = Span { before: rounds[1].revision, after: rounds[2].revision, head: rounds[2].revision };
            let operations = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&operations);
            world.fs.set_fault_hook(Some(Arc::new(move |operation| {
                let ours = operation.path.starts_with(SOURCE.as_bytes()) && operation.kind != OperationKind::OpenRoot;
                let number = if ours { count.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
                (number >= fails_at).then(|| io::Error::from_raw_os_error(5))
            })));
            drop(run_broken(&world, span));
            world.fs.set_fault_hook(None);
            let problems = undone(&world, span);
            assert_eq!((&world.in_source(), problems), (&rounds[1].tree, vec![]), "seed {seed}, operation {fails_at}");
            if operations.load(Ordering::Relaxed) < fails_at {
                break;
            }
        }
    }
}

/// A run whose disk fails on the way; opening the root comes before that.
fn run_broken(world: &World, span: Span) -> Vec<String> {
    let (_, problems) = run(world, SOURCE, |run| undo(run, span).is_ok());
    problems
}

/// Both versions have one length and one mtime; only ctime told of the change.
#[test]
fn what_looks_unchanged_is_undone_by_its_bytes() {
    let world = World::with(0, Kind::Tree);
    write(&world, "a", "old");
    world.clock.advance(Duration::from_secs(100));
    let before = world.good_round().revision;
    let kept = world.in_source();
    let time = kept.values().next().expect("is there").metadata().mtime;
    write(&world, "a", "new");
    let source = world.fs.open_root(Path::new(SOURCE)).expect("there");
    source.set_mtime(&protocol::Name::parse(b"a").expect("valid"), time).expect("set");
    world.clock.advance(Duration::from_secs(100));
    let after = world.good_round().revision;
    assert_eq!(undone(&world, Span { before, after, head: after }), Vec::<String>::new());
    assert_eq!(world.in_source(), kept);
}
