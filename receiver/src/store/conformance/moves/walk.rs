//! [`Walk`]: one mirror led from tree to tree, each step one batch, each revision remembered.

use protocol::{Change, Head, RelPath, Tree};

use super::identity::{Identity, Wording, changes, identities};
use super::is_long;
use super::knots::knots;
use super::maps::NAMES;
use super::trees::shown;
use crate::store::conformance::peer::{Peer, file, path};

/// What is looked at after each step, with the tree that must be there.
pub(crate) type AfterEach<'a> = dyn FnMut(&Tree) + 'a;

/// Of so many revisions each is compared with one before it.
const STRIDE: usize = 7;
/// Both ways to say it.
const WORDINGS: [Wording; 2] = [Wording::Apart, Wording::Together];

/// A mirror, and all its revisions.
pub(crate) struct Walk<'a> {
    pub(crate) peer: Peer<'a>,
    trees: Vec<(Head, Tree)>,
}

impl<'a> Walk<'a> {
    /// Of a mirror that has nothing yet.
    pub(crate) fn begin(mut peer: Peer<'a>) -> Self {
        for content in ["1", "2"].into_iter().chain(NAMES) {
            peer.knows(content);
        }
        Self { peer, trees: vec![(Head::genesis(), Tree::new())] }
    }

    fn tree(&self) -> &Tree {
        &self.trees.last().expect("begins with the genesis").1
    }

    /// To a tree, by a set of changes.
    fn step(&mut self, changes: &[Change], after_each: &mut AfterEach<'_>) {
        let result = self.tree().apply(changes).expect("a good batch");
        let head = self.peer.deliver(changes);
        after_each(&result);
        self.trees.push((head, result));
    }

    /// To a tree, by the changes of an identity.
    pub(crate) fn go(&mut self, new: &Tree, identity: &Identity, wording: Wording, after_each: &mut AfterEach<'_>) {
        let changes = changes(self.tree(), new, identity, wording);
        let was = shown(self.tree());
        self.step(&changes, &mut |tree| {
            assert_eq!(tree, new, "from {was}: {changes:#?}");
            after_each(tree);
        });
    }

    /// To a tree that has nothing in common with the one before.
    pub(crate) fn go_elsewhere(&mut self, new: &Tree) {
        self.go(new, &Identity::new(), Wording::Apart, &mut |_| {});
    }

    /// From a tree to each of some and back, by one of their identities: now this one, now that one. All of them in
    /// a long run.
    pub(crate) fn pairs(&mut self, hub: &Tree, trees: &[Tree], after_each: &mut AfterEach<'_>) {
        self.go_elsewhere(hub);
        for tree in trees {
            self.by_some_identity(tree, after_each);
            self.by_some_identity(hub, after_each);
        }
    }

    fn by_some_identity(&mut self, new: &Tree, after_each: &mut AfterEach<'_>) {
        let old = self.tree().clone();
        let (number, identities) = (self.trees.len(), identities(&old, new));
        // Multiplied so that neighbouring pairs do not take alike ones.
        let some = number * 7_919 % identities.len();
        let wording = WORDINGS[number / 2 % 2];
        for (_, identity) in identities.iter().enumerate().filter(|(at, _)| *at != some && is_long()) {
            self.go(new, identity, wording, after_each);
            self.go_elsewhere(&old);
        }
        self.go(new, &identities[some], wording, after_each);
    }

    /// Every knot.
    pub(crate) fn knots(&mut self, after_each: &mut AfterEach<'_>) {
        for (knot, wording) in knots().iter().flat_map(|knot| WORDINGS.map(|wording| (knot, wording))) {
            self.go_elsewhere(&knot.old);
            self.go(&knot.new, &knot.identity, wording, after_each);
        }
    }

    /// From wherever it is to files of different contents under the names of a map, and on by that map, worded now
    /// this way, now that way. Both in a long run.
    pub(crate) fn map(&mut self, map: &[Option<usize>], after_each: &mut AfterEach<'_>) {
        let mapped = || map.iter().enumerate().filter_map(|(at, to)| Some((at, (*to)?)));
        let identity = mapped().map(|(at, to)| (path(NAMES[at]), path(NAMES[to]))).collect();
        let number = self.trees.len() / WORDINGS.len() % WORDINGS.len();
        for (_, wording) in WORDINGS.into_iter().enumerate().filter(|(at, _)| *at == number || is_long()) {
            self.go_elsewhere(&files((0..map.len()).map(|at| (at, at))));
            self.go(&files(mapped()), &identity, wording, after_each);
        }
    }

    /// The tree as of every revision, and differences across several, are what they were.
    pub(crate) fn every_revision_is_still_right(&self) {
        for (at, (head, tree)) in self.trees.iter().enumerate() {
            assert_eq!(&self.peer.tree_at(head.number), tree, "revision {}", head.number);
            let (since, old) = &self.trees[at.saturating_sub(at % STRIDE)];
            let changes = self.peer.changes_between(*since, head.number);
            assert_eq!(old.apply(&changes).as_ref(), Ok(tree), "{} to {}: {changes:#?}", since.number, head.number);
        }
    }
}

/// Files whose content tells which they are, under names.
fn files(named: impl Iterator<Item = (usize, usize)>) -> Tree {
    let mut tree = Tree::new();
    for (which, at) in named {
        tree.insert(RelPath::parse(NAMES[at].as_bytes()).expect("a valid name"), file(NAMES[which]));
    }
    tree
}
