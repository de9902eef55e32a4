//! The plan: findings become changes. Pure; the same findings give the same plan, sorted by path.
//!
//! A move is an optimisation: replacing each by a delete and a create gives the same mirror.

use std::collections::BTreeSet;

use protocol::{Change, Entry, Kind, RelPath};

use crate::finding::Finding;
use crate::moves::{Arrived, Vacated, match_moves};

/// The set of changes that makes the mirror as the source was found. Problems and deferrals change nothing.
#[must_use]
pub fn plan(findings: &[Finding]) -> Vec<Change> {
    let vacated = vacated(findings);
    let arrived = arrived(findings);
    let mut moved = Moved::default();
    for found in match_moves(&vacated, &arrived) {
        moved.from.insert(vacated[found.from].path.clone());
        moved.to.insert(arrived[found.to].path.clone(), vacated[found.from].path.clone());
    }
    let replaced = replaced_directories(findings);
    let mut changes = Vec::new();
    // Findings are sorted: what is below a deleted directory comes right after it.
    let mut deleted: Option<RelPath> = None;
    for finding in findings {
        match finding {
            Finding::Present { path, was, now, .. } => present(path, was.as_ref(), now, &moved, &mut changes),
            Finding::Gone { path, was, .. } => {
                let with_its_directory = deleted.as_ref().is_some_and(|above| path.is_below(above))
                    || path.ancestors().any(|above| replaced.contains(&above));
                if !with_its_directory && !moved.from.contains(path) {
                    changes.push(Change::Delete { path: path.clone() });
                    if was.kind() == Kind::Directory {
                        deleted = Some(path.clone());
                    }
                }
            }
            Finding::Problem { .. } | Finding::Deferred { .. } => {}
        }
    }
    changes.sort_by(|a, b| a.path().cmp(b.path()).then_with(|| a.kind().cmp(&b.kind())));
    changes
}

/// The moves: which places were left, and where each arrival came from.
#[derive(Default)]
struct Moved {
    from: BTreeSet<RelPath>,
    to: std::collections::BTreeMap<RelPath, RelPath>,
}

fn present(path: &RelPath, was: Option<&Entry>, now: &Entry, moved: &Moved, changes: &mut Vec<Change>) {
    let (path_here, entry) = (path.clone(), now.clone());
    // What moved away is not there any more, whatever comes in its place.
    let was = was.filter(|_| !moved.from.contains(path));
    if let Some(from) = moved.to.get(path) {
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

/// Places whose file content is not there any more. Empty files all look alike and are never matched.
fn vacated(findings: &[Finding]) -> Vec<Vacated> {
    let place = |finding: &Finding| {
        let (path, was, inode, now) = match finding {
            Finding::Gone { path, was, old_inode } => (path, was, *old_inode, None),
            Finding::Present { path, was: Some(was), now, old_inode, .. } if !was.same_content(now) => {
                (path, was, *old_inode, Some(now))
            }
            _ => return None,
        };
        let rewritten = now.is_some_and(|now| now.kind() == Kind::File);
        let (content, size) = was.content()?;
        (size > 0).then(|| Vacated { path: path.clone(), content, inode, rewritten })
    };
    findings.iter().filter_map(place).collect()
}

/// Places with file content that was not there before.
fn arrived(findings: &[Finding]) -> Vec<Arrived> {
    let place = |finding: &Finding| match finding {
        Finding::Present { path, was, now, inode, .. } if !was.as_ref().is_some_and(|was| was.same_content(now)) => {
            let (content, size) = now.content()?;
            (size > 0).then(|| Arrived { path: path.clone(), content, inode: *inode })
        }
        _ => None,
    };
    findings.iter().filter_map(place).collect()
}

/// Directories in whose place another kind of thing stands: what was in them goes with them.
fn replaced_directories(findings: &[Finding]) -> BTreeSet<RelPath> {
    let replaced = |finding: &Finding| match finding {
        Finding::Present { path, was: Some(Entry::Directory { .. }), now, .. } if now.kind() != Kind::Directory => {
            Some(path.clone())
        }
        _ => None,
    };
    findings.iter().filter_map(replaced).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
