use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{ChangeKind, ContentId, LinkTarget, Metadata, Timestamp, Tree};

use super::*;

/// A tree as a literal: `a/` a directory, `a=text` a file, `a>target` a symlink; `#n` at the end is its inode.
type Literal = BTreeMap<RelPath, (Entry, u64)>;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

fn metadata() -> Metadata {
    Metadata { mode: 0o644, ..Metadata::default() }
}

fn entry(text: &str) -> (RelPath, Entry) {
    if let Some(name) = text.strip_suffix('/') {
        return (path(name), Entry::Directory { metadata: metadata() });
    }
    if let Some((name, target)) = text.split_once('>') {
        let target = LinkTarget::parse(target.as_bytes()).expect("valid in this test");
        return (path(name), Entry::Symlink { metadata: metadata(), target });
    }
    let (name, content) = text.split_once('=').expect("a file has a content");
    let content_id = ContentId::of(content.as_bytes());
    (path(name), Entry::File { metadata: metadata(), size: content.len() as u64, content: content_id })
}

fn literal(items: &[&str]) -> Literal {
    let item = |(index, item): (usize, &&str)| {
        let (text, inode) = match item.split_once('#') {
            Some((text, inode)) => (text, inode.parse().expect("an inode is a number")),
            None => (*item, 1_000 + index as u64),
        };
        let (path, entry) = entry(text);
        (path, (entry, inode))
    };
    items.iter().enumerate().map(item).collect()
}

fn tree(literal: &Literal) -> Tree {
    let mut tree = Tree::new();
    for (path, (entry, _)) in literal {
        tree.insert(path.clone(), entry.clone());
    }
    tree
}

/// What a perfect scan would find.
fn findings(old: &Literal, new: &Literal) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (path, (now, inode)) in new {
        let was = old.get(path);
        if was.is_none_or(|(was, _)| was != now) {
            findings.push(Finding::Present {
                path: path.clone(),
                was: was.map(|(was, _)| was.clone()),
                now: now.clone(),
                old_inode: was.map(|(_, inode)| *inode),
                inode: *inode,
                silent: false,
            });
        }
    }
    for (path, (was, inode)) in old.iter().filter(|(path, _)| !new.contains_key(path)) {
        findings.push(Finding::Gone { path: path.clone(), was: was.clone(), old_inode: Some(*inode) });
    }
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    findings
}

fn lines(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Create { path, .. } => format!("+ {path}"),
        Change::Modify { path, .. } => format!("M {path}"),
        Change::Metadata { path, .. } => format!("U {path}"),
        Change::Delete { path } => format!("- {path}"),
        Change::Move { from, to, .. } => format!("R {from} -> {to}"),
        Change::Replace { path, .. } => format!("T {path}"),
    };
    changes.iter().map(line).collect()
}

fn planned(old: &[&str], new: &[&str], expected: &[&str]) {
    let (old, new) = (literal(old), literal(new));
    let changes = plan(&findings(&old, &new));
    assert_eq!(lines(&changes), expected);
    assert_eq!(tree(&old).apply(&changes), Ok(tree(&new)));
}

#[test]
fn nothing_new_is_an_empty_plan() {
    planned(&["a=1", "d/"], &["a=1", "d/"], &[]);
}

#[test]
fn a_file_made_changed_and_removed() {
    planned(&["b=1", "c=2"], &["a=3", "b=4"], &["+ a", "M b", "- c"]);
}

#[test]
fn a_renamed_file_is_one_move() {
    planned(&["a=1#5"], &["b=1#5"], &["R a -> b"]);
}

#[test]
fn two_files_swap_and_three_go_round() {
    planned(&["a=1#1", "b=2#2"], &["a=2#2", "b=1#1"], &["R b -> a", "R a -> b"]);
    let (old, new) = (["a=1#1", "b=2#2", "c=3#3"], ["a=3#3", "b=1#1", "c=2#2"]);
    planned(&old, &new, &["R c -> a", "R a -> b", "R b -> c"]);
}

#[test]
fn a_rename_over_an_existing_file_is_a_move() {
    planned(&["a=1#1", "b=2#2"], &["b=1#1"], &["R a -> b"]);
}

#[test]
fn a_move_and_a_new_file_in_its_place() {
    planned(&["a=1#1"], &["a=2#9", "b=1#1"], &["+ a", "R a -> b"]);
}

#[test]
fn a_copied_and_then_edited_file_is_a_new_one_and_an_edit() {
    planned(&["a=1#1"], &["a=2#1", "b=1#9"], &["M a", "+ b"]);
}

#[test]
fn a_directory_deleted_is_one_line_and_what_moved_out_of_it_another() {
    planned(&["d/", "d/x=1#1", "d/y=2", "d/e/"], &["x=1#1"], &["- d", "R d/x -> x"]);
}

#[test]
fn kinds_replace_each_other() {
    planned(&["a=1"], &["a/", "a/b=2"], &["T a", "+ a/b"]);
    planned(&["a/", "a/b=2", "a/c/"], &["a=1"], &["T a"]);
    planned(&["a/", "a/b=1"], &["a>b"], &["T a"]);
    planned(&["a>b"], &["a>c"], &["M a"]);
}

#[test]
fn a_child_takes_its_directorys_place() {
    planned(&["a/", "a/b=1#1", "a/c=2"], &["a=1#1"], &["- a", "R a/b -> a"]);
}

#[test]
fn a_file_moves_into_a_directory_that_takes_its_name() {
    planned(&["a=1#1"], &["a/", "a/a=1#1"], &["+ a", "R a -> a/a"]);
}

#[test]
fn empty_files_are_never_matched() {
    planned(&["a=#1"], &["b=#1"], &["- a", "+ b"]);
}

#[test]
fn a_problem_or_a_deferral_changes_nothing() {
    let trouble = crate::finding::Trouble::Read(std::io::Error::other("bad"));
    let problem = Finding::Problem { path: path("a"), trouble, hint: None };
    let deferred = Finding::Deferred { path: path("b"), reason: crate::finding::Deferral::Moving, hint: None };
    assert_eq!(plan(&[problem, deferred]), []);
}

/// Trees over few names and contents, so that everything collides with everything.
fn trees() -> impl Strategy<Value = Literal> {
    let item = (0..3usize, 0..3usize, 0..3usize, 0..6u8, 0..4u64, 0..3i64);
    prop::collection::vec(item, 0..12).prop_map(|items| {
        let mut literal = Literal::new();
        for (a, b, depth, kind, content, mtime) in items {
            let names = ["a", "b", "c"];
            let whole = [names[a], names[b], names[(a + b) % 3]][..=depth].join("/");
            let (whole, metadata) = (path(&whole), Metadata { mtime: Timestamp::from_nanos(mtime / 2), ..metadata() });
            let inode = content + 10 * (mtime.unsigned_abs());
            if whole.ancestors().skip(1).any(|above| !matches!(literal.get(&above), Some((Entry::Directory { .. }, _))))
            {
                continue;
            }
            literal.retain(|below, _| !below.is_below(&whole));
            let bytes = vec![b'x'; usize::try_from(content).expect("small")];
            let entry = match kind {
                0 | 1 => Entry::Directory { metadata },
                2 => Entry::Symlink { metadata, target: LinkTarget::parse(b"t").expect("valid") },
                _ => Entry::File { metadata, size: content, content: ContentId::of(&bytes) },
            };
            literal.insert(whole, (entry, inode));
        }
        literal
    })
}

/// Each move as a delete and a create: the law says that the mirror is the same.
fn without_moves(changes: &[Change], old: &Tree) -> Vec<Change> {
    let moved_from: BTreeSet<&RelPath> =
        changes.iter().filter_map(|c| if let Change::Move { from, .. } = c { Some(from) } else { None }).collect();
    let deleted =
        |at: &RelPath| changes.iter().any(|c| matches!(c, Change::Delete { path } if at == path || at.is_below(path)));
    let replaced =
        |at: &RelPath| changes.iter().any(|c| matches!(c, Change::Replace { path, .. } if at.is_below(path)));
    let mut plain = Vec::new();
    for change in changes {
        match change {
            Change::Move { from, to, entry } => {
                if !deleted(from) && !replaced(from) {
                    plain.push(Change::Delete { path: from.clone() });
                }
                if old.get(to).is_some() && !moved_from.contains(to) && !deleted(to) {
                    plain.push(Change::Delete { path: to.clone() });
                }
                plain.push(Change::Create { path: to.clone(), entry: entry.clone() });
            }
            other => plain.push(other.clone()),
        }
    }
    plain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn the_plan_applied_to_the_old_tree_gives_the_new_one(old in trees(), new in trees()) {
        let changes = plan(&findings(&old, &new));
        prop_assert_eq!(tree(&old).apply(&changes), Ok(tree(&new)));
        prop_assert_eq!(&changes, &plan(&findings(&old, &new)), "the same input gives the same plan");
        prop_assert!(changes.iter().is_sorted_by_key(Change::path));
    }

    #[test]
    fn replacing_every_move_by_delete_and_create_gives_the_same_tree(old in trees(), new in trees()) {
        let changes = plan(&findings(&old, &new));
        let plain = without_moves(&changes, &tree(&old));
        prop_assert!(plain.iter().all(|change| change.kind() != ChangeKind::Move));
        prop_assert_eq!(tree(&old).apply(&plain), Ok(tree(&new)));
    }
}
