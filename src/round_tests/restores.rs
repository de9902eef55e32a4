//! Restoring and undoing, in process: whatever a random history was, every tree of it comes back, and every round of it
//! can be undone.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Entry, RelPath};
use restorer::{Deed, Listener, Rules, Run, Span, restore, undo};
use seams::clock::Clock;
use seams::fs::Fs;
use seams::parallel::Parallel;
use seams::random::Random;
use uploader::{Caller, RetryPolicy, Transport};

use super::world::{Kind, SOURCE, World, write};
use crate::past::MirrorPast;

/// A tree by path.
type Entries = BTreeMap<RelPath, Entry>;

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
fn run<T>(world: &World, into: &str, act: impl FnOnce(&Run<'_>) -> T) -> (T, Vec<String>) {
    static STOP: AtomicBool = AtomicBool::new(false);
    let caller = Caller::new(
        Arc::clone(&world.transport) as Arc<dyn Transport>,
        Arc::clone(&world.clock) as Arc<dyn Clock>,
        Arc::clone(&world.random) as Arc<dyn Random>,
        RetryPolicy::default(),
        Arc::new(AtomicBool::new(false)),
    );
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

/// A world after random rounds, and its source after each revision.
fn history(seed: u64, rounds: u64) -> (World, Vec<Entries>) {
    let world = World::with(seed, Kind::Tree);
    let mut trees = vec![Entries::new()];
    write(&world, "kept", "always there");
    while (trees.len() as u64) <= rounds {
        for _ in 0..1 + world.below(6) {
            world.edit();
            world.clock.advance(Duration::from_millis(world.random.below(30)));
        }
        let revision = world.good_round().revision;
        trees.resize(usize::try_from(revision + 1).expect("small"), world.in_source());
    }
    (world, trees)
}

fn below(tree: &Entries, path: &RelPath) -> Entries {
    let is_meant = |at: &&RelPath| *at == path || at.is_below(path);
    tree.iter().filter(|(at, _)| is_meant(at)).map(|(at, entry)| (at.clone(), entry.clone())).collect()
}

#[test]
fn of_200_random_rounds_any_tree_and_any_path_comes_back_bit_exact_with_times_and_modes() {
    let (world, trees) = history(11, 200);
    for number in 0..5 {
        let revision = 1 + world.below(trees.len() as u64 - 1);
        let into = format!("/tree{number}");
        let (done, problems) = run(&world, &into, |run| restore(run, revision as u64, &[]));
        done.expect("goes well");
        assert_eq!((world.on_disk(&into), problems), (trees[revision].clone(), vec![]), "revision {revision}");
    }
    for number in 0..50 {
        let revision = 1 + world.below(trees.len() as u64 - 1);
        let paths: Vec<&RelPath> = trees[revision].keys().collect();
        let path = paths[world.below(paths.len() as u64)].clone();
        let into = format!("/path{number}");
        let (done, problems) = run(&world, &into, |run| restore(run, revision as u64, std::slice::from_ref(&path)));
        done.expect("goes well");
        assert_eq!(problems, Vec::<String>::new(), "{path} at {revision}");
        assert_eq!(below(&world.on_disk(&into), &path), below(&trees[revision], &path), "{path} at {revision}");
    }
}

fn undone(world: &World, revision: u64, head: u64) -> Vec<String> {
    let span = Span { before: revision - 1, after: revision, head };
    let (done, problems) = run(world, SOURCE, |run| undo(run, span));
    done.expect("goes well");
    problems
}

#[test]
fn twenty_rounds_are_undone_one_after_another_back_to_the_beginning() {
    for seed in 0..15 {
        let (world, trees) = history(seed, 20);
        let head = trees.len() as u64 - 1;
        for revision in (1..=head).rev() {
            let problems = undone(&world, revision, head);
            let before = &trees[usize::try_from(revision - 1).expect("small")];
            assert_eq!((&world.in_source(), problems), (before, vec![]), "seed {seed}, revision {revision}");
        }
        world.good_round();
    }
}

/// Whatever breaks down at whatever point, and stays broken: the next run ends what this one began.
#[test]
fn an_undo_that_breaks_off_anywhere_is_gone_on_with() {
    for seed in 20..24 {
        for fails_at in 1.. {
            let (world, trees) = history(seed, 2);
            let head = trees.len() as u64 - 1;
            let operations = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&operations);
            world.fs.set_fault_hook(Some(Arc::new(move |operation| {
                let ours = operation.path.starts_with(SOURCE.as_bytes());
                let number = if ours { count.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
                (number >= fails_at).then(|| io::Error::from_raw_os_error(5))
            })));
            let span = Span { before: head - 1, after: head, head };
            drop(run_broken(&world, span));
            world.fs.set_fault_hook(None);
            let problems = undone(&world, head, head);
            let before = &trees[usize::try_from(head - 1).expect("small")];
            assert_eq!((&world.in_source(), problems), (before, vec![]), "seed {seed}, operation {fails_at}");
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
