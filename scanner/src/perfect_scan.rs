//! What a perfect scan finds between two trees, with inodes and without: for tests of what is pure.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Kind, RelPath};

use crate::directory_moves::infer;
use crate::finding::Finding;
use crate::plan_literals::Literal;

/// Which directories of a new tree are which of an old one, whatever their paths: by the new path, each old one once.
pub(crate) type Claims = BTreeMap<RelPath, RelPath>;

/// The directories with equal inodes.
pub(crate) fn claims_by_inode(old: &Literal, new: &Literal) -> Claims {
    let is_directory = |literal: &Literal, path: &RelPath| literal[path].0.kind() == Kind::Directory;
    let mut by_inode: BTreeMap<u64, &RelPath> = BTreeMap::new();
    for (path, (_, inode)) in old.iter().filter(|(path, _)| is_directory(old, path)) {
        by_inode.entry(*inode).or_insert(path);
    }
    let directories = new.iter().filter(|(path, _)| is_directory(new, path));
    directories.filter_map(|(path, (_, inode))| Some((path.clone(), by_inode.remove(inode)?.clone()))).collect()
}

/// What is found if inodes tell which directories are which, or else the files in them.
pub(crate) fn told(old: &Literal, new: &Literal, by_inode: bool) -> Vec<Finding> {
    let claims = if by_inode { claims_by_inode(old, new) } else { Claims::new() };
    let mut findings = findings_by(old, new, &claims);
    infer(&mut findings);
    findings
}

/// What is found if inodes tell nothing: every path is compared with the same path.
pub(crate) fn findings(old: &Literal, new: &Literal) -> Vec<Finding> {
    findings_by(old, new, &Claims::new())
}

/// What is found if it is known which directories are which.
pub(crate) fn findings_by(old: &Literal, new: &Literal, claims: &Claims) -> Vec<Finding> {
    let scan = PerfectScan { old, claims, claimed: claims.values().collect() };
    let mut origins: BTreeMap<RelPath, RelPath> = BTreeMap::from([(RelPath::root(), RelPath::root())]);
    let mut findings = Vec::new();
    for (path, (now, inode)) in new {
        let origin = scan.origin(path, &origins);
        let was = origin.as_ref().and_then(|origin| old.get(origin));
        let (was, old_inode) = (was.map(|(was, _)| was.clone()), was.map(|(_, inode)| *inode));
        let (path, now, inode) = (path.clone(), now.clone(), *inode);
        match (origin.clone(), was) {
            (Some(from), Some(was)) if scan.place(&path, &origins).as_ref() != Some(&from) => {
                findings.push(Finding::Moved { from, to: path.clone(), was, now, old_inode, inode });
            }
            (_, Some(was)) if was == now => {}
            (origin, was) => {
                let base = origin.filter(|origin| *origin != path);
                findings.push(Finding::Present { path: path.clone(), base, was, now, old_inode, inode, silent: false });
            }
        }
        origins.extend(origin.map(|origin| (path, origin)));
    }
    let kept: BTreeSet<&RelPath> = origins.values().collect();
    for (path, (was, inode)) in old.iter().filter(|(path, _)| !kept.contains(path)) {
        findings.push(Finding::Gone { path: path.clone(), was: was.clone(), old_inode: Some(*inode) });
    }
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    findings
}

struct PerfectScan<'a> {
    old: &'a Literal,
    claims: &'a Claims,
    claimed: BTreeSet<&'a RelPath>,
}

impl PerfectScan<'_> {
    /// The old path of what is at a path now: of a directory that is known, else by its name in its own directory.
    fn origin(&self, path: &RelPath, origins: &BTreeMap<RelPath, RelPath>) -> Option<RelPath> {
        let by_name = || self.place(path, origins).filter(|place| !self.claimed.contains(place));
        self.claims.get(path).cloned().or_else(by_name)
    }

    /// What the old tree has by this name in the same directory.
    fn place(&self, path: &RelPath, origins: &BTreeMap<RelPath, RelPath>) -> Option<RelPath> {
        let (parent, name) = path.split_last().expect("a literal does not name the root");
        let place = origins.get(&parent)?.join(&name).expect("paths in tests are short");
        self.old.contains_key(&place).then_some(place)
    }
}
