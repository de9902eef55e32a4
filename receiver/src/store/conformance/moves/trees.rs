//! All small trees, and a short way to write one.

use protocol::{Entry, Name, RelPath, Tree};

use crate::store::conformance::peer::{directory, file, path};

/// The names that entries have.
const NAMES: [&str; 2] = ["a", "b"];
/// The contents that files have.
const CONTENTS: [&str; 2] = ["1", "2"];

/// All trees of up to so many entries: 28 of two, 106 of three.
pub(crate) fn trees(most: usize) -> Vec<Tree> {
    (0..=most).flat_map(|entries| below(&RelPath::root(), NAMES.as_slice(), entries)).map(tree_of).collect()
}

fn tree_of(entries: Vec<(RelPath, Entry)>) -> Tree {
    let mut tree = Tree::new();
    entries.into_iter().for_each(|(path, entry)| tree.insert(path, entry));
    tree
}

/// All ways to have exactly so many entries in a directory, under some of these names.
fn below(at: &RelPath, names: &[&str], entries: usize) -> Vec<Vec<(RelPath, Entry)>> {
    let Some((name, others)) = names.split_first() else {
        return if entries == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let mut all = below(at, others, entries);
    let here = at.join(&Name::parse(name.as_bytes()).expect("a valid name")).expect("a short path");
    for size in 1..=entries {
        for one in rooted(&here, size) {
            let rest = below(at, others, entries - size);
            all.extend(rest.into_iter().map(|rest| one.iter().cloned().chain(rest).collect::<Vec<_>>()));
        }
    }
    all
}

/// All ways to have something of exactly so many entries at a path.
fn rooted(here: &RelPath, entries: usize) -> Vec<Vec<(RelPath, Entry)>> {
    let is_leaf = entries == 1;
    let mut all: Vec<_> =
        CONTENTS.iter().filter(|_| is_leaf).map(|content| vec![(here.clone(), file(content))]).collect();
    for inside in below(here, &NAMES, entries - 1) {
        all.push(std::iter::once((here.clone(), directory())).chain(inside).collect());
    }
    all
}

/// A tree from words: `a/` is a directory, `a=1` a file with a content.
pub(crate) fn written(words: &str) -> Tree {
    let entry = |word: &str| match word.split_once('=') {
        Some((at, content)) => (path(at), file(content)),
        None => (path(word.trim_end_matches('/')), directory()),
    };
    tree_of(words.split_whitespace().map(entry).collect())
}

/// The paths of a tree, for messages.
pub(crate) fn shown(tree: &Tree) -> String {
    let content = |entry: &Entry| entry.content().map(|(content, _)| format!("={}", &content.to_string()[..4]));
    let one = |(path, entry): (&RelPath, &Entry)| format!("{path}{}", content(entry).unwrap_or_else(|| "/".to_owned()));
    tree.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn there_are_106_trees_of_up_to_three_entries_and_no_two_are_the_same() {
    let trees = trees(3);
    assert_eq!(trees.len(), 106);
    assert!((0..trees.len()).all(|at| !trees[..at].contains(&trees[at])));
}
