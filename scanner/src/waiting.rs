//! What must not leave its place at the mirror in this round, because the round has not seen everything: pure.
//!
//! A file that is gone may be one that is there under a new name and could not be read. Were it deleted now, a file
//! that exists throughout would be nowhere in the mirror until it can be read.

use std::collections::{BTreeSet, HashSet};

use protocol::{Entry, RelPath};

use crate::finding::{Deferral, Finding, Hint, Trouble};
use crate::moves::Moves;
use crate::plan::replaces_a_directory;

/// Places at which the mirror stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// What stays at its place in the base, although it is not there any more.
    stays: BTreeSet<RelPath>,
    /// The directories of the base above that, and above what could not be looked at, as far as they do not move.
    above: BTreeSet<RelPath>,
    /// Places of the result to which nothing comes, nor to any below them: there or on the way is something that stays.
    closed: BTreeSet<RelPath>,
}

impl Waiting {
    /// Those of a round with these findings and moves.
    pub(crate) fn among(findings: &[Finding], moves: &Moves) -> Self {
        let mut keeper = Keeper::new(findings, moves);
        for finding in findings.iter().filter(|finding| is_unseen(finding)) {
            keeper.keep_above(&moves.directories.before(finding.path()));
            if may_name_base(finding) {
                keeper.keep_above(finding.path());
            }
        }
        let hints = Hints::among(findings);
        let suspects = findings.iter().filter(|finding| hints.concern(finding)).map(Finding::path);
        keeper.run(suspects.filter(|base| !moves.leaves(base)).cloned().collect())
    }

    /// Those of a round in which some places of the base stay as they are.
    pub(crate) fn around(stays: BTreeSet<RelPath>, findings: &[Finding], moves: &Moves) -> Self {
        Keeper::new(findings, moves).run(stays.into_iter().collect())
    }

    /// Whether the mirror keeps what it has at the path of a finding, or keeps nothing there, whatever was found.
    pub(crate) fn keeps(&self, finding: &Finding) -> bool {
        match finding {
            Finding::Gone { path, .. } => self.stays.contains(path) || self.above.contains(path),
            Finding::Present { path, .. } | Finding::Moved { to: path, .. } => is_closed(&self.closed, path),
            Finding::Problem { .. } | Finding::Deferred { .. } => true,
        }
    }

    /// The places to which nothing comes, nor to any below them: see [`is_closed`].
    pub(crate) fn into_closed(self) -> BTreeSet<RelPath> {
        self.closed
    }

    /// Whether a finding that is kept is to be named: of gone directories, what stays in them is.
    pub(crate) fn names(&self, finding: &Finding) -> bool {
        match finding {
            Finding::Gone { path, .. } => self.stays.contains(path),
            Finding::Present { .. } | Finding::Moved { .. } => true,
            Finding::Problem { .. } | Finding::Deferred { .. } => false,
        }
    }
}

/// Whether a path is one of these, or below one.
pub(crate) fn is_closed(closed: &BTreeSet<RelPath>, path: &RelPath) -> bool {
    !closed.is_empty() && (closed.contains(path) || path.ancestors().any(|above| closed.contains(&above)))
}

/// Finds what must stay because something else does.
struct Keeper<'a> {
    moves: &'a Moves,
    /// Directories of the base that are deleted or replaced, if nothing keeps them.
    going: BTreeSet<&'a RelPath>,
    waiting: Waiting,
    /// Places of the base that stay, and of which it was not yet asked what that means.
    open: Vec<RelPath>,
}

impl<'a> Keeper<'a> {
    fn new(findings: &'a [Finding], moves: &'a Moves) -> Self {
        let goes = |finding: &&Finding| {
            let is_gone = matches!(finding, Finding::Gone { was: Entry::Directory { .. }, .. });
            is_gone || replaces_a_directory(finding)
        };
        let going = findings.iter().filter(goes).map(Finding::base).collect();
        Self { moves, going, waiting: Waiting::default(), open: Vec::new() }
    }

    fn run(mut self, stays: Vec<RelPath>) -> Waiting {
        self.open.extend(stays);
        while let Some(base) = self.open.pop() {
            if self.waiting.stays.insert(base.clone()) {
                self.keep(&base);
            }
        }
        self.waiting
    }

    /// Something stays at its place in the base.
    fn keep(&mut self, base: &RelPath) {
        self.close(self.place(base));
        if let Some(to) = self.moves.target(base) {
            self.close(to.clone());
        }
        self.keep_above(base);
    }

    /// The result's name of a place of the base, with what is known to stay so far. What comes to stay later closes the
    /// place to which it was to move.
    fn place(&self, base: &RelPath) -> RelPath {
        self.moves.directories.now(base, |directory| self.waiting.stays.contains(directory))
    }

    /// The directories above a place of the base stay, up to one that moves: in that, it goes along.
    fn keep_above(&mut self, base: &RelPath) {
        let mut above = base.parent();
        while let Some(directory) = above {
            let moves = self.moves.leaves(&directory) && !self.waiting.stays.contains(&directory);
            if moves || self.waiting.above.contains(&directory) {
                return;
            }
            if self.going.contains(&directory) {
                self.close(self.place(&directory));
            }
            above = directory.parent();
            self.waiting.above.insert(directory);
        }
    }

    /// Nothing comes to a place of the result, nor below it: what was to move there stays.
    fn close(&mut self, path: RelPath) {
        self.open.extend(self.moves.sources_below(&path).filter(|from| !self.waiting.stays.contains(*from)).cloned());
        self.waiting.closed.insert(path);
    }
}

/// Whether it is about something that seemed gone and is named as the mirror calls it.
fn may_name_base(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Deferred { reason: Deferral::Unsettled, .. }
            | Finding::Problem { trouble: Trouble::MountGone(_) | Trouble::SecondLook(_), .. }
    )
}

fn is_unseen(finding: &Finding) -> bool {
    matches!(finding, Finding::Problem { .. } | Finding::Deferred { .. })
}

/// What is known of all files that are there and were not read.
struct Hints {
    inodes: HashSet<u64>,
    sizes: HashSet<u64>,
}

impl Hints {
    fn among(findings: &[Finding]) -> Self {
        let hint = |finding: &Finding| match finding {
            Finding::Problem { hint, .. } | Finding::Deferred { hint, .. } => *hint,
            Finding::Present { .. } | Finding::Moved { .. } | Finding::Gone { .. } => None,
        };
        let hints: Vec<Hint> = findings.iter().filter_map(hint).collect();
        Self {
            inodes: hints.iter().map(|hint| hint.inode).collect(),
            sizes: hints.iter().map(|hint| hint.size).filter(|size| *size > 0).collect(),
        }
    }

    /// Whether it is about a gone file that may be one of these.
    fn concern(&self, finding: &Finding) -> bool {
        let Finding::Gone { was: Entry::File { size, .. }, old_inode, .. } = finding else { return false };
        self.sizes.contains(size) || old_inode.is_some_and(|inode| self.inodes.contains(&inode))
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
