//! The laws of batches, for many plans between trees of which one was made of the other by moves, edits and removals:
//! each batch makes a valid tree, all of them together the tree of the plan, and no content is named that need not be.

use std::collections::BTreeSet;

use protocol::{ChangeKind, ContentId, Entry, Kind, RelPath, Tree};
use seams::random::{Random, SeededRandom};

use super::*;
use crate::test_support::World;

/// How many pairs of trees are tried, by `ROUNDSMAN_TEST_SIZE`: `quick`, which is the default, `full` or `long`.
fn pairs() -> u64 {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => 100_000,
        Ok("long") => 2_000_000,
        _ => 8_000,
    }
}

/// Two trees and a plan from the one to the other, of which the seed decides everything.
struct Pair {
    seed: u64,
    old: Tree,
    new: Tree,
    plan: Vec<Change>,
    sizes: Sizes,
}

impl Pair {
    fn of(seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let mut world = World::random(&random, false);
        let old = world.clone();
        (0..=random.below(40)).for_each(|_| world.step(&random));
        let plan = world.plan_since(&old, &random);
        let few = |bound| 1 + usize::try_from(random.below(bound)).expect("a small number");
        let (changes, most) = (few(5), few(4));
        // Every other pair lets circles be as large as they are.
        let max_changes = if seed.is_multiple_of(2) { MAX_BATCH_CHANGES } else { most };
        let sizes = Sizes { changes: changes.min(max_changes), max_changes, ..Sizes::default() };
        Self { seed, old: old.tree(), new: world.tree(), plan, sizes }
    }

    fn check(&self) {
        assert_eq!(self.old.apply(&self.plan).as_ref(), Ok(&self.new), "the test's own plan: {}", self.shown());
        match batches(self.plan.clone(), &self.sizes) {
            Ok(cut) => self.check_batches(&cut),
            Err(entangled) => assert!(self.has_so_large_a_circle(entangled), "{entangled}: {}", self.shown()),
        }
    }

    /// Only directories that move cannot be taken apart.
    fn has_so_large_a_circle(&self, Entangled { changes }: Entangled) -> bool {
        let moves_a_directory = |change: &Change| change.kind() == ChangeKind::Move && change.is_directory();
        self.plan.iter().any(moves_a_directory) && changes > self.sizes.max_changes
    }

    fn check_batches(&self, cut: &[Vec<Change>]) {
        let message = || format!("{cut:#?}\nof {}", self.shown());
        let mut tree = self.old.clone();
        for batch in cut {
            assert!((1..=self.sizes.max_changes).contains(&batch.len()), "{}", message());
            tree = tree.apply(batch).unwrap_or_else(|refused| panic!("{refused:?} of {batch:#?}\nin {}", message()));
            assert!(is_valid(&tree), "{}", message());
        }
        assert_eq!(tree, self.new, "{}", message());
        let named: BTreeSet<ContentId> = cut.iter().flatten().filter_map(Change::entry).filter_map(content).collect();
        let is_in = |tree: &Tree, content: &ContentId| contents(tree).any(|other| other == *content);
        let needless = named.iter().find(|content| !is_in(&self.old, content) && !is_in(&self.new, content));
        assert_eq!(needless, None, "{}", message());
        let arriving: BTreeSet<&RelPath> = arriving(&self.plan).collect();
        assert!(self::arriving(cut.iter().flatten()).all(|path| arriving.contains(path)), "{}", message());
    }

    fn shown(&self) -> String {
        let Self { seed, old, new, plan, sizes } = self;
        format!("seed {seed}, {sizes:?}\nfrom {}\nto {}\nplan {plan:#?}", words(old), words(new))
    }
}

/// Where anything comes or changes.
fn arriving<'a>(changes: impl IntoIterator<Item = &'a Change>) -> impl Iterator<Item = &'a RelPath> {
    changes.into_iter().filter(|change| change.kind() != ChangeKind::Delete).map(Change::path)
}

fn content(entry: &Entry) -> Option<ContentId> {
    entry.content().map(|(content, _)| content)
}

fn contents(tree: &Tree) -> impl Iterator<Item = ContentId> {
    tree.iter().filter_map(|(_, entry)| content(entry))
}

/// Whether everything in a tree lies in a directory.
fn is_valid(tree: &Tree) -> bool {
    let is_directory = |path: &RelPath| tree.get(path).is_some_and(|entry| entry.kind() == Kind::Directory);
    tree.iter().all(|(path, _)| path.parent().is_some_and(|parent| parent.is_root() || is_directory(&parent)))
}

/// A tree in one line: `a/` is a directory, `a=3f` a file with the beginning of its content id.
fn words(tree: &Tree) -> String {
    let word = |(path, entry): (&RelPath, &Entry)| match content(entry) {
        Some(content) => format!("{path}={:02x} ", content.as_bytes()[0]),
        None => format!("{path}/ "),
    };
    tree.iter().map(word).collect()
}

#[test]
fn batches_in_order_make_valid_trees_and_the_last_is_that_of_the_plan() {
    (0..pairs()).for_each(|seed| Pair::of(seed).check());
}
