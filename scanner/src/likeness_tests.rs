//! Which directories are alike, and that many equal files do not make it slow.

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

/// A tree of which everything may be matched: `path=content`, and the directories above.
struct Files {
    directories: Vec<(RelPath, Option<u64>)>,
    files: Vec<(RelPath, ContentId)>,
}

impl Files {
    fn new<'t>(items: impl IntoIterator<Item = &'t str>) -> Self {
        let file = |item: &str| {
            let (at, content) = item.split_once('=').expect("a file has a content");
            (path(at), ContentId::of(content.as_bytes()))
        };
        let files: Vec<_> = items.into_iter().map(file).collect();
        let above = files.iter().flat_map(|(path, _)| path.ancestors().skip(1).collect::<Vec<_>>());
        let directories: std::collections::BTreeSet<RelPath> = above.collect();
        Self { directories: directories.into_iter().map(|path| (path, None)).collect(), files }
    }

    fn side(&self) -> Side<'_> {
        let directories = self.directories.iter().map(|(path, inode)| Candidate { path, inode: *inode }).collect();
        let files: Vec<File<'_>> = self.files.iter().map(|(path, content)| (path, *content)).collect();
        Side::new(directories, &files)
    }

    fn with_inode(mut self, at: &str, inode: u64) -> Self {
        let directory = self.directories.iter_mut().find(|(path, _)| *path == self::path(at));
        directory.expect("one of them").1 = Some(inode);
        self
    }
}

fn is(old: &Files, new: &Files, expected: &[(&str, &str)]) {
    let (old, new) = (old.side(), new.side());
    let moves: Vec<_> = matched(&old, &new).into_iter().map(|(from, to)| (from.clone(), to.clone())).collect();
    assert_eq!(moves, expected.iter().map(|(from, to)| (path(from), path(to))).collect::<Vec<_>>());
}

fn check(old: &[&str], new: &[&str], expected: &[(&str, &str)]) {
    is(&Files::new(old.iter().copied()), &Files::new(new.iter().copied()), expected);
}

#[test]
fn more_than_half_of_the_files_must_be_there() {
    check(&["a/x=1", "a/y=2", "a/z=3"], &["b/x=1", "b/y=2", "b/z=9"], &[("a", "b")]);
    check(&["a/x=1", "a/y=2"], &["b/x=1", "b/y=9"], &[]);
    check(&["a/x=1", "a/y=2"], &["b/x=1", "c/y=2"], &[]);
    check(&["a/x=1"], &["b/x=1", "b/new=1", "b/d/new=2"], &[("a", "b")]);
}

#[test]
fn names_below_the_directory_count() {
    check(&["a/x=1"], &["b/y=1"], &[]);
    check(&["a/d/x=1"], &["b/e/x=1"], &[("a/d", "b/e")]);
    check(&["a/d/x=1"], &["b/d/x=1"], &[("a", "b")]);
    check(&["a/x=1", "a/d/y=2"], &["b/c/x=1", "b/c/d/y=2"], &[("a", "b/c")]);
}

#[test]
fn what_moved_out_of_a_directory_that_moved_moved_by_itself() {
    check(&["a/x=1", "a/y=2", "a/d/z=3"], &["b/x=1", "b/y=2", "c/z=3"], &[("a", "b"), ("a/d", "c")]);
    let (old, new) =
        (["a/1=1", "a/2=2", "a/3=3", "a/d/x=4", "a/e/x=5"], ["b/1=1", "b/2=2", "b/3=3", "b/d/x=5", "b/e/x=4"]);
    check(&old, &new, &[("a", "b"), ("a/d", "b/e"), ("a/e", "b/d")]);
}

#[test]
fn each_directory_is_matched_once() {
    check(&["a/x=1", "b/x=1"], &["c/x=1"], &[("a", "c")]);
    check(&["a/x=1"], &["c/x=1", "d/x=1"], &[("a", "c")]);
    check(&["a/x=1", "b/x=1"], &["c/x=1", "d/x=1"], &[("a", "c"), ("b", "d")]);
}

#[test]
fn of_equal_directories_the_inode_decides_then_the_name_then_the_parent() {
    let new = || Files::new(["p/y/x=1", "q/n/x=1", "r/x=1"]);
    let old = || Files::new(["p/n/x=1", "p/other=2"]);
    is(&old(), &new(), &[("p/n", "q/n")]);
    is(&old().with_inode("p/n", 7), &new().with_inode("r", 7), &[("p/n", "r")]);
    check(&["p/o/x=1", "p/other=2"], &["a/x=1", "p/y/x=1"], &[("p/o", "p/y")]);
}

#[test]
fn a_file_common_to_all_directories_does_not_hide_where_one_went() {
    let all = |top: &str| (0..200).map(|n| format!("{top}/d{n}/license=common")).collect::<Vec<_>>();
    let old: Vec<String> = all("a").into_iter().chain(["a/d77/own=77".to_owned(), "a/d78/own=78".to_owned()]).collect();
    let mut new = all("b");
    new.remove(3);
    new.extend(["b/d77/own=78".to_owned(), "b/d78/own=77".to_owned()]);
    is(&Files::new(old.iter().map(String::as_str)), &Files::new(new.iter().map(String::as_str)), &[("a", "b")]);
}

#[test]
fn files_very_deep_below_a_directory_say_nothing_about_it_but_about_those_further_down() {
    let deep = "d/".repeat(LEVELS);
    let (old, new) = ([format!("a/{deep}x=1")], [format!("b/{deep}x=1")]);
    is(&Files::new(old.iter().map(String::as_str)), &Files::new(new.iter().map(String::as_str)), &[("a/d", "b/d")]);
}

#[test]
fn many_equal_directories_are_matched_in_time() {
    let names = |top: &str| (0..20_000).map(|n| format!("{top}{n}/same=1")).collect::<Vec<_>>();
    let (old, new) = (names("a"), names("b"));
    let (old, new) = (Files::new(old.iter().map(String::as_str)), Files::new(new.iter().map(String::as_str)));
    assert_eq!(matched(&old.side(), &new.side()).len(), 20_000);
}
