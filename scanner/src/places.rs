//! [`Places`]: where the directories of the base are by now, and so what lies in them.
//!
//! Changes and findings name a place in two ways: as the base calls it, or as the result does. Both are the same, but
//! inside of directories that moved.

use std::collections::BTreeMap;

use protocol::{Kind, RelPath};

use crate::finding::Finding;

/// The directories that moved: each left one place of the base for one of the result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    to: BTreeMap<RelPath, RelPath>,
    from: BTreeMap<RelPath, RelPath>,
}

impl Places {
    /// Those that findings tell of.
    pub(crate) fn among(findings: &[Finding]) -> Self {
        let mut places = Self::default();
        for finding in findings {
            if let Finding::Moved { from, to, now, .. } = finding
                && now.kind() == Kind::Directory
            {
                places.insert(from.clone(), to.clone());
            }
        }
        places
    }

    /// Notes that a directory moved.
    pub(crate) fn insert(&mut self, from: RelPath, to: RelPath) {
        self.to.insert(from.clone(), to.clone());
        self.from.insert(to, from);
    }

    /// Where the directory at a path was, if it moved.
    pub(crate) fn source(&self, path: &RelPath) -> Option<&RelPath> {
        self.from.get(path)
    }

    /// The result's name of what lies at a place of the base and did not leave its directory. Some directories may
    /// stay where they are in spite of their move.
    pub(crate) fn now(&self, base: &RelPath, stays: impl Fn(&RelPath) -> bool) -> RelPath {
        let moved = nearest(&self.to, base, |directory| !stays(directory));
        moved.map_or_else(|| base.clone(), |(from, to)| rebased(base, from, to))
    }

    /// The base's name of a place of the result, whether or not anything was there.
    pub(crate) fn before(&self, path: &RelPath) -> RelPath {
        self.moved_above(path).map_or_else(|| path.clone(), |(to, from)| rebased(path, to, from))
    }

    /// The nearest directory above a path of the result that moved: where it is, and where it was.
    pub(crate) fn moved_above(&self, path: &RelPath) -> Option<(&RelPath, &RelPath)> {
        nearest(&self.from, path, |_| true)
    }
}

fn nearest<'a>(
    moved: &'a BTreeMap<RelPath, RelPath>,
    path: &RelPath,
    counts: impl Fn(&RelPath) -> bool,
) -> Option<(&'a RelPath, &'a RelPath)> {
    let mut above = path.parent().filter(|_| !moved.is_empty());
    while let Some(directory) = above {
        if let Some(found) = moved.get_key_value(&directory).filter(|(directory, _)| counts(directory)) {
            return Some(found);
        }
        above = directory.parent();
    }
    None
}

fn rebased(path: &RelPath, old: &RelPath, new: &RelPath) -> RelPath {
    path.rebased(old, new).expect("a path lies below the directories above it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_literals::path;

    #[test]
    fn the_nearest_directory_that_moved_says_where_a_place_is_and_was() {
        let mut places = Places::default();
        places.insert(path("a"), path("x/y"));
        places.insert(path("a/b"), path("c"));
        let now = |base: &str| places.now(&path(base), |_| false);
        assert_eq!([now("a/f"), now("a/b"), now("a/b/f"), now("x/f")], ["x/y/f", "x/y/b", "c/f", "x/f"].map(path));
        let before = |at: &str| places.before(&path(at));
        assert_eq!(
            [before("x/y/f"), before("c/d/f"), before("x/y"), before("a/f")],
            ["a/f", "a/b/d/f", "x/y", "a/f"].map(path)
        );
        assert_eq!(places.now(&path("a/b/f"), |stays| *stays == path("a/b")), path("x/y/b/f"));
        assert_eq!(places.moved_above(&path("c/d/f")), Some((&path("c"), &path("a/b"))));
    }
}
