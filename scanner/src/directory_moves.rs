//! [`infer`]: which new directory is which old one, moved, where no inode told. Pure.
//!
//! The names and contents of the files in both say so: a directory moved if more than half of its recorded files, empty
//! ones not counted, are in one new directory, under the same names below it. The topmost directories are matched
//! first; what is in a directory that moved is then compared with what the mirror has of it, as if its inode had told.

use std::collections::BTreeMap;

use protocol::{ContentId, Entry, Kind, RelPath};

use crate::finding::Finding;
use crate::likeness::{Candidate, File, Side, matched};
use crate::places::Places;

/// Rewrites findings, sorted by path, for directories that moved. They stay sorted.
pub(crate) fn infer(findings: &mut Vec<Finding>) {
    let moves = moves_among(findings);
    if moves.is_empty() {
        return;
    }
    let mut places = Places::among(findings);
    for (from, to) in &moves {
        places.insert(from.clone(), to.clone());
    }
    *findings = Rewriting { moves, places, gone: BTreeMap::new() }.run(std::mem::take(findings));
    findings.sort_by(|a, b| a.path().cmp(b.path()));
}

/// To where directories moved, by what is in them; of findings sorted by path.
pub(crate) fn targets(findings: &[Finding]) -> Vec<RelPath> {
    moves_among(findings).into_values().collect()
}

/// From where to where directories moved, by what is in them.
fn moves_among(findings: &[Finding]) -> BTreeMap<RelPath, RelPath> {
    let (mut vanished, mut left) = (Vec::new(), Vec::new());
    let (mut new, mut arrived) = (Vec::new(), Vec::new());
    for finding in findings {
        vanished.extend(vanished_directory(finding));
        new.extend(new_directory(finding));
        left.extend(file_that_left(finding));
        arrived.extend(file_that_arrived(finding));
    }
    if vanished.is_empty() || new.is_empty() {
        return BTreeMap::new();
    }
    let moves = matched(&Side::new(vanished, &left), &Side::new(new, &arrived));
    moves.into_iter().map(|(from, to)| (from.clone(), to.clone())).collect()
}

/// A directory of the base that is not at its place any more.
fn vanished_directory(finding: &Finding) -> Option<Candidate<'_>> {
    let (path, was, inode) = match finding {
        Finding::Gone { path, was, old_inode } => (path, was, *old_inode),
        Finding::Present { path, base, was: Some(was), now, old_inode, .. } if now.kind() != Kind::Directory => {
            (base.as_ref().unwrap_or(path), was, *old_inode)
        }
        _ => return None,
    };
    (was.kind() == Kind::Directory).then_some(Candidate { path, inode })
}

/// A directory that was not at its place before.
fn new_directory(finding: &Finding) -> Option<Candidate<'_>> {
    let Finding::Present { path, was, now: Entry::Directory { .. }, inode, .. } = finding else { return None };
    let was_directory = matches!(was, Some(Entry::Directory { .. }));
    (!was_directory).then_some(Candidate { path, inode: Some(*inode) })
}

fn file_that_left(finding: &Finding) -> Option<File<'_>> {
    let Finding::Gone { path, was, .. } = finding else { return None };
    Some((path, bytes_of(was)?))
}

fn file_that_arrived(finding: &Finding) -> Option<File<'_>> {
    let Finding::Present { path, was: None, now, .. } = finding else { return None };
    Some((path, bytes_of(now)?))
}

/// Empty files all look alike.
fn bytes_of(entry: &Entry) -> Option<ContentId> {
    entry.content().filter(|(_, size)| *size > 0).map(|(content, _)| content)
}

/// What is gone from its place in the base, with the inode that was recorded there.
type Gone = (Entry, Option<u64>);

/// Findings being told anew.
struct Rewriting {
    /// The directories that moved, as their files say.
    moves: BTreeMap<RelPath, RelPath>,
    /// All directories that moved, also those of which inodes told.
    places: Places,
    /// What was not found again yet.
    gone: BTreeMap<RelPath, Gone>,
}

impl Rewriting {
    fn run(mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let there: Vec<Finding> = findings.into_iter().filter_map(|finding| self.take_gone(finding)).collect();
        let unseen = |finding: &&Finding| matches!(finding, Finding::Problem { .. } | Finding::Deferred { .. });
        let carried: Vec<RelPath> = there.iter().filter(unseen).filter_map(|f| self.carried(f.path())).collect();
        let mut told: Vec<Finding> = there.into_iter().filter_map(|finding| self.tell(finding)).collect();
        carried.iter().for_each(|base| self.forget(base));
        told.extend(self.gone.into_iter().map(|(path, (was, old_inode))| Finding::Gone { path, was, old_inode }));
        told
    }

    /// Notes what is gone; gives everything else. What replaced a directory that moved is new.
    fn take_gone(&mut self, finding: Finding) -> Option<Finding> {
        match finding {
            Finding::Gone { path, was, old_inode } => {
                self.gone.insert(path, (was, old_inode));
                None
            }
            Finding::Present { path, base, was: Some(was), now, old_inode, inode, silent } => {
                let place = base.as_ref().unwrap_or(&path);
                let is_other = self.moves.contains_key(place) || self.places.source(&path).is_some();
                if !is_other {
                    return Some(Finding::Present { path, base, was: Some(was), now, old_inode, inode, silent });
                }
                self.gone.insert(place.clone(), (was, old_inode));
                Some(Finding::Present { path, base: None, was: None, now, old_inode: None, inode, silent: false })
            }
            other => Some(other),
        }
    }

    /// The place in the base of what could not be looked at in a directory that moved: it is not gone, it came along.
    fn carried(&self, path: &RelPath) -> Option<RelPath> {
        let (_, from) = self.places.moved_above(path)?;
        self.moves.contains_key(from).then(|| self.places.before(path))
    }

    fn forget(&mut self, base: &RelPath) {
        let below = self.gone.range(base..).map(|(path, _)| path);
        let below: Vec<RelPath> = below.take_while(|path| *path == base || path.is_below(base)).cloned().collect();
        below.iter().for_each(|path| drop(self.gone.remove(path)));
    }

    /// Tells of what is there, compared with what was in the same place of its directory; nothing if that is the same.
    fn tell(&mut self, finding: Finding) -> Option<Finding> {
        let Finding::Present { path, was: None, now, inode, .. } = finding else { return Some(finding) };
        if let Some(from) = self.places.source(&path).cloned() {
            let (was, old_inode) = self.gone.remove(&from).expect("only what is gone from its place was matched");
            return Some(Finding::Moved { from, to: path, was, now, old_inode, inode });
        }
        let Some((base, (was, old_inode))) = self.take_counterpart(&path) else {
            return Some(Finding::Present { path, base: None, was: None, now, old_inode: None, inode, silent: false });
        };
        let differs = was != now;
        let (base, was) = (Some(base), Some(was));
        differs.then_some(Finding::Present { path, base, was, now, old_inode, inode, silent: false })
    }

    /// What the mirror has in the place of what is at a path, if that came here with its directory.
    fn take_counterpart(&mut self, path: &RelPath) -> Option<(RelPath, Gone)> {
        let base = self.carried(path)?;
        let came_along = !self.moves.contains_key(&base) && self.places.now(&base, |_| false) == *path;
        came_along.then(|| self.gone.remove_entry(&base))?
    }
}

#[cfg(test)]
#[path = "directory_moves_tests.rs"]
mod tests;
