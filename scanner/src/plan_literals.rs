//! Trees as literals and at random: for tests of what is pure.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{Change, ContentId, Entry, Kind, LinkTarget, Metadata, RelPath, Timestamp, Tree};

/// A tree as a literal: `a/` a directory, `a=text` a file, `a>target` a symlink; `#n` at the end is its inode.
pub(crate) type Literal = BTreeMap<RelPath, (Entry, u64)>;

pub(crate) fn path(text: &str) -> RelPath {
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

pub(crate) fn literal(items: &[&str]) -> Literal {
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

pub(crate) fn tree(literal: &Literal) -> Tree {
    let mut tree = Tree::new();
    for (path, (entry, _)) in literal {
        tree.insert(path.clone(), entry.clone());
    }
    tree
}

pub(crate) fn lines(changes: &[Change]) -> Vec<String> {
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

/// A tree in one line, for messages.
pub(crate) fn words(literal: &Literal) -> String {
    let word = |(path, (entry, inode)): (&RelPath, &(Entry, u64))| match entry.content() {
        Some((_, size)) => format!("{path}={size}#{inode} "),
        None => format!("{path}{}#{inode} ", if entry.kind() == Kind::Directory { "/" } else { ">" }),
    };
    literal.iter().map(word).collect()
}

/// How many pairs of trees are tried, by `ROUNDSMAN_TEST_SIZE`: `quick`, which is the default, `full` or `long`.
pub(crate) fn cases() -> ProptestConfig {
    size(5_000, 150_000, 2_500_000)
}

/// The same for what does not go wrong in as many ways.
pub(crate) fn fewer_cases() -> ProptestConfig {
    size(5_000, 20_000, 200_000)
}

fn size(quick: u32, full: u32, long: u32) -> ProptestConfig {
    let cases = match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => full,
        Ok("long") => long,
        _ => quick,
    };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Trees over few names and contents, so that everything collides with everything.
pub(crate) fn trees() -> impl Strategy<Value = Literal> {
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
