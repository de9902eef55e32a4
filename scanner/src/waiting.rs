//! What must not leave its place at the mirror in this round, because the round has not seen everything: pure.
//!
//! A file that is gone may be one that is there under a new name and could not be read. Were it deleted now, a file
//! that exists throughout would be nowhere in the mirror until it can be read.

use std::collections::{BTreeSet, HashSet};

use protocol::{Entry, RelPath};

use crate::finding::{Finding, Hint};
use crate::moves::Moves;
use crate::plan::replaces_a_directory;

/// Places at which the mirror stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Files that stay.
    files: BTreeSet<RelPath>,
    /// The directories above those, and above what could not be looked at.
    above: BTreeSet<RelPath>,
}

impl Waiting {
    /// Those of a round with these findings and moves.
    pub(crate) fn among(findings: &[Finding], moves: &Moves) -> Self {
        let mut waiting = Self::default();
        let mut open = Vec::new();
        for finding in findings.iter().filter(|finding| is_unseen(finding)) {
            waiting.keep_above(finding.path(), moves, &mut open);
        }
        let hints = Hints::among(findings);
        let suspects = findings.iter().filter(|finding| hints.concern(finding)).map(Finding::path);
        open.extend(suspects.filter(|path| !moves.leaves(path)).cloned());
        while let Some(file) = open.pop() {
            // What was to come to a place that is not free, or below it, stays where it is, too.
            open.extend(moves.sources_below(&file).filter(|from| !waiting.files.contains(*from)).cloned());
            waiting.keep_above(&file, moves, &mut open);
            waiting.files.insert(file);
        }
        waiting
    }

    fn keep_above(&mut self, path: &RelPath, moves: &Moves, open: &mut Vec<RelPath>) {
        for above in path.ancestors() {
            if !self.above.contains(&above) {
                open.extend(moves.source(&above).cloned());
                self.above.insert(above);
            }
        }
    }

    /// Whether the mirror keeps what it has at the path of a finding, or keeps nothing there, whatever was found.
    pub(crate) fn keeps(&self, finding: &Finding) -> bool {
        let path = finding.path();
        match finding {
            Finding::Gone { .. } => self.files.contains(path) || self.above.contains(path),
            Finding::Present { .. } if replaces_a_directory(finding) && self.above.contains(path) => true,
            Finding::Present { .. } | Finding::Moved { .. } => self.has_file_at_or_above(path),
            Finding::Problem { .. } | Finding::Deferred { .. } => true,
        }
    }

    fn has_file_at_or_above(&self, path: &RelPath) -> bool {
        !self.files.is_empty()
            && (self.files.contains(path) || path.ancestors().any(|above| self.files.contains(&above)))
    }

    /// Whether a finding that is kept is to be named: of gone directories, what stays in them is.
    pub(crate) fn names(&self, finding: &Finding) -> bool {
        match finding {
            Finding::Gone { path, .. } => self.files.contains(path),
            Finding::Present { .. } | Finding::Moved { .. } => true,
            Finding::Problem { .. } | Finding::Deferred { .. } => false,
        }
    }
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
