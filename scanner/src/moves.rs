//! Which new file is which old one, moved? By content alone; everything else only decides between equals.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use protocol::{ContentId, Name, RelPath};

/// A place whose content is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vacated {
    pub path: RelPath,
    pub content: ContentId,
    /// The inode last recorded there.
    pub inode: Option<u64>,
    /// Whether a file is still there, with other content. Then only an equal inode proves a move: most likely somebody
    /// copied the file and edited the original, whose history must stay with it.
    pub rewritten: bool,
}

/// A place with a content that was not there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub path: RelPath,
    pub content: ContentId,
    pub inode: u64,
}

/// One match: indexes into the two slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Match {
    pub from: usize,
    pub to: usize,
}

/// Matches arrived contents with vacated places, in time linear in both. Among equal contents: same inode first, then
/// same name, then same parent, then sorted order. Both slices are sorted by path; the result is sorted by `to`.
pub(crate) fn match_moves(vacated: &[Vacated], arrived: &[Arrived]) -> Vec<Match> {
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
    for (mut from, mut to) in by_content.into_values().filter(|(_, to)| !to.is_empty()) {
        matches.extend(pair(&mut from, &mut to, |i| vacated[i].inode, |i| Some(arrived[i].inode)));
        from.retain(|index| !vacated[*index].rewritten);
        matches.extend(pair(&mut from, &mut to, |i| name(&vacated[i].path), |i| name(&arrived[i].path)));
        matches.extend(pair(&mut from, &mut to, |i| parent(&vacated[i].path), |i| parent(&arrived[i].path)));
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

fn name(path: &RelPath) -> Option<Name> {
    path.name()
}

fn parent(path: &RelPath) -> Option<RelPath> {
    path.parent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text.as_bytes()).expect("valid in this test")
    }

    fn vacated(at: &str, content: &str, inode: u64) -> Vacated {
        Vacated { path: path(at), content: ContentId::of(content.as_bytes()), inode: Some(inode), rewritten: false }
    }

    fn arrived(at: &str, content: &str, inode: u64) -> Arrived {
        Arrived { path: path(at), content: ContentId::of(content.as_bytes()), inode }
    }

    fn matched(from: &[Vacated], to: &[Arrived]) -> Vec<(String, String)> {
        let shown = |found: Match| (from[found.from].path.to_string(), to[found.to].path.to_string());
        match_moves(from, to).into_iter().map(shown).collect()
    }

    fn is(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn the_same_inode_wins_over_the_same_name() {
        let from = [vacated("a/x", "1", 10), vacated("b/y", "1", 11)];
        let to = [arrived("c/x", "1", 11), arrived("c/y", "1", 10)];
        assert_eq!(matched(&from, &to), is(&[("b/y", "c/x"), ("a/x", "c/y")]));
    }

    #[test]
    fn the_same_name_wins_over_the_same_parent_and_that_over_order() {
        let from = [vacated("a/n", "1", 1), vacated("d/x", "1", 2), vacated("e/z", "1", 3)];
        let to = [arrived("d/y", "1", 7), arrived("f/n", "1", 8), arrived("g/q", "1", 9)];
        assert_eq!(matched(&from, &to), is(&[("d/x", "d/y"), ("a/n", "f/n"), ("e/z", "g/q")]));
    }

    #[test]
    fn other_content_is_never_a_move_whatever_the_inode_and_name_say() {
        assert_eq!(matched(&[vacated("a/x", "1", 1)], &[arrived("b/x", "2", 1)]), is(&[]));
    }

    #[test]
    fn each_place_is_matched_once() {
        let from = [vacated("a", "1", 1)];
        let to = [arrived("b", "1", 5), arrived("c", "1", 6)];
        assert_eq!(matched(&from, &to), is(&[("a", "b")]));
    }

    #[test]
    fn a_file_copied_and_then_edited_keeps_its_history() {
        let rewritten = Vacated { rewritten: true, ..vacated("log", "1", 1) };
        assert_eq!(matched(std::slice::from_ref(&rewritten), &[arrived("log.1", "1", 2)]), is(&[]));
        assert_eq!(matched(&[rewritten], &[arrived("log.1", "1", 1)]), is(&[("log", "log.1")]), "a rotated log moved");
    }

    #[test]
    fn a_hundred_thousand_equal_files_are_matched_in_linear_time() {
        let place = |n: usize| path(&format!("d{}/f{n}", n % 100));
        let from: Vec<_> = (0..50_000).map(|n| Vacated { path: place(n), ..vacated("x", "1", n as u64) }).collect();
        let to: Vec<_> = (0..100_000)
            .map(|n| Arrived { path: place(n + 50_000), ..arrived("x", "1", n as u64 + 1_000_000) })
            .collect();
        assert_eq!(match_moves(&from, &to).len(), 50_000);
    }
}
