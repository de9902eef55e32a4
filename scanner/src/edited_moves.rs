//! Files that were renamed and edited between two rounds: neither path nor content tells, only the inode, and that only if
//! it is still the same file's.
//!
//! Numbers of inodes are given again at once. Whoever has this one now is the file that was recorded under it only if it
//! came to be no later than the ctime that was recorded; both stamps are of the file system's own clock. A wrong guess
//! would cost a line of history, never bytes: a move and what is in it are delivered like a delete and a create.

use std::collections::{HashMap, HashSet};

use protocol::{ContentId, Entry, RelPath};

use crate::finding::Finding;

/// Tells of files that are gone, and whose inodes are found under new paths with other contents, as moved. Whatever can
/// be matched by its content is left to that.
pub(crate) fn tell_edited_moves(findings: &mut Vec<Finding>, is_older: impl Fn(&RelPath, u64) -> bool) {
    let Some(mut gone) = Some(unmatched_gone(findings)).filter(|gone| !gone.is_empty()) else { return };
    let vacated = vacated(findings);
    let mut left = HashSet::new();
    for finding in findings.iter_mut() {
        let Some((path, now, inode)) = new_file(finding, &vacated) else { continue };
        if !gone.contains_key(&inode) || !is_older(path, inode) {
            continue;
        }
        if let Some((from, was)) = gone.remove(&inode) {
            left.insert(from.clone());
            *finding = Finding::Moved { from, to: path.clone(), was, now: now.clone(), old_inode: Some(inode), inode };
        }
    }
    findings.retain(|finding| !matches!(finding, Finding::Gone { path, .. } if left.contains(path)));
}

/// Files that are gone and whose contents arrived nowhere, by their inodes; of several names the first. Empty files are
/// never matched.
fn unmatched_gone(findings: &[Finding]) -> HashMap<u64, (RelPath, Entry)> {
    let arrived: HashSet<ContentId> = findings.iter().filter_map(arrived).collect();
    let mut gone = HashMap::new();
    for finding in findings {
        let Finding::Gone { path, was, old_inode: Some(inode) } = finding else { continue };
        if was.content().is_some_and(|(content, size)| size > 0 && !arrived.contains(&content)) {
            gone.entry(*inode).or_insert_with(|| (path.clone(), was.clone()));
        }
    }
    gone
}

fn arrived(finding: &Finding) -> Option<ContentId> {
    let Finding::Present { now, .. } = finding else { return None };
    now.content().map(|(content, _)| content)
}

/// Contents that are not any more where they were.
fn vacated(findings: &[Finding]) -> HashSet<ContentId> {
    let left = findings.iter().filter_map(Finding::left_behind);
    left.filter_map(Entry::content).map(|(content, _)| content).collect()
}

/// A file at a path at which the mirror has nothing, with a content that was not elsewhere.
fn new_file<'a>(finding: &'a Finding, vacated: &HashSet<ContentId>) -> Option<(&'a RelPath, &'a Entry, u64)> {
    let Finding::Present { path, was: None, now, inode, .. } = finding else { return None };
    now.content().filter(|(content, _)| !vacated.contains(content)).map(|_| (path, now, *inode))
}
