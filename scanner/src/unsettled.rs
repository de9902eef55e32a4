//! What a round would end at the mirror, and what is held back while the source moves about. Pure.

use std::collections::BTreeSet;

use protocol::{Entry, Kind, RelPath};

use crate::finding::Finding;
use crate::moves::Moves;

/// The places whose content or link ends at the mirror with these findings, and was found nowhere else. A file
/// written in place has ended, whatever moves; one that another file has replaced may be elsewhere. Sorts the findings.
pub(crate) fn ended(findings: &mut [Finding]) -> BTreeSet<RelPath> {
    if !findings.iter().any(may_end) {
        return BTreeSet::new();
    }
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    let moves = Moves::among(findings);
    let ended = findings.iter().filter(|finding| may_end(finding) && !moves.leaves(finding.path()));
    ended.map(|finding| finding.path().clone()).collect()
}

fn may_end(finding: &Finding) -> bool {
    match finding {
        Finding::Gone { was, .. } => was.kind() != Kind::Directory,
        Finding::Present { was: Some(was), now, old_inode, inode, .. } => {
            let had_bytes = was.content().is_some_and(|(_, size)| size > 0);
            let is_same_file = now.kind() == Kind::File && *old_inode == Some(*inode);
            had_bytes && !was.same_content(now) && !is_same_file
        }
        Finding::Present { .. } | Finding::Moved { .. } | Finding::Problem { .. } | Finding::Deferred { .. } => false,
    }
}

/// Takes out whatever ends something, with what needs its place; gives the topmost paths of it. What a move brought to
/// a place that is held back stays where it was, too.
pub(crate) fn hold_back(findings: &mut Vec<Finding>) -> Vec<RelPath> {
    let mut held = BTreeSet::new();
    loop {
        let ended = ended(findings);
        if ended.is_empty() {
            return topmost(held);
        }
        held.extend(ended);
        let directories: BTreeSet<RelPath> = findings
            .iter()
            .filter(|finding| goes_with_what_is_in_it(finding, &held))
            .map(|f| f.path().clone())
            .collect();
        held.extend(directories);
        findings.retain(|finding| !held.contains(finding.path()) && !stands_on(finding, &held));
    }
}

/// Whether this directory goes, and something that is held back is in it.
fn goes_with_what_is_in_it(finding: &Finding, held: &BTreeSet<RelPath>) -> bool {
    let goes = match finding {
        Finding::Gone { was, .. } => was.kind() == Kind::Directory,
        Finding::Present { was: Some(Entry::Directory { .. }), now, .. } => now.kind() != Kind::Directory,
        Finding::Present { .. } | Finding::Moved { .. } | Finding::Problem { .. } | Finding::Deferred { .. } => false,
    };
    let mut after = held.range(finding.path()..).filter(|path| *path != finding.path());
    goes && after.next().is_some_and(|path| path.is_below(finding.path()))
}

/// Whether this is new in a directory that takes a place which is held back.
fn stands_on(finding: &Finding, held: &BTreeSet<RelPath>) -> bool {
    let is_new = matches!(finding, Finding::Present { was: None, .. });
    is_new && finding.path().ancestors().any(|above| held.contains(&above))
}

fn topmost(paths: BTreeSet<RelPath>) -> Vec<RelPath> {
    let mut topmost: Vec<RelPath> = Vec::new();
    for path in paths {
        if !topmost.last().is_some_and(|above| path.is_below(above)) {
            topmost.push(path);
        }
    }
    topmost
}

#[cfg(test)]
#[path = "unsettled_tests.rs"]
mod tests;
