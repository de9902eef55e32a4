//! The scratch database does what the one in memory does, and leaves no file.

use proptest::prelude::*;
use protocol::{ContentId, Metadata};
use seams::scratch::InMemory;

use super::*;

/// A finding of one of few paths, among them such as sort otherwise by their bytes.
fn finding(number: u8, inode: u64) -> Plain {
    let path = ["a", "a/b", "a-b", "a/b/c", "b", "a/\x01", "b/\u{fc}"][usize::from(number % 7)];
    let metadata = Metadata { mode: 0o644, ..Metadata::default() };
    let now = Entry::File { metadata: metadata.clone(), size: inode, content: ContentId::of(&[number]) };
    let was = number.is_multiple_of(2).then_some(Entry::Directory { metadata });
    Plain { path: RelPath::parse(path.as_bytes()).expect("valid"), was, now, old_inode: Some(u64::MAX), inode }
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u8, u64)>),
    Take(Vec<u8>),
    Page(Option<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        prop::collection::vec((any::<u8>(), any::<u64>()), 0..5).prop_map(Step::Put),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Step::Take),
        prop::option::of(any::<u8>()).prop_map(Step::Page),
    ];
    prop::collection::vec(step, 0..12)
}

fn answer(scratch: &dyn Scratch, step: &Step) -> Vec<Plain> {
    let path = |number: &u8| finding(*number, 0).path;
    match step {
        Step::Put(findings) => {
            scratch.put(findings.iter().map(|(number, inode)| finding(*number, *inode)).collect()).expect("put");
            Vec::new()
        }
        Step::Take(numbers) => scratch.take(&numbers.iter().map(path).collect::<Vec<_>>()).expect("taken"),
        Step::Page(after) => scratch.page(after.as_ref().map(path).as_ref()).expect("a page"),
    }
}

proptest! {
    #[test]
    fn on_disk_findings_are_kept_as_in_memory(steps in steps()) {
        let (disk, memory) = (ScratchDatabase::unnamed(), InMemory::default());
        for step in &steps {
            prop_assert_eq!(answer(&disk, step), answer(&memory, step));
        }
        prop_assert_eq!(answer(&disk, &Step::Page(None)), answer(&memory, &Step::Page(None)));
    }
}

#[test]
fn pages_follow_each_other_in_the_order_of_paths() {
    let scratch = ScratchDatabase::unnamed();
    let number = |number: usize| Plain {
        path: RelPath::parse(format!("{:05}", (number * 7_919) % 20_011).as_bytes()).expect("valid"),
        ..finding(1, 0)
    };
    scratch.put((0..2 * PAGE + 1).map(number).collect()).expect("put");
    let (first, all) = (scratch.page(None).expect("a page"), seams::scratch::Pages::of(&scratch));
    assert_eq!(first.len(), PAGE);
    let all: Vec<RelPath> = all.map(|finding| finding.expect("read").path).collect();
    assert_eq!(all.len(), 2 * PAGE + 1);
    assert!(all.is_sorted());
}

#[test]
fn no_file_is_left_not_even_while_it_is_in_use_and_what_a_kill_left_is_written_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("scratch.db");
    std::fs::write(&path, b"what a kill left").expect("written");
    let scratch = ScratchDatabase::at(path);
    assert_eq!(scratch.page(None).expect("a page"), []);
    scratch.put((0..7).map(|number| finding(number, 1)).collect()).expect("put");
    assert_eq!(scratch.page(None).expect("a page").len(), 7);
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0);
}

#[test]
fn what_cannot_be_made_says_where_and_why() {
    let scratch = ScratchDatabase::at(PathBuf::from("/nowhere/scratch.db"));
    let error = scratch.put(vec![finding(1, 1)]).expect_err("there is no such directory");
    assert!(error.to_string().contains("/nowhere/scratch.db"), "{error}");
}
