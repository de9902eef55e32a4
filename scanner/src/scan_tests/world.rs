//! A source in memory, its recorded rows, and words for what a scan of it found.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use protocol::{Change, ContentId, Entry, LinkTarget, Name, RelPath, Timestamp, Tree};
use seams::clock::Clock;
use seams::fs::{Directory, FileKind, Fs};
use seams::known::{FilesystemKey, Known};
use seams::memory::{ManualClock, Memory, Operation, OperationKind};
use seams::parallel::Parallel;
use seams::progress::Unwatched;
use seams::scratch::{InMemory, Pages, Plain};

use super::rows::Rows;
use crate::compare::metadata;
use crate::filter::{Filter, FilterRules};
use crate::finding::Finding;
use crate::plain::plain_change;
use crate::plan::plan;
use crate::scan::{Rules, Scan, ScanError, Scanned};

/// A source, what is recorded of it, and how it is looked at.
pub(super) struct World {
    pub(super) fs: Memory,
    pub(super) clock: Arc<ManualClock>,
    pub(super) rows: Rows,
    pub(super) filter: Filter,
    pub(super) known: Known,
    pub(super) rules: Rules,
    pub(super) one_file_system: bool,
    pub(super) parallel: Parallel,
    /// Where other file systems are mounted, as earlier rounds recorded it.
    pub(super) mounts: BTreeMap<RelPath, FilesystemKey>,
    pub(super) stop: Arc<AtomicBool>,
    /// How many plain findings a scan keeps in memory.
    pub(super) most_in_memory: usize,
}

impl World {
    /// A source `/s` with these files (`a/b=text`) and directories (`a/`), some time ago.
    pub(super) fn new(items: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_000_000, 7)));
        let fs = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>);
        fs.make_directory(Path::new("/s")).expect("made");
        let world = Self {
            fs,
            clock,
            rows: Rows::default(),
            filter: Filter::none(),
            known: Known::default(),
            rules: Rules::default(),
            one_file_system: false,
            parallel: Parallel::in_order(),
            mounts: BTreeMap::new(),
            stop: Arc::default(),
            most_in_memory: items.len() % 4,
        };
        for item in items {
            world.write(item);
        }
        world.clock.advance(Duration::from_secs(60));
        world
    }

    pub(super) fn directory(&self, path: &str) -> Arc<dyn Directory> {
        self.fs.open_root(&Path::new("/s").join(path)).expect("a directory")
    }

    pub(super) fn write(&self, item: &str) {
        write(&self.fs, item);
    }

    pub(super) fn remove(&self, path: &str) {
        remove(&self.fs, path);
    }

    pub(super) fn scan(&self) -> Result<Scanned, ScanError> {
        let scratch = InMemory::default();
        let ids = self.mounts.iter().filter_map(|(path, key)| Some((self.rows.id(path)?, key.clone())));
        let scan = Scan {
            root: self.directory(""),
            recorded_root: Some(self.rows.tree.root().clone()),
            recorded: &self.rows,
            filter: &self.filter,
            one_file_system: self.one_file_system,
            clock: &*self.clock,
            parallel: self.parallel,
            progress: &Unwatched,
            rules: self.rules,
            known: &Known { mounts: ids.collect(), ..self.known.clone() },
            scratch: &scratch,
            most_in_memory: self.most_in_memory,
            recorder: &self.rows,
            stop: &self.stop,
        };
        let scanned = scan.run()?;
        Ok(gathered(scanned, &scratch))
    }

    /// Leaves these out from now on.
    pub(super) fn exclude(&mut self, patterns: &[&str]) {
        let exclude = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        self.filter = Filter::new(&FilterRules { exclude, ..FilterRules::default() }).expect("valid in this test");
    }

    /// A round in which everything is delivered.
    pub(super) fn round(&mut self) -> Scanned {
        let scanned = self.scan().expect("a scan");
        self.rows.acknowledge(&scanned);
        for (path, mount) in &scanned.mounts {
            self.mounts.remove(path);
            self.mounts.extend(mount.clone().map(|key| (path.clone(), key)));
        }
        scanned
    }

    /// Whether the mirror has exactly what the source has.
    pub(super) fn is_delivered(&self) -> bool {
        let (root, mut source) = (self.directory(""), Tree::new());
        contents(&*root, &RelPath::root(), &mut source);
        source.iter().eq(self.rows.tree.iter())
    }

    /// A round in which nothing is delivered, but what it learned is recorded.
    pub(super) fn undelivered_round(&mut self) -> Scanned {
        let scanned = self.scan().expect("a scan");
        self.rows.record_after(&scanned);
        scanned
    }

    /// Does something once, just before an operation of this kind on this path.
    pub(super) fn just_before(&self, kind: OperationKind, path: &str, act: impl Fn(&Memory) + Send + Sync + 'static) {
        let (fs, path, done) = (self.fs.clone(), format!("/s/{path}").into_bytes(), AtomicUsize::new(0));
        self.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            if operation.kind == kind && operation.path == path && done.fetch_add(1, Ordering::Relaxed) == 0 {
                act(&fs);
            }
            None
        })));
    }

    /// Every operation of this kind on this path fails.
    pub(super) fn fail(&self, kind: OperationKind, path: &str, errno: i32) {
        let path = format!("/s/{path}").trim_end_matches('/').as_bytes().to_vec();
        self.fs.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
            (operation.kind == kind && operation.path == path).then(|| io::Error::from_raw_os_error(errno))
        })));
    }
}

/// All that a scan found, also what it put into the scratch; the plan of all is that of both.
fn gathered(mut scanned: Scanned, scratch: &InMemory) -> Scanned {
    let planned = plan(&scanned.findings);
    let plain: Vec<Plain> = Pages::of(scratch).collect::<io::Result<_>>().expect("memory can be read");
    scanned.findings.extend(plain.iter().cloned().map(Finding::from));
    scanned.findings.sort_by(|a, b| a.path().cmp(b.path()));
    let (closed, open): (Vec<Plain>, Vec<Plain>) = plain.into_iter().partition(|plain| planned.is_closed(&plain.path));
    let mut changes: Vec<Change> = planned.changes.into_iter().chain(open.into_iter().map(plain_change)).collect();
    let mut waiting: Vec<RelPath> = planned.waiting.into_iter().chain(closed.into_iter().map(|p| p.path)).collect();
    changes.sort_by(|a, b| a.path().cmp(b.path()).then_with(|| a.kind().cmp(&b.kind())));
    waiting.sort();
    let whole = plan(&scanned.findings);
    assert_eq!((changes, waiting), (whole.changes, whole.waiting), "a plan made in parts is the plan of all");
    scanned
}

/// What a directory holds, as a mirror of it would.
pub(super) fn contents(directory: &dyn Directory, at: &RelPath, tree: &mut Tree) {
    for name in directory.list().expect("listed") {
        let (path, stat) = (at.join(&name).expect("short"), directory.stat(&name).expect("there"));
        let metadata = metadata(&stat);
        let entry = match stat.kind {
            FileKind::Directory => {
                let below = directory.open_directory(&name).expect("opened");
                contents(&*below, &path, tree);
                Entry::Directory { metadata }
            }
            FileKind::Symlink => {
                let target = directory.read_link(&name).expect("a link");
                Entry::Symlink { metadata, target: LinkTarget::parse(&target).expect("a target") }
            }
            FileKind::File => Entry::File { metadata, size: stat.size, content: content(directory, &name, stat.size) },
            FileKind::Special => continue,
        };
        tree.insert(path, entry);
    }
}

fn content(directory: &dyn Directory, name: &Name, size: u64) -> ContentId {
    let mut bytes = vec![0; usize::try_from(size).expect("small")];
    let read = directory.open_file(name).and_then(|file| file.read_at(&mut bytes, 0)).expect("read");
    assert_eq!(read, bytes.len(), "a read of a file in memory is whole");
    ContentId::of(&bytes)
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("valid in this test")
}

pub(super) fn parent_of<'a>(fs: &Memory, path: &'a str) -> (Arc<dyn Directory>, &'a str) {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = Path::new("/s").join(parent);
    fs.make_directory(&parent).expect("made");
    (fs.open_root(&parent).expect("a directory"), last)
}

pub(super) fn write(fs: &Memory, item: &str) {
    let Some((path, text)) = item.split_once('=') else {
        return fs.make_directory(&Path::new("/s").join(item)).expect("made");
    };
    let (parent, last) = parent_of(fs, path);
    let file = parent.open_file_for_writing(&name(last)).or_else(|_| parent.create_file(&name(last))).expect("a file");
    file.set_length(0).expect("cut");
    file.write_all_at(text.as_bytes(), 0).expect("written");
}

pub(super) fn remove(fs: &Memory, path: &str) {
    let (parent, last) = parent_of(fs, path);
    parent.remove_file(&name(last)).or_else(|_| parent.remove_directory(&name(last))).expect("removed");
}

pub(super) fn rename(fs: &Memory, from: &str, to: &str) {
    let ((parent, old), (to_parent, new)) = (parent_of(fs, from), parent_of(fs, to));
    parent.rename(&name(old), &*to_parent, &name(new)).expect("renamed");
}

/// What a plan says, directories' own times left out.
pub(super) fn planned(scanned: &Scanned) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Metadata { .. } => None,
        Change::Move { from, to, .. } => Some(format!("R {from} -> {to}")),
        other => Some(format!("{:?} {}", other.kind(), other.path())),
    };
    plan(&scanned.findings).changes.iter().filter_map(line).collect()
}

pub(super) fn problems(scanned: &Scanned) -> Vec<String> {
    let shown = |finding: &Finding| match finding {
        Finding::Problem { path, .. } => Some(format!("! {path}")),
        Finding::Deferred { path, .. } => Some(format!("~ {path}")),
        Finding::Present { .. } | Finding::Moved { .. } | Finding::Gone { .. } => None,
    };
    scanned.findings.iter().filter_map(shown).collect()
}
