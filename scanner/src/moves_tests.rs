//! Which of several equal contents are paired, and that it takes linear time.

use std::cell::Cell;

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

fn vacated(at: &str, content: &str, inode: u64) -> Vacated {
    let parent = path(at).parent();
    Vacated { path: path(at), parent, content: ContentId::of(content.as_bytes()), inode: Some(inode), rewritten: false }
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
    let from: Vec<_> = (0..50_000)
        .map(|n| Vacated { path: place(n), parent: place(n).parent(), ..vacated("x", "1", n as u64) })
        .collect();
    let to: Vec<_> =
        (0..100_000).map(|n| Arrived { path: place(n + 50_000), ..arrived("x", "1", n as u64 + 1_000_000) }).collect();
    assert_eq!(match_moves(&from, &to).len(), 50_000);
}

thread_local! {
    /// How often two keys were compared.
    static COMPARED: Cell<usize> = const { Cell::new(0) };
}

/// A key that counts how often it is compared with others.
#[derive(Debug)]
struct Counted(usize);

impl Hash for Counted {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        self.0 == other.0
    }
}

impl Eq for Counted {}

#[test]
fn twice_as_many_places_are_paired_with_twice_as_many_comparisons() {
    // All alike, a hundred of each kind, all different, and nothing in common.
    let keys: [fn(usize) -> [usize; 2]; 4] = [|_| [0, 0], |n| [n % 100, n % 100], |n| [n, n], |n| [n, usize::MAX - n]];
    for key in keys {
        let compared = [25_000, 50_000].map(|places| {
            COMPARED.set(0);
            let (mut from, mut to): (Vec<usize>, Vec<usize>) = ((0..places).collect(), (0..2 * places).collect());
            let own = |at: usize, side: usize| Some(Counted(key(at)[side]));
            let pairs = pair(&mut from, &mut to, |at| own(at, 0), |at| own(at, 1)).len();
            assert_eq!(pairs + from.len(), places);
            COMPARED.get()
        });
        assert!(10 * compared[1] <= 22 * compared[0] + 1_000, "{compared:?}");
        assert!(compared[1] < 4 * 50_000, "{compared:?}");
    }
}
