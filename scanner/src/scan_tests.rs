//! Whole scans of a file system in memory, with edits and errors injected at exact operations.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use protocol::{Change, Name, Timestamp, Tree};
use seams::fs::Fs;
use seams::memory::{ManualClock, Memory, Operation, OperationKind};
use seams::progress::Unwatched;
use seams::recorded::{DirectoryId, Forgetful, Row};

use super::*;
use crate::plan::plan;

/// Rows in memory: what a round leaves behind if everything is delivered.
#[derive(Debug, Default)]
struct Rows {
    tree: Tree,
    readings: BTreeMap<RelPath, Reading>,
    ids: Vec<RelPath>,
}

impl Rows {
    fn acknowledge(&mut self, scanned: &Scanned) {
        self.readings.extend(scanned.readings.iter().cloned());
        self.tree = self.tree.apply(&plan(&scanned.findings)).expect("a plan can be applied");
        self.ids = std::iter::once(RelPath::root()).chain(self.tree.iter().map(|(path, _)| path.clone())).collect();
    }
}

impl Recorded for Rows {
    fn rows(&self, directory: DirectoryId) -> io::Result<Vec<Row>> {
        let at = usize::try_from(directory.0).expect("ids here are small");
        let Some(parent) = self.ids.get(at) else { return Ok(Vec::new()) };
        let below = self.tree.iter().filter(|(path, _)| path.parent().as_ref() == Some(parent));
        let row = |(path, entry): (&RelPath, &protocol::Entry)| Row {
            name: path.name().expect("not the root"),
            directory: self.ids.binary_search(path).ok().map(|id| DirectoryId(i64::try_from(id).expect("small"))),
            acknowledged: Some(entry.clone()),
            inode: None,
            reading: self.readings.get(path).cloned(),
        };
        Ok(below.map(row).collect())
    }
}

struct World {
    fs: Memory,
    clock: Arc<ManualClock>,
    rows: Rows,
    filter: Filter,
    known: Known,
}

impl World {
    /// A source `/s` with these files (`a/b=text`) and directories (`a/`), some time ago.
    fn new(items: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_000_000, 7)));
        let fs = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>);
        fs.make_directory(Path::new("/s")).expect("made");
        let world = Self { fs, clock, rows: Rows::default(), filter: Filter::none(), known: Known::default() };
        for item in items {
            world.write(item);
        }
        world.clock.advance(Duration::from_secs(60));
        world
    }

    fn directory(&self, path: &str) -> Arc<dyn Directory> {
        self.fs.open_root(&Path::new("/s").join(path)).expect("a directory")
    }

    fn write(&self, item: &str) {
        write(&self.fs, item);
    }

    fn remove(&self, path: &str) {
        remove(&self.fs, path);
    }

    fn scan(&self) -> Result<Scanned, ScanError> {
        let scan = Scan {
            root: self.directory(""),
            recorded_root: Some(self.rows.tree.root().clone()),
            recorded: &self.rows,
            filter: &self.filter,
            one_file_system: false,
            clock: &*self.clock,
            parallel: Parallel::in_order(),
            progress: &Unwatched,
            rules: Rules::default(),
            known: &self.known,
            recorder: &Forgetful,
            stop: &AtomicBool::new(false),
        };
        scan.run()
    }

    /// A round in which everything is delivered.
    fn round(&mut self) -> Scanned {
        let scanned = self.scan().expect("a scan");
        self.rows.acknowledge(&scanned);
        scanned
    }

    /// Does something once, just before an operation of this kind on this path.
    fn just_before(&self, kind: OperationKind, path: &str, act: impl Fn(&Memory) + Send + Sync + 'static) {
        let (fs, path, done) = (self.fs.clone(), format!("/s/{path}").into_bytes(), AtomicUsize::new(0));
        self.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            if operation.kind == kind && operation.path == path && done.fetch_add(1, Ordering::Relaxed) == 0 {
                act(&fs);
            }
            None
        })));
    }

    /// Every operation of this kind on this path fails.
    fn fail(&self, kind: OperationKind, path: &str, errno: i32) {
        let path = format!("/s/{path}").trim_end_matches('/').as_bytes().to_vec();
        self.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            (operation.kind == kind && operation.path == path).then(|| io::Error::from_raw_os_error(errno))
        })));
    }
}

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("valid in this test")
}

fn parent_of<'a>(fs: &Memory, path: &'a str) -> (Arc<dyn Directory>, &'a str) {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = Path::new("/s").join(parent);
    fs.make_directory(&parent).expect("made");
    (fs.open_root(&parent).expect("a directory"), last)
}

fn write(fs: &Memory, item: &str) {
    let Some((path, text)) = item.split_once('=') else {
        return fs.make_directory(&Path::new("/s").join(item)).expect("made");
    };
    let (parent, last) = parent_of(fs, path);
    let file = parent.open_file_for_writing(&name(last)).or_else(|_| parent.create_file(&name(last))).expect("a file");
    file.set_length(0).expect("cut");
    file.write_all_at(text.as_bytes(), 0).expect("written");
}

fn remove(fs: &Memory, path: &str) {
    let (parent, last) = parent_of(fs, path);
    parent.remove_file(&name(last)).or_else(|_| parent.remove_directory(&name(last))).expect("removed");
}

fn rename(fs: &Memory, from: &str, to: &str) {
    let ((parent, old), (to_parent, new)) = (parent_of(fs, from), parent_of(fs, to));
    parent.rename(&name(old), &*to_parent, &name(new)).expect("renamed");
}

/// What a plan says, directories' own times left out.
fn planned(scanned: &Scanned) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Metadata { .. } => None,
        Change::Move { from, to, .. } => Some(format!("R {from} -> {to}")),
        other => Some(format!("{:?} {}", other.kind(), other.path())),
    };
    plan(&scanned.findings).iter().filter_map(line).collect()
}

fn problems(scanned: &Scanned) -> Vec<String> {
    let shown = |finding: &Finding| match finding {
        Finding::Problem { path, .. } => Some(format!("! {path}")),
        Finding::Deferred { path, .. } => Some(format!("~ {path}")),
        Finding::Present { .. } | Finding::Gone { .. } => None,
    };
    scanned.findings.iter().filter_map(shown).collect()
}

const EACCES: i32 = 13;
const EIO: i32 = 5;
const EMFILE: i32 = 24;

#[test]
fn an_unchanged_tree_is_not_opened_and_gives_an_empty_plan() {
    let mut world = World::new(&["a=1", "d/b=2", "d/e"]);
    assert_eq!(planned(&world.round()), ["Create a", "Create d", "Create d/b", "Create d/e"]);
    let again = world.round();
    assert!(again.findings.is_empty(), "{:?}", again.findings);
    assert_eq!((again.counts.files, again.counts.files_opened), (2, 0));
}

#[test]
fn an_unreadable_directory_deletes_nothing_and_everything_else_goes_on() {
    let failures = [
        (OperationKind::OpenDirectory, "d", EACCES),
        (OperationKind::List, "d", EIO),
        (OperationKind::ListNext, "d/c", EIO),
    ];
    for (kind, path, errno) in failures {
        let mut world = World::new(&["a=1", "d/b=2", "d/c=3", "d/e/f=4", "z=5"]);
        world.round();
        world.write("a=11");
        world.remove("z");
        world.fail(kind, path, errno);
        let scanned = world.scan().expect("a scan");
        assert_eq!(planned(&scanned), ["Modify a", "Delete z"], "{kind:?}");
        assert_eq!(problems(&scanned), ["! d"], "{kind:?}");
    }
}

#[test]
fn a_file_that_cannot_be_looked_at_or_read_is_a_problem_never_a_delete() {
    for kind in [OperationKind::Stat, OperationKind::OpenFile, OperationKind::Read] {
        let mut world = World::new(&["a=1", "b=2"]);
        world.round();
        world.write("a=11");
        world.fail(kind, "a", EACCES);
        let scanned = world.scan().expect("a scan");
        assert_eq!(planned(&scanned), Vec::<String>::new(), "{kind:?}");
        assert_eq!(problems(&scanned), ["! a"], "{kind:?}");
    }
}

#[test]
fn running_out_of_descriptors_is_a_problem_of_the_round_never_of_a_path() {
    let world = World::new(&["d/b=2"]);
    world.fail(OperationKind::OpenDirectory, "d", EMFILE);
    assert!(matches!(world.scan(), Err(ScanError::Exhausted(_))));
}

#[test]
fn a_file_that_vanishes_between_listing_and_reading_is_deleted_in_the_same_round_and_said() {
    let mut world = World::new(&["a=1", "b=2"]);
    world.round();
    world.write("a=11");
    world.just_before(OperationKind::OpenFile, "a", |fs| remove(fs, "a"));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Delete a"]);
    assert_eq!(problems(&scanned), ["~ a"]);
}

#[test]
fn a_file_that_comes_back_before_the_second_look_is_not_deleted() {
    let mut world = World::new(&["a=1", "d/x=2"]);
    world.round();
    rename(&world.fs, "a", "hidden");
    // The walk lists the root before it opens `d`: then the file comes back.
    world.just_before(OperationKind::OpenDirectory, "d", |fs| rename(fs, "hidden", "a"));
    let scanned = world.scan().expect("a scan");
    assert!(!planned(&scanned).contains(&"Delete a".to_owned()), "{:?}", planned(&scanned));
}

#[test]
fn a_directory_that_cannot_be_looked_at_again_keeps_its_files() {
    let mut world = World::new(&["d/a=1", "d/b=2"]);
    world.round();
    world.remove("d/a");
    let opened = AtomicUsize::new(0);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let opens = operation.kind == OperationKind::OpenDirectory && operation.path == b"/s/d";
        (opens && opened.fetch_add(1, Ordering::Relaxed) > 1).then(|| io::Error::from_raw_os_error(EIO))
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), Vec::<String>::new());
    assert_eq!(problems(&scanned), ["! d"]);
}

#[test]
fn a_file_that_keeps_changing_is_deferred_and_not_recorded() {
    let mut world = World::new(&["a=1111"]);
    world.round();
    let (fs, count) = (world.fs.clone(), AtomicUsize::new(0));
    world.write("a=2222");
    let clock = Arc::clone(&world.clock);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read && operation.path == b"/s/a" {
            clock.advance(Duration::from_millis(50));
            write(&fs, &format!("a={:04}", count.fetch_add(1, Ordering::Relaxed)));
        }
        None
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(problems(&scanned), ["~ a"]);
    assert!(scanned.readings.is_empty());
    assert_eq!(planned(&scanned), Vec::<String>::new());
}

#[test]
fn a_file_that_only_grows_is_delivered_at_a_length_it_had() {
    let world = World::new(&["log=one"]);
    let (fs, clock) = (world.fs.clone(), Arc::clone(&world.clock));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::Read && operation.path == b"/s/log" {
            clock.advance(Duration::from_millis(50));
            let (parent, last) = parent_of(&fs, "log");
            let size = parent.stat(&name(last)).expect("there").size;
            let file = parent.open_file_for_writing(&name(last)).expect("a file");
            file.write_all_at(b"more", size).expect("appended");
        }
        None
    })));
    let scanned = world.scan().expect("a scan");
    let [Change::Metadata { .. }, Change::Create { entry, .. }] = &plan(&scanned.findings)[..] else {
        panic!("the root and one new file: {:?}", scanned.findings)
    };
    assert_eq!(entry.content(), Some((protocol::ContentId::of(b"one"), 3)));
    assert_eq!(scanned.readings[0].1.trust, seams::recorded::Trust::Unproven);
}

#[test]
fn a_same_size_edit_right_after_a_read_is_seen_in_the_next_round() {
    let mut world = World::new(&[]);
    world.fs = world.fs.clone().with_granularity(Duration::from_secs(1));
    world.write("a=1");
    world.round();
    world.write("a=2");
    assert_eq!(planned(&world.round()), ["Modify a"], "the same second, size and inode");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.round().counts.files_opened, 1, "read a second time, now long after its stamps");
    assert_eq!(world.round().counts.files_opened, 0);
}

#[test]
fn what_is_excluded_is_neither_delivered_nor_deleted() {
    let mut world = World::new(&["keep=1", "x.tmp=2", "build/y=3"]);
    world.round();
    let exclude = vec!["*.tmp".to_owned(), "build/".to_owned()];
    world.filter = Filter::new(&crate::FilterRules { exclude, ..crate::FilterRules::default() }).expect("valid");
    world.write("new.tmp=4");
    world.remove("build/y");
    assert_eq!(planned(&world.round()), Vec::<String>::new());
}

#[test]
fn what_is_excluded_stays_at_the_mirror_also_when_it_is_gone_and_so_do_its_directories() {
    let mut world = World::new(&["a.tmp=1", "d/e/b.tmp=2", "d/e/c=3", "d/f/g=4", "build/h=5", "k=6"]);
    world.round();
    let exclude = vec!["*.tmp".to_owned(), "build/".to_owned()];
    world.filter = Filter::new(&crate::FilterRules { exclude, ..crate::FilterRules::default() }).expect("valid");
    for path in ["a.tmp", "d/e/b.tmp", "d/e/c", "d/e", "d/f/g", "d/f", "d", "build/h", "build", "k"] {
        world.remove(path);
    }
    world.write("stays=7");
    let deleted: Vec<_> = planned(&world.round()).into_iter().filter(|line| line.starts_with("Delete")).collect();
    assert_eq!(deleted, ["Delete d/e/c", "Delete d/f", "Delete k"]);
}

#[test]
fn special_files_are_counted_and_never_opened_and_take_the_place_of_files() {
    let mut world = World::new(&["a=1"]);
    world.round();
    world.remove("a");
    world.fs.make_special(Path::new("/s/a")).expect("made");
    world.fs.make_special(Path::new("/s/b")).expect("made");
    let scanned = world.round();
    assert_eq!(planned(&scanned), ["Delete a"]);
    assert_eq!((scanned.counts.special, scanned.counts.files_opened), (2, 0));
}

#[test]
fn a_renamed_directory_brings_its_files_along_by_their_content() {
    let mut world = World::new(&["d/a=1", "d/b=22"]);
    world.round();
    rename(&world.fs, "d", "e");
    assert_eq!(planned(&world.round()), ["Delete d", "Create e", "R d/a -> e/a", "R d/b -> e/b"]);
}

#[test]
fn a_tree_deeper_than_the_held_descriptors_and_the_walks_reach_is_seen_whole() {
    let deep: String = (0..200).map(|n| format!("d{n:03}/")).collect();
    let mut world = World::new(&[&format!("{deep}leaf=1"), "d000/z=2", "d000/d001/y=3"]);
    world.fs = world.fs.clone().with_walk_reach(300);
    let scanned = world.round();
    assert_eq!(scanned.counts.files, 3);
    assert_eq!(planned(&scanned).len(), 203);
    assert!(world.round().findings.is_empty());
}

#[test]
fn several_threads_find_what_one_finds() {
    let items: Vec<String> = (0..300).map(|n| format!("d{}/e{}/f{n}={n}", n % 7, n % 3)).collect();
    let mut world = World::new(&items.iter().map(String::as_str).collect::<Vec<_>>());
    let one = planned(&world.scan().expect("a scan"));
    let scan = Scan {
        root: world.directory(""),
        recorded_root: None,
        recorded: &world.rows,
        filter: &world.filter,
        one_file_system: false,
        clock: &*world.clock,
        parallel: Parallel::new(4),
        progress: &Unwatched,
        rules: Rules::default(),
        known: &world.known,
        recorder: &Forgetful,
        stop: &AtomicBool::new(false),
    };
    assert_eq!(planned(&scan.run().expect("a scan")), one);
    assert_eq!(world.round().counts.files, 300);
}

#[test]
fn a_directory_that_cannot_be_opened_again_lends_its_name_to_no_other() {
    let deep: String = (0..60).map(|n| format!("d{n:03}/")).collect();
    let mut world =
        World::new(&["README=the root's", "d000/d001/README=another", &format!("{deep}leaf=1"), "d000/d001/z=2"]);
    world.round();
    world.write("d000/d001/README=edited");
    world.write("README=the root's, edited");
    let opened = AtomicUsize::new(0);
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        let opens = operation.kind == OperationKind::OpenDirectory && operation.path == b"/s/d000/d001";
        (opens && opened.fetch_add(1, Ordering::Relaxed) > 0).then(|| io::Error::from_raw_os_error(EIO))
    })));
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Modify README"]);
    assert_eq!(problems(&scanned), ["! d000/d001"]);
}

#[test]
fn a_directory_that_vanishes_while_the_round_runs_is_deleted_and_no_problem() {
    let mut world = World::new(&["d/a=1", "e=2"]);
    world.round();
    world.just_before(OperationKind::OpenDirectory, "d", |fs| {
        remove(fs, "d/a");
        remove(fs, "d");
    });
    let scanned = world.scan().expect("a scan");
    assert_eq!(planned(&scanned), ["Delete d"]);
    assert_eq!(problems(&scanned), ["~ d"]);
}
