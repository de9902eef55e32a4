//! What a round would end at the mirror, and what is held back while the source moves about. Pure.

use std::collections::BTreeSet;

use protocol::{Kind, RelPath};

use crate::directory_moves::infer;
use crate::finding::Finding;
use crate::moves::Moves;
use crate::waiting::Waiting;

/// The places of the base whose content or link ends at the mirror with these findings, and was found nowhere else. A
/// file written in place has ended, whatever moves; one that another file has replaced may be elsewhere. Sorts the
/// findings.
pub(crate) fn ended(findings: &mut [Finding]) -> BTreeSet<RelPath> {
    if !findings.iter().any(may_end) {
        return BTreeSet::new();
    }
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    ended_but_for(&Moves::among(findings), findings)
}

fn ended_but_for(moves: &Moves, findings: &[Finding]) -> BTreeSet<RelPath> {
    let ended = findings.iter().filter(|finding| may_end(finding) && !moves.leaves(finding.base()));
    ended.map(|finding| finding.base().clone()).collect()
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

/// What is held back.
#[derive(Debug)]
pub(crate) struct HeldBack {
    /// The paths of the findings that were taken out.
    pub paths: BTreeSet<RelPath>,
    /// The places to which nothing comes, nor to any below them.
    pub closed: BTreeSet<RelPath>,
}

/// Takes out whatever ends something, with what needs its place. What a move brought to a place that is held back stays
/// where it was, too.
pub(crate) fn hold_back(findings: &mut Vec<Finding>) -> HeldBack {
    findings.sort_by(|a, b| a.path().cmp(b.path()));
    // What is held back below must not make less alike what is.
    infer(findings);
    let moves = Moves::among(findings);
    let waiting = Waiting::around(ended_but_for(&moves, findings), findings, &moves);
    let is_held = |finding: &mut Finding| {
        let is_seen = !matches!(finding, Finding::Problem { .. } | Finding::Deferred { .. });
        is_seen && waiting.keeps(finding)
    };
    let paths = findings.extract_if(.., is_held).map(|finding| finding.path().clone()).collect();
    HeldBack { paths, closed: waiting.into_closed() }
}

/// Those of these paths that lie below none of the others.
pub(crate) fn topmost(paths: BTreeSet<RelPath>) -> Vec<RelPath> {
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
