//! [`take_back`]: which findings of the scratch are not plain after all, for something else in the round depends on them.
//!
//! What is left in the scratch afterwards can be delivered one by one, in the order of the paths, when everything else
//! was but what is deleted: the plan is the same as if it had been made of all findings at once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use protocol::{ContentId, Entry, Name, RelPath};
use seams::scratch::{PAGE, Pages, Plain, Scratch, take_where};

use crate::directory_moves::targets;
use crate::finding::Finding;

/// Takes back, from the scratch into the findings, what a plan of these may need: files that may have moved, new
/// directories above what is planned here, and all that is in a directory that may have moved. Sorts the findings.
///
/// # Errors
/// Where the scratch cannot be read.
pub(crate) fn take_back(findings: &mut Vec<Finding>, scratch: &dyn Scratch) -> io::Result<()> {
    take_what_may_have_moved(findings, scratch)?;
    take_what_is_above(findings, scratch)?;
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    for target in targets(findings) {
        take_what_is_below(&target, findings, scratch)?;
    }
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(())
}

fn take_what_may_have_moved(findings: &mut Vec<Finding>, scratch: &dyn Scratch) -> io::Result<()> {
    let mut left = Left::among(findings);
    if left.is_nothing() {
        return Ok(());
    }
    take_where(scratch, |plain| left.may_be(plain), |plain| findings.push(plain.into()))
}

/// What is not at its place any more.
#[derive(Debug, Default)]
struct Left {
    contents: HashSet<ContentId>,
    /// Files that are gone may be elsewhere with other contents.
    inodes: HashSet<u64>,
    /// Empty files are not matched, but so many of a name that came again do not count as ended.
    empty: HashMap<Name, u64>,
}

impl Left {
    fn among(findings: &[Finding]) -> Self {
        let mut left = Self::default();
        for finding in findings {
            left.inodes.extend(inode_of_gone_file(finding));
            match finding.left_behind() {
                Some(Entry::File { size: 0, .. }) => {
                    let name = finding.base().name().expect("the root is no file");
                    *left.empty.entry(name).or_default() += 1;
                }
                Some(Entry::File { content, .. }) => drop(left.contents.insert(*content)),
                Some(Entry::Directory { .. } | Entry::Symlink { .. }) | None => {}
            }
        }
        left
    }

    fn is_nothing(&self) -> bool {
        self.contents.is_empty() && self.empty.is_empty()
    }

    fn may_be(&mut self, plain: &Plain) -> bool {
        match &plain.now {
            _ if plain.was.is_some() => false,
            Entry::File { .. } if self.inodes.contains(&plain.inode) => true,
            Entry::File { size: 0, .. } => {
                let left = plain.path.name().and_then(|name| self.empty.get_mut(&name)).filter(|left| **left > 0);
                left.map(|left| *left -= 1).is_some()
            }
            Entry::File { content, .. } => self.contents.contains(content),
            Entry::Directory { .. } | Entry::Symlink { .. } => false,
        }
    }
}

/// By what a file is known that was renamed and edited; empty ones are never matched.
fn inode_of_gone_file(finding: &Finding) -> Option<u64> {
    let Finding::Gone { was: Entry::File { size, .. }, old_inode, .. } = finding else { return None };
    old_inode.filter(|_| *size > 0)
}

/// What comes to a path needs the directories above it.
fn take_what_is_above(findings: &mut Vec<Finding>, scratch: &dyn Scratch) -> io::Result<()> {
    let mut above: BTreeSet<RelPath> = BTreeSet::new();
    for finding in findings.iter().filter(|finding| is_there(finding)) {
        let mut parent = finding.path().parent();
        while let Some(directory) = parent.filter(|directory| !directory.is_root() && !above.contains(directory)) {
            parent = directory.parent();
            above.insert(directory);
        }
    }
    let above: Vec<RelPath> = above.into_iter().collect();
    for some in above.chunks(PAGE) {
        findings.extend(scratch.take(some)?.into_iter().map(Finding::from));
    }
    Ok(())
}

fn is_there(finding: &Finding) -> bool {
    matches!(finding, Finding::Present { .. } | Finding::Moved { .. })
}

/// What is in a directory that moved is compared with what was in it.
fn take_what_is_below(top: &RelPath, findings: &mut Vec<Finding>, scratch: &dyn Scratch) -> io::Result<()> {
    loop {
        let below = Pages::after(scratch, Some(top.clone()));
        let below = below.take(PAGE).take_while(|plain| plain.as_ref().map_or(true, |plain| plain.path.is_below(top)));
        let paths: Vec<RelPath> = below.map(|plain| Ok(plain?.path)).collect::<io::Result<_>>()?;
        if paths.is_empty() {
            return Ok(());
        }
        findings.extend(scratch.take(&paths)?.into_iter().map(Finding::from));
    }
}

#[cfg(test)]
#[path = "tangled_tests.rs"]
mod tests;
