//! [`matched`]: which directory of an old tree is which of a new one, by the names and contents of the files in them.
//!
//! Each file leaves a mark at each directory above it: a hash of its content and its path below that directory. Two
//! directories are alike in as many files as they have marks in common. A mark is a hint, never a proof: who matches
//! directories compares what is in them afterwards.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use protocol::{ContentId, RelPath};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many directories above a file it says something about.
const LEVELS: usize = 32;
/// How many new directories are looked at for one mark. What is in more of them says little about any.
const CANDIDATES: usize = 16;

/// A directory that may be matched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub path: &'a RelPath,
    pub inode: Option<u64>,
}

/// A file that is not empty, and what is in it.
pub(crate) type File<'a> = (&'a RelPath, ContentId);

type Mark = u64;

/// The directories of one tree that may be matched, and the marks of the files in them.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    /// Sorted by path.
    directories: Vec<Candidate<'a>>,
    /// The directory that each directory is in, if that may be matched, too.
    above: Vec<Option<usize>>,
    /// The directories in each directory that may be matched, too.
    below: Vec<Vec<usize>>,
    by_path: HashMap<&'a RelPath, usize>,
    /// By directory.
    marks: Vec<(usize, Mark)>,
}

impl<'a> Side<'a> {
    /// Files elsewhere than in these directories do not count.
    pub(crate) fn new(mut directories: Vec<Candidate<'a>>, files: &[File<'a>]) -> Self {
        directories.sort_by_key(|directory| directory.path);
        let by_path: HashMap<_, _> =
            (0..).zip(&directories).map(|(index, directory)| (directory.path, index)).collect();
        let parent = |path: &RelPath| path.parent().and_then(|parent| by_path.get(&parent).copied());
        let above: Vec<_> = directories.iter().map(|directory| parent(directory.path)).collect();
        let mut below = vec![Vec::new(); directories.len()];
        for (index, above) in above.iter().enumerate() {
            if let Some(above) = above {
                below[*above].push(index);
            }
        }
        let mut side = Self { directories, above, below, by_path, marks: Vec::new() };
        for (path, content) in files {
            side.mark(path, *content);
        }
        side.marks.sort_unstable();
        side
    }

    fn mark(&mut self, path: &RelPath, content: ContentId) {
        let mut mark = xxh3_64_with_seed(name(path), xxh3_64(content.as_bytes()));
        let mut directory = path.parent().and_then(|parent| self.by_path.get(&parent).copied());
        for _ in 0..LEVELS {
            let Some(index) = directory else { return };
            self.marks.push((index, mark));
            mark = xxh3_64_with_seed(name(self.directories[index].path), mark);
            directory = self.above[index];
        }
    }

    fn marks_of(&self, directory: usize) -> &[(usize, Mark)] {
        let start = self.marks.partition_point(|(at, _)| *at < directory);
        let end = self.marks.partition_point(|(at, _)| *at <= directory);
        &self.marks[start..end]
    }
}

fn name(path: &RelPath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The old directories that are elsewhere, and where, sorted. The topmost come first; those in a directory that was
/// matched are in it still, unless they are elsewhere in the same way.
pub(crate) fn matched<'a>(old: &Side<'a>, new: &Side<'a>) -> Vec<(&'a RelPath, &'a RelPath)> {
    let mut matching = Matching::of(old, new);
    let mut moves = Vec::new();
    for directory in 0..old.directories.len() {
        if matching.place[directory].is_some() {
            continue;
        }
        let own = matching.own_place(directory);
        let best = matching.best(directory);
        if let Some(place) = best.or(own) {
            matching.put(directory, place);
        }
        moves
            .extend(best.filter(|_| best != own).map(|to| (old.directories[directory].path, new.directories[to].path)));
    }
    moves
}

struct Matching<'s, 'a> {
    old: &'s Side<'a>,
    new: &'s Side<'a>,
    /// Where each mark is, sorted.
    marked: Vec<(Mark, usize)>,
    /// From where on the places of a mark may not be taken yet.
    untaken: HashMap<Mark, usize>,
    /// The new directories that were matched.
    taken: Vec<bool>,
    /// Where the old ones are.
    place: Vec<Option<usize>>,
}

impl<'s, 'a> Matching<'s, 'a> {
    fn of(old: &'s Side<'a>, new: &'s Side<'a>) -> Self {
        let mut marked: Vec<(Mark, usize)> = new.marks.iter().map(|(directory, mark)| (*mark, *directory)).collect();
        marked.sort_unstable();
        let (taken, place) = (vec![false; new.directories.len()], vec![None; old.directories.len()]);
        Self { old, new, marked, untaken: HashMap::new(), taken, place }
    }

    /// Where a directory is if it did not leave the one that it was in.
    fn own_place(&self, directory: usize) -> Option<usize> {
        let parent = self.new.directories[self.place[self.old.above[directory]?]?].path;
        let path = parent.join(&self.old.directories[directory].path.name()?).ok()?;
        self.new.by_path.get(&path).copied().filter(|own| !self.taken[*own])
    }

    /// Says where a directory is, and so are those in it of which half the files are in their own place at least: these
    /// places are not for others.
    fn put(&mut self, directory: usize, place: usize) {
        let mut open = vec![(directory, place)];
        while let Some((directory, place)) = open.pop() {
            self.place[directory] = Some(place);
            self.taken[place] = true;
            for child in &self.old.below[directory] {
                let files = self.old.marks_of(*child).len();
                let is_likely = |own: &usize| (1..=2 * self.common(*child, *own)).contains(&files);
                let own = self.own_place(*child).filter(is_likely);
                open.extend(own.map(|own| (*child, own)));
            }
        }
    }

    /// Where more than half of a directory's files are.
    fn best(&mut self, directory: usize) -> Option<usize> {
        let files = self.old.marks_of(directory).len();
        let alike = self.alike(directory).into_iter().filter(|(_, alike)| 2 * alike > files);
        let best = alike.max_by_key(|(candidate, alike)| (*alike, self.likeness(directory, *candidate)));
        best.map(|(candidate, _)| candidate)
    }

    /// How many files of an old directory are in a new one, under the same names.
    fn common(&self, directory: usize, candidate: usize) -> usize {
        let marks = self.old.marks_of(directory).iter();
        marks.filter(|(_, mark)| self.marked.binary_search(&(*mark, candidate)).is_ok()).count()
    }

    /// How many files of an old directory are in which new ones, of those that were not matched yet.
    fn alike(&mut self, directory: usize) -> BTreeMap<usize, usize> {
        let old = self.old;
        let mut counts = BTreeMap::new();
        for (_, mark) in old.marks_of(directory) {
            let start = self.first_untaken(*mark);
            let places = self.marked[start..].iter().take(CANDIDATES).take_while(|(at, _)| at == mark);
            for (_, candidate) in places.filter(|(_, candidate)| !self.taken[*candidate]) {
                *counts.entry(*candidate).or_default() += 1;
            }
        }
        counts
    }

    fn first_untaken(&mut self, mark: Mark) -> usize {
        let marked = &self.marked;
        let first = self.untaken.entry(mark).or_insert_with(|| marked.partition_point(|(at, _)| *at < mark));
        while self.marked.get(*first).is_some_and(|(at, candidate)| *at == mark && self.taken[*candidate]) {
            *first += 1;
        }
        *first
    }

    /// What decides between candidates with equally many files: the inode, the name, the parent, the order.
    fn likeness(&self, directory: usize, candidate: usize) -> (bool, bool, bool, Reverse<usize>) {
        let (old, new) = (self.old.directories[directory], self.new.directories[candidate]);
        let same_inode = old.inode.is_some() && old.inode == new.inode;
        (same_inode, name(old.path) == name(new.path), old.path.parent() == new.path.parent(), Reverse(candidate))
    }
}

#[cfg(test)]
#[path = "likeness_tests.rs"]
mod tests;
