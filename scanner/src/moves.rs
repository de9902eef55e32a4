//! Which new file is which old one, moved? By content alone; everything else only decides between equals.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use protocol::{ContentId, Kind, RelPath};

use crate::finding::Finding;
use crate::places::Places;

/// The moves of a plan: each place of the base is left at most once, each of the result reached at most once.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    to: BTreeMap<RelPath, RelPath>,
    from: BTreeMap<RelPath, RelPath>,
    /// The directories among them.
    pub(crate) directories: Places,
}

impl Moves {
    /// Those among findings, which are sorted by path.
    pub(crate) fn among(findings: &[Finding]) -> Self {
        let directories = Places::among(findings);
        let (vacated, arrived) = (vacated(findings, &directories), arrived(findings));
        let mut moves = Self { directories, ..Self::default() };
        for found in match_moves(&vacated, &arrived) {
            moves.insert(&vacated[found.from].path, &arrived[found.to].path);
        }
        for finding in findings {
            if let Finding::Moved { from, to, .. } = finding {
                moves.insert(from, to);
            }
        }
        moves
    }

    fn insert(&mut self, from: &RelPath, to: &RelPath) {
        self.to.insert(from.clone(), to.clone());
        self.from.insert(to.clone(), from.clone());
    }

    /// Whether what was at a place of the base is somewhere else now.
    pub(crate) fn leaves(&self, base: &RelPath) -> bool {
        self.to.contains_key(base)
    }

    /// Where what was at a place of the base is now.
    pub(crate) fn target(&self, base: &RelPath) -> Option<&RelPath> {
        self.to.get(base)
    }

    /// Where what is at a path now came from.
    pub(crate) fn source(&self, path: &RelPath) -> Option<&RelPath> {
        self.from.get(path)
    }

    /// Where that came from which is at a path or below it now.
    pub(crate) fn sources_below<'a>(&'a self, path: &'a RelPath) -> impl Iterator<Item = &'a RelPath> {
        let below = self.from.range::<RelPath, _>(path..);
        below.take_while(move |(to, _)| *to == path || to.is_below(path)).map(|(_, from)| from)
    }
}

/// Places whose file content is not there any more. Empty files all look alike and are never matched.
fn vacated(findings: &[Finding], directories: &Places) -> Vec<Vacated> {
    let place = |finding: &Finding| {
        let (path, was, inode, now) = match finding {
            Finding::Gone { path, was, old_inode } => (path, was, *old_inode, None),
            Finding::Present { path, base, was: Some(was), now, old_inode, .. } if !was.same_content(now) => {
                (base.as_ref().unwrap_or(path), was, *old_inode, Some(now))
            }
            _ => return None,
        };
        let rewritten = now.is_some_and(|now| now.kind() == Kind::File);
        let (content, size) = was.content()?;
        let parent = || directories.now(path, |_| false).parent();
        (size > 0).then(|| Vacated { path: path.clone(), parent: parent(), content, inode, rewritten })
    };
    findings.iter().filter_map(place).collect()
}

/// Places with file content that was not there before.
fn arrived(findings: &[Finding]) -> Vec<Arrived> {
    let place = |finding: &Finding| match finding {
        Finding::Present { path, was, now, inode, .. } if !was.as_ref().is_some_and(|was| was.same_content(now)) => {
            let (content, _) = now.content()?;
            Some(Arrived { path: path.clone(), content, inode: *inode })
        }
        _ => None,
    };
    findings.iter().filter_map(place).collect()
}

/// A place whose content is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Vacated {
    /// As the base calls it.
    path: RelPath,
    /// Where its directory is now.
    parent: Option<RelPath>,
    content: ContentId,
    /// The inode last recorded there.
    inode: Option<u64>,
    /// Whether a file is still there, with other content. Then only an equal inode proves a move: most likely somebody
    /// copied the file and edited the original, whose history must stay with it.
    rewritten: bool,
}

/// A place with a content that was not there before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrived {
    path: RelPath,
    content: ContentId,
    inode: u64,
}

/// One match: indexes into the two slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    from: usize,
    to: usize,
}

/// Matches arrived contents with vacated places, in time linear in both. Among equal contents: same inode first, then
/// same name, then same parent, then sorted order. Both slices are sorted by path; the result is sorted by `to`.
fn match_moves(vacated: &[Vacated], arrived: &[Arrived]) -> Vec<Match> {
    let mut by_content: BTreeMap<ContentId, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, place) in vacated.iter().enumerate() {
        by_content.entry(place.content).or_default().0.push(index);
    }
    for (index, place) in arrived.iter().enumerate() {
        if let Some((_, to)) = by_content.get_mut(&place.content) {
            to.push(index);
        }
    }
    let mut matches = Vec::new();
    let name = |path: &RelPath| path.name();
    for (mut from, mut to) in by_content.into_values().filter(|(_, to)| !to.is_empty()) {
        matches.extend(pair(&mut from, &mut to, |i| vacated[i].inode, |i| Some(arrived[i].inode)));
        from.retain(|index| !vacated[*index].rewritten);
        matches.extend(pair(&mut from, &mut to, |i| name(&vacated[i].path), |i| name(&arrived[i].path)));
        matches.extend(pair(&mut from, &mut to, |i| vacated[i].parent.clone(), |i| arrived[i].path.parent()));
        matches.extend(pair(&mut from, &mut to, |_| Some(()), |_| Some(())));
    }
    matches.sort_by_key(|found| found.to);
    matches
}

/// Pairs what has the same key, in order, and takes both out.
fn pair<K: Hash + Eq>(
    from: &mut Vec<usize>,
    to: &mut Vec<usize>,
    from_key: impl Fn(usize) -> Option<K>,
    to_key: impl Fn(usize) -> Option<K>,
) -> Vec<Match> {
    let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
    // Reversed, so that the first comes off the end first.
    for index in from.iter().rev() {
        if let Some(key) = from_key(*index) {
            waiting.entry(key).or_default().push(*index);
        }
    }
    let mut matches = Vec::new();
    to.retain(|index| {
        let found = to_key(*index).and_then(|key| waiting.get_mut(&key)).and_then(Vec::pop);
        matches.extend(found.map(|from| Match { from, to: *index }));
        found.is_none()
    });
    let taken: std::collections::HashSet<usize> = matches.iter().map(|found| found.from).collect();
    from.retain(|index| !taken.contains(index));
    matches
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;
