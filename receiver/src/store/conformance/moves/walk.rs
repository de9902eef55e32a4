//! [`Walk`]: one mirror led from tree to tree, each step one batch, each revision remembered.

use protocol::{Change, Head, RelPath, Tree};

use super::identity::{Identity, Wording, changes, identities};
use super::maps::NAMES;
use super::trees::shown;
use crate::store::conformance::peer::{Peer, file, path};

/// What is looked at after each step, with the tree that must be there.
pub(crate) type AfterEach<'a> = dyn FnMut(&Tree) + 'a;

/// Of so many revisions each is compared with one before it.
const STRIDE: usize = 7;

/// A mirror, and all its revisions.
pub(crate) struct Walk<'a> {
    pub(crate) peer: Peer<'a>,
    trees: Vec<(Head, Tree)>,
}

/// All ordered pairs of some trees, each with itself among them, so that each begins where the one before ended.
pub(crate) fn pairs_in_a_row(trees: &[Tree]) -> Vec<(&Tree, &Tree)> {
    let mut row = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        row.extend([tree, tree]);
        row.extend(trees[at + 1..].iter().flat_map(|other| [other, tree]));
    }
    row.windows(2).map(|pair| (pair[0], pair[1])).collect()
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
    pub(crate) fn step(&mut self, changes: &[Change], after_each: &mut AfterEach<'_>) {
        let result = self.tree().apply(changes).expect("a good batch");
        let head = self.peer.deliver(changes);
        after_each(&result);
        assert_eq!(self.peer.tree_at(head.number), result, "{changes:#?}");
        self.trees.push((head, result));
    }

    /// To a tree, by the changes of an identity.
    pub(crate) fn to(&mut self, new: &Tree, identity: &Identity, wording: Wording, after_each: &mut AfterEach<'_>) {
        let changes = changes(self.tree(), new, identity, wording);
        let was = shown(self.tree());
        self.step(&changes, &mut |tree| {
            assert_eq!(tree, new, "from {was}: {changes:#?}");
            after_each(tree);
        });
    }

    /// From one tree to another by one of their identities: another one for each number.
    pub(crate) fn to_some_identity(&mut self, old: &Tree, new: &Tree, number: usize, after_each: &mut AfterEach<'_>) {
        assert_eq!(self.tree(), old, "steps follow each other");
        let identities = identities(old, new);
        // Those at the end have most in common. Multiplied so that neighbouring pairs do not take alike ones.
        let identity = &identities[identities.len() - 1 - number * 7_919 % identities.len()];
        let wording = if number.is_multiple_of(2) { Wording::Apart } else { Wording::Together };
        self.to(new, identity, wording, after_each);
    }

    /// From wherever it is to files of different contents under the names of a map, and on by that map.
    pub(crate) fn map(&mut self, map: &[Option<usize>], after_each: &mut AfterEach<'_>) {
        for wording in [Wording::Apart, Wording::Together] {
            let from = files((0..map.len()).map(|at| (at, at)));
            let gone_elsewhere = Identity::new();
            self.to(&from, &gone_elsewhere, Wording::Apart, &mut |_| {});
            let mapped = || map.iter().enumerate().filter_map(|(at, to)| Some((at, (*to)?)));
            let identity = mapped().map(|(at, to)| (path(NAMES[at]), path(NAMES[to]))).collect();
            self.to(&files(mapped()), &identity, wording, after_each);
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
