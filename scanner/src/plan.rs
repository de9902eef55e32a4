//! The plan: findings become changes. Pure; the same findings give the same plan, sorted by path.
//!
//! A move is an optimisation: replacing each by a delete and a create gives the same mirror.

use std::collections::BTreeSet;

use protocol::{Change, Entry, Kind, RelPath};

use crate::finding::Finding;
use crate::moves::Moves;
use crate::waiting::{Waiting, is_closed};

/// What a round is to deliver, before any guard has spoken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// What makes the mirror as the source was found, sorted by path.
    pub changes: Vec<Change>,
    /// Paths at which nothing changes in this round, because what is there at the mirror may have moved to a place
    /// that could not be read yet ([`crate::Deferral::MayHaveMoved`]); sorted.
    pub waiting: Vec<RelPath>,
    /// Places to which nothing comes in this round, nor to any below them.
    closed: BTreeSet<RelPath>,
}

impl Planned {
    /// Whether nothing at a path changes in this round, because something else stays where it is. To be asked of each
    /// plain finding that the plan was not made of.
    #[must_use]
    pub fn is_closed(&self, path: &RelPath) -> bool {
        is_closed(&self.closed, path)
    }
}

/// Plans what findings, sorted by path, call for. Problems and deferrals change nothing; the directories above them
/// stay, and so does what may have moved to where they are.
#[must_use]
pub fn plan(findings: &[Finding]) -> Planned {
    let moves = Moves::among(findings);
    let waiting = Waiting::among(findings, &moves);
    let (kept, left): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|finding| waiting.keeps(finding));
    let mut changes = deletes(&left, &moves);
    changes.extend(left.iter().filter_map(|finding| arrival(finding, &moves)));
    changes.sort_by(|a, b| a.path().cmp(b.path()).then_with(|| a.kind().cmp(&b.kind())));
    let named = kept.into_iter().filter(|finding| waiting.names(finding)).map(|finding| finding.path().clone());
    Planned { changes, waiting: named.collect(), closed: waiting.into_closed() }
}

/// What comes to a path, or changes there.
fn arrival(finding: &Finding, moves: &Moves) -> Option<Change> {
    let (path, was, now) = match finding {
        Finding::Present { path, was, now, .. } => (path, was.as_ref(), now),
        Finding::Moved { to, now, .. } => (to, None, now),
        Finding::Gone { .. } | Finding::Problem { .. } | Finding::Deferred { .. } => return None,
    };
    // What moved away is not there any more, whatever comes in its place.
    let was = was.filter(|_| !moves.leaves(finding.base()));
    let (path, entry) = (path.clone(), now.clone());
    Some(match (moves.source(&path), was) {
        (Some(from), _) => Change::Move { from: from.clone(), to: path, entry },
        _ if path.is_root() => Change::Metadata { path, metadata: now.metadata().clone() },
        (None, None) => Change::Create { path, entry },
        (None, Some(was)) if was.kind() != now.kind() => Change::Replace { path, entry },
        (None, Some(was)) if was.same_content(now) => Change::Metadata { path, metadata: now.metadata().clone() },
        (None, Some(_)) => Change::Modify { path, entry },
    })
}

/// What becomes of something at a place of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It moves, with what is in it.
    Moves,
    /// It is replaced by something new, which says so.
    IsReplaced,
    /// It has to be deleted.
    Goes,
}

/// Deletes what is gone. What was in a directory that goes, goes with it, unless it moves out of there.
fn deletes(findings: &[&Finding], moves: &Moves) -> Vec<Change> {
    let mut fates: Vec<(&RelPath, Fate)> = findings.iter().filter_map(|finding| fate(finding, moves)).collect();
    fates.sort_by_key(|(base, _)| *base);
    let mut changes = Vec::new();
    let mut above: Vec<(&RelPath, Fate)> = Vec::new();
    for (base, fate) in fates {
        while above.pop_if(|(top, _)| !base.is_below(top)).is_some() {}
        let goes_along = above.last().is_some_and(|(_, above)| *above != Fate::Moves);
        if fate == Fate::Goes && !goes_along {
            changes.push(Change::Delete { path: base.clone() });
        }
        above.push((base, fate));
    }
    changes
}

/// What leaves its place in the base, by this finding.
fn fate<'a>(finding: &'a Finding, moves: &Moves) -> Option<(&'a RelPath, Fate)> {
    let base = finding.base();
    let leaves = matches!(finding, Finding::Gone { .. } | Finding::Moved { .. }) || replaces_a_directory(finding);
    leaves.then_some(match finding {
        _ if moves.leaves(base) => (base, Fate::Moves),
        Finding::Gone { .. } => (base, Fate::Goes),
        // A move cannot overwrite a directory.
        _ if moves.source(finding.path()).is_some() => (base, Fate::Goes),
        _ => (base, Fate::IsReplaced),
    })
}

/// Whether another kind of thing stands where the mirror has a directory.
pub(crate) fn replaces_a_directory(finding: &Finding) -> bool {
    matches!(finding, Finding::Present { was: Some(Entry::Directory { .. }), now, .. } if now.kind() != Kind::Directory)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
