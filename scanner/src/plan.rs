//! The plan: findings become changes. Pure; the same findings give the same plan, sorted by path.
//!
//! A move is an optimisation: replacing each by a delete and a create gives the same mirror.

use std::collections::BTreeSet;

use protocol::{Change, Entry, Kind, RelPath};

use crate::finding::Finding;
use crate::moves::Moves;
use crate::waiting::Waiting;

/// What a round is to deliver, before any guard has spoken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// What makes the mirror as the source was found, sorted by path.
    pub changes: Vec<Change>,
    /// Paths at which nothing changes in this round, because what is there at the mirror may have moved to a place
    /// that could not be read yet ([`crate::Deferral::MayHaveMoved`]); sorted.
    pub waiting: Vec<RelPath>,
}

/// Plans what findings, sorted by path, call for. Problems and deferrals change nothing; the directories above them
/// stay, and so does what may have moved to where they are.
#[must_use]
pub fn plan(findings: &[Finding]) -> Planned {
    let moves = Moves::among(findings);
    let waiting = Waiting::among(findings, &moves);
    let (kept, left): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|finding| waiting.keeps(finding));
    let mut changes = Vec::new();
    for finding in &left {
        if let Finding::Present { path, was, now, .. } = finding {
            present(path, was.as_ref(), now, &moves, &mut changes);
        }
    }
    gone(&left, &moves, &mut changes);
    changes.sort_by(|a, b| a.path().cmp(b.path()).then_with(|| a.kind().cmp(&b.kind())));
    let waiting = kept.into_iter().filter(|finding| waiting.names(finding)).map(|finding| finding.path().clone());
    Planned { changes, waiting: waiting.collect() }
}

fn present(path: &RelPath, was: Option<&Entry>, now: &Entry, moves: &Moves, changes: &mut Vec<Change>) {
    let (path_here, entry) = (path.clone(), now.clone());
    // What moved away is not there any more, whatever comes in its place.
    let was = was.filter(|_| !moves.leaves(path));
    if let Some(from) = moves.source(path) {
        if was.is_some_and(|was| was.kind() == Kind::Directory) {
            changes.push(Change::Delete { path: path_here.clone() });
        }
        changes.push(Change::Move { from: from.clone(), to: path_here, entry });
        return;
    }
    changes.push(match was {
        _ if path.is_root() => Change::Metadata { path: path_here, metadata: now.metadata().clone() },
        None => Change::Create { path: path_here, entry },
        Some(was) if was.kind() != now.kind() => Change::Replace { path: path_here, entry },
        Some(was) if was.same_content(now) => Change::Metadata { path: path_here, metadata: now.metadata().clone() },
        Some(_) => Change::Modify { path: path_here, entry },
    });
}

/// Deletes what is gone. What was in a directory that goes, goes with it.
fn gone(findings: &[&Finding], moves: &Moves, changes: &mut Vec<Change>) {
    let replaced = replaced_directories(findings);
    // Findings are sorted: what is below a deleted directory comes right after it.
    let mut deleted: Option<&RelPath> = None;
    for finding in findings {
        let Finding::Gone { path, was, .. } = finding else { continue };
        let with_its_directory = deleted.is_some_and(|above| path.is_below(above))
            || path.ancestors().any(|above| replaced.contains(&above));
        if with_its_directory || moves.leaves(path) {
            continue;
        }
        changes.push(Change::Delete { path: path.clone() });
        if was.kind() == Kind::Directory {
            deleted = Some(path);
        }
    }
}

/// Directories in whose place another kind of thing stands: what was in them goes with them.
fn replaced_directories<'a>(findings: &[&'a Finding]) -> BTreeSet<&'a RelPath> {
    findings.iter().filter(|finding| replaces_a_directory(finding)).map(|finding| finding.path()).collect()
}

/// Whether another kind of thing stands where the mirror has a directory.
pub(crate) fn replaces_a_directory(finding: &Finding) -> bool {
    matches!(finding, Finding::Present { was: Some(Entry::Directory { .. }), now, .. } if now.kind() != Kind::Directory)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
