//! Rounds wholly in memory: the client's engine and the receiver's, as shipped, over a transport that is a call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use protocol::wire::{Request, Response};
use protocol::{ClientName, ContentId, Entry, Lineage, Name, RelPath, StoreId, Timestamp};
use receiver::{Access, Catalogs, MemoryStore, Service, Store, TreeStore};
use scanner::RootTrouble;
use seams::fs::FileKind;
use seams::memory::{ManualClock, Memory, OperationKind};
use seams::progress::Unwatched;
use seams::random::SeededRandom;
use uploader::{DeliverError, RetryPolicy, Transport, TransportError};

use super::*;

/// Requests go straight to the service, through their bytes; each leaves a line in the trace.
#[derive(Debug)]
struct InProcess {
    service: Service,
    trace: Mutex<Vec<String>>,
}

impl Transport for InProcess {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let body = request.encode();
        let line = format!("{} {}", request.route(), ContentId::of(&body));
        self.trace.lock().expect("not poisoned").push(line);
        let request = Request::decode(request.route(), &body).expect("what was encoded can be read");
        let caller = receiver::Caller { client: ClientName::local(), access: Access::Full };
        match self.service.answer(&caller, &request) {
            Ok(response) => Ok(Response::decode(request.route(), &response.encode()).expect("can be read")),
            Err(problem) => Err(TransportError::Problem { problem, retry_after: None }),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// A source, a client and a receiver, from a seed.
struct World {
    fs: Memory,
    clock: Arc<ManualClock>,
    random: Arc<SeededRandom>,
    snapshot: Snapshot,
    transport: Arc<InProcess>,
    store: Arc<dyn Store>,
}

/// Which store the receiver has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The model.
    Model,
    /// Plain files, on the same file system in memory as the source.
    Tree,
}

impl World {
    fn new(seed: u64) -> Self {
        Self::with(seed, Kind::Model)
    }

    fn with(seed: u64, kind: Kind) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_000_000, 1)));
        let fs = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>);
        fs.make_directory(Path::new("/source")).expect("made");
        fs.make_directory(Path::new("/data")).expect("made");
        let id = StoreId::from_bytes([7; 16]);
        let store: Arc<dyn Store> = match kind {
            Kind::Model => Arc::new(MemoryStore::new(id)),
            Kind::Tree => {
                let clock = Arc::clone(&clock) as Arc<dyn Clock>;
                let opened = TreeStore::open(&fs, Path::new("/data"), id, Catalogs::InMemory, clock);
                Arc::new(opened.expect("a store"))
            }
        };
        let limits = wire::Limits { batch_changes: 65_536, frame_bytes: 4_194_304, concurrent_requests: 8 };
        let service = Service::new(Arc::clone(&store), limits);
        Self {
            fs,
            clock,
            random: Arc::new(SeededRandom::new(seed)),
            snapshot: Snapshot::in_memory(Lineage::from_bytes([1; 16])),
            transport: Arc::new(InProcess { service, trace: Mutex::default() }),
            store,
        }
    }

    fn mirror() -> MirrorName {
        MirrorName::parse(b"source").expect("valid")
    }

    fn round(&self) -> Report {
        self.round_as(&self.snapshot, "/source", false)
    }

    fn round_as(&self, snapshot: &Snapshot, source: &str, adopt: bool) -> Report {
        let caller = Caller::new(
            Arc::clone(&self.transport) as Arc<dyn Transport>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.random) as Arc<dyn Random>,
            RetryPolicy::default(),
            Arc::new(AtomicBool::new(false)),
        );
        let delivering = Delivering { caller: &caller, random: &*self.random, transfers: Parallel::in_order() };
        let rules = RoundRules { adopt, ..RoundRules::default() };
        self.beat(snapshot, Path::new(source), &rules).round(&delivering)
    }

    fn beat<'a>(&'a self, snapshot: &'a Snapshot, source: &'a Path, rules: &'a RoundRules) -> Beat<'a> {
        static STOP: AtomicBool = AtomicBool::new(false);
        static NOTHING: std::sync::LazyLock<Filter> = std::sync::LazyLock::new(Filter::none);
        static MIRROR: std::sync::LazyLock<MirrorName> = std::sync::LazyLock::new(World::mirror);
        Beat {
            fs: &self.fs,
            clock: &*self.clock,
            mirror: &MIRROR,
            source,
            host: "test",
            snapshot,
            filter: &NOTHING,
            one_file_system: false,
            rules,
            stop: &STOP,
            threads: Parallel::in_order(),
            progress: &Unwatched,
        }
    }

    /// A round that must go well, after which the mirror is the source.
    #[track_caller]
    fn good_round(&self) -> Report {
        let report = self.round();
        assert!(report.failure.is_none(), "{:?}", report.failure);
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        assert_eq!(self.mirrored(), self.in_source(), "the mirror is the source");
        assert_eq!(
            listed(&self.snapshot.acknowledged_tree().expect("readable")),
            self.mirrored(),
            "so is the snapshot"
        );
        report
    }

    fn mirrored(&self) -> BTreeMap<RelPath, Entry> {
        let list = wire::ListAt { mirror: Self::mirror(), revision: None, after: None };
        let page = self.store.list_at(&ClientName::local(), &list).expect("a list");
        assert!(!page.more, "trees here are small");
        page.entries.into_iter().filter(|listed| !listed.path.is_root()).map(|l| (l.path, l.entry)).collect()
    }

    fn in_source(&self) -> BTreeMap<RelPath, Entry> {
        self.on_disk("/source")
    }

    fn on_disk(&self, root: &str) -> BTreeMap<RelPath, Entry> {
        let mut entries = BTreeMap::new();
        collect(&self.fs.open_root(Path::new(root)).expect("there"), &RelPath::root(), &mut entries);
        entries
    }

    fn below(&self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).expect("small")
    }

    /// One random edit among names that collide. Most succeed; one that cannot be is no edit.
    fn edit(&self) {
        let place = |world: &Self| -> (Arc<dyn Directory>, Name) {
            let parents = ["/source", "/source/a", "/source/b", "/source/a/b"];
            let parent = self.fs.open_root(Path::new(parents[world.below(4)]));
            let parent = parent.unwrap_or_else(|_| self.fs.open_root(Path::new("/source")).expect("there"));
            (parent, Name::parse(["a", "b", "c"][world.below(3)].as_bytes()).expect("valid"))
        };
        let (parent, name) = place(self);
        let text = ["", "1", "22", "333", "4444"][self.below(5)];
        let done = match self.below(8) {
            0 => parent.create_directory(&name),
            1 | 2 => parent.create_file(&name).and_then(|file| file.write_all_at(text.as_bytes(), 0)),
            3 => parent.open_file_for_writing(&name).and_then(|file| {
                file.set_length(0)?;
                file.write_all_at(text.as_bytes(), 0)
            }),
            4 => {
                let (to, new) = place(self);
                parent.rename(&name, &*to, &new)
            }
            5 => parent.remove_file(&name).or_else(|_| parent.remove_directory(&name)),
            6 => parent.create_symlink(&name, if text.is_empty() { b"x" } else { text.as_bytes() }),
            _ => parent.open_file_for_writing(&name).and_then(|file| file.set_mode(0o600 + u16::from(text.len() > 2))),
        };
        drop(done);
    }
}

fn listed(tree: &protocol::Tree) -> BTreeMap<RelPath, Entry> {
    tree.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

fn collect(directory: &Arc<dyn Directory>, at: &RelPath, entries: &mut BTreeMap<RelPath, Entry>) {
    for name in directory.list().expect("a list") {
        let path = at.join(&name).expect("short");
        let stat = directory.stat(&name).expect("there");
        let metadata =
            protocol::Metadata { mode: stat.mode, mtime: stat.mtime, uid: stat.uid, gid: stat.gid, attributes: vec![] };
        let entry = match stat.kind {
            FileKind::Directory => {
                collect(&directory.open_directory(&name).expect("there"), &path, entries);
                Entry::Directory { metadata }
            }
            FileKind::File => {
                let mut bytes = vec![0; usize::try_from(stat.size).expect("small")];
                directory.open_file(&name).and_then(|file| file.read_at(&mut bytes, 0)).expect("readable");
                Entry::File { metadata, size: stat.size, content: ContentId::of(&bytes) }
            }
            FileKind::Symlink => {
                let target = directory.read_link(&name).expect("readable");
                Entry::Symlink { metadata, target: protocol::LinkTarget::parse(&target).expect("valid") }
            }
            FileKind::Special => continue,
        };
        entries.insert(path, entry);
    }
}

/// Ten rounds with edits between them; everything that was said and sent.
fn ten_rounds(seed: u64) -> Vec<String> {
    let world = World::new(seed);
    write(&world, "kept", "always there");
    let mut trace = Vec::new();
    for _ in 0..10 {
        for _ in 0..world.below(12) {
            world.edit();
            world.clock.advance(Duration::from_millis(world.random.below(30)));
        }
        let report = world.good_round();
        trace.push(format!("{:?} {} {}", report.changes, report.revision, report.bytes_read));
        trace.append(&mut world.transport.trace.lock().expect("not poisoned"));
    }
    trace
}

fn write(world: &World, name: &str, text: &str) {
    let root = world.fs.open_root(Path::new("/source")).expect("there");
    let name = Name::parse(name.as_bytes()).expect("valid");
    let file = root.open_file_for_writing(&name).or_else(|_| root.create_file(&name)).expect("a file");
    file.set_length(0).and_then(|()| file.write_all_at(text.as_bytes(), 0)).expect("written");
}

fn remove(world: &World, name: &str) {
    let root = world.fs.open_root(Path::new("/source")).expect("there");
    root.remove_file(&Name::parse(name.as_bytes()).expect("valid")).expect("removed");
}

#[test]
fn ten_rounds_in_memory_leave_the_same_trace_twice() {
    assert_eq!(ten_rounds(42), ten_rounds(42));
    assert_ne!(ten_rounds(42), ten_rounds(43), "the trace says what happened");
}

/// As the tree store keeps an entry on disk: readable by its owner, its owner the receiver's.
fn as_kept(entry: &Entry) -> Entry {
    let mut kept = entry.clone();
    let metadata = kept.metadata_mut();
    (metadata.uid, metadata.gid) = (0, 0);
    metadata.mode = match entry.kind() {
        protocol::Kind::Directory => metadata.mode & 0o1777 | 0o700,
        protocol::Kind::File => metadata.mode & 0o1777 | 0o400,
        protocol::Kind::Symlink => metadata.mode,
    };
    kept
}

#[test]
fn after_every_round_of_a_thousand_random_histories_the_mirror_on_disk_is_the_source() {
    for seed in 0..1_000 {
        let world = World::with(seed, Kind::Tree);
        write(&world, "kept", "always there");
        for _ in 0..4 {
            for _ in 0..1 + world.below(6) {
                world.edit();
                // Also within one tick of the clock.
                world.clock.advance(Duration::from_millis(world.random.below(3) * 15));
            }
            world.good_round();
            let expected: BTreeMap<_, _> =
                world.in_source().iter().map(|(path, e)| (path.clone(), as_kept(e))).collect();
            assert_eq!(world.on_disk("/data/local/source"), expected, "seed {seed}");
        }
    }
}

#[test]
fn an_unchanged_round_asks_twice_reads_nothing_and_changes_nothing() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.clock.advance(Duration::from_secs(10));
    world.good_round();
    world.transport.trace.lock().expect("not poisoned").clear();
    let report = world.good_round();
    assert_eq!((report.changes.len(), report.bytes_read, report.counts.files_opened), (0, 0, 0));
    assert_eq!(world.transport.trace.lock().expect("not poisoned").len(), 2, "hello and contact");
}

#[test]
fn an_emptied_source_stops_the_round_and_deletes_nothing() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    remove(&world, "a");
    let report = world.round();
    assert!(matches!(report.failure, Some(RoundError::Root(RootTrouble::Emptied))), "{:?}", report.failure);
    assert_eq!(world.mirrored(), before);
}

#[test]
fn another_file_system_at_the_sources_path_stops_the_round_before_anything_is_compared() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    let other = seams::fs::FilesystemIdentity { kind: "xfs".into(), id: vec![9], local: true, stable_inodes: true };
    world.fs.set_filesystem(other);
    write(&world, "a", "22");
    let report = world.round();
    assert!(matches!(report.failure, Some(RoundError::Root(RootTrouble::OtherFilesystem { .. }))));
    assert_eq!((report.counts.files, world.mirrored()), (0, before));
    assert!(world.round_as(&world.snapshot, "/source", true).failure.is_none(), "unless a person says so");
}

#[test]
fn a_second_source_of_the_same_name_is_refused_and_both_are_named() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let before = world.mirrored();
    world.fs.make_directory(Path::new("/other/source/x")).expect("made");
    let fresh = Snapshot::in_memory(Lineage::from_bytes([2; 16]));
    let report = world.round_as(&fresh, "/other/source", false);
    let message = report.failure.expect("refused").to_string();
    assert_eq!(message, "the mirror `source` is the copy of /source on test, not of /other/source on test");
    assert_eq!(world.mirrored(), before);
    world.good_round();
}

#[test]
fn a_lost_snapshot_is_rebuilt_and_only_what_differs_is_sent() {
    let world = World::new(1);
    write(&world, "a", "1");
    write(&world, "b", "2");
    world.good_round();
    write(&world, "b", "changed");
    let fresh = Snapshot::in_memory(Lineage::from_bytes([2; 16]));
    let report = world.round_as(&fresh, "/source", false);
    assert!(report.failure.is_none(), "{:?}", report.failure);
    let paths: Vec<String> = report.changes.iter().map(|change| change.path().to_string()).collect();
    assert_eq!(paths, ["b"]);
    assert_eq!(world.mirrored(), world.in_source());
    let fenced = world.round();
    assert!(matches!(fenced.failure, Some(RoundError::Deliver(DeliverError::Fenced { .. }))), "{:?}", fenced.failure);
}

#[test]
fn a_dry_run_says_what_a_round_would_do_and_asks_nobody() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    world.clock.advance(Duration::from_secs(10));
    write(&world, "b", "2");
    world.transport.trace.lock().expect("not poisoned").clear();
    let source = PathBuf::from("/source");
    let report = world.beat(&world.snapshot, &source, &RoundRules::default()).dry_run();
    let shown: Vec<String> =
        report.changes.iter().map(|change| format!("{:?} {}", change.kind(), change.path())).collect();
    assert_eq!(shown, ["Metadata .", "Create b"]);
    assert!(world.transport.trace.lock().expect("not poisoned").is_empty());
    assert_eq!(world.good_round().changes, report.changes);
}

#[test]
fn a_file_that_changes_while_it_is_sent_waits_and_its_old_version_stays_whole() {
    let world = World::new(1);
    write(&world, "a", "old bytes");
    write(&world, "z", "1");
    world.good_round();
    write(&world, "a", "new bytes");
    write(&world, "z", "2");
    let (fs, reads) = (world.fs.clone(), std::sync::atomic::AtomicUsize::new(0));
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &seams::memory::Operation| {
        // Twice read to compare and to know it, the third time to send it.
        let is_read = operation.kind == OperationKind::OpenFile && operation.path == b"/source/a";
        if is_read && reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            let root = fs.open_root(Path::new("/source")).expect("there");
            let file = root.open_file_for_writing(&Name::parse(b"a").expect("valid")).expect("there");
            file.write_all_at(b"NEWER", 0).expect("written");
        }
        None
    })));
    let report = world.round();
    world.fs.set_fault_hook(None);
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert_eq!(report.deferred.len(), 1, "{:?}", report.deferred);
    let a = RelPath::parse(b"a").expect("valid");
    assert_eq!(world.mirrored()[&a].content(), Some((ContentId::of(b"old bytes"), 9)));
    world.good_round();
}

#[test]
fn bytes_that_changed_without_a_trace_before_they_were_sent_are_read_again_and_arrive() {
    let world = World::new(1);
    write(&world, "a", "old bytes");
    world.good_round();
    world.clock.advance(Duration::from_secs(10));
    write(&world, "a", "new bytes");
    world.clock.advance(Duration::from_secs(10));
    let (fs, reads) = (world.fs.clone(), std::sync::atomic::AtomicUsize::new(0));
    let stamped = world.fs.open_root(Path::new("/source")).expect("there").stat(&Name::parse(b"a").expect("valid"));
    let clock = Arc::clone(&world.clock);
    let (stamp, now) = (stamped.expect("there").mtime, world.clock.now());
    world.fs.set_fault_hook(Some(Arc::new(move |operation: &seams::memory::Operation| {
        let is_read = operation.kind == OperationKind::OpenFile && operation.path == b"/source/a";
        if is_read && reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            // As a store through mmap does: neither time moves.
            clock.set_wall(stamp);
            let root = fs.open_root(Path::new("/source")).expect("there");
            let file = root.open_file_for_writing(&Name::parse(b"a").expect("valid")).expect("there");
            file.write_all_at(b"NEWER", 0).expect("written");
            clock.set_wall(now);
        }
        None
    })));
    assert_eq!(world.round().deferred.len(), 1);
    world.fs.set_fault_hook(None);
    world.good_round();
}
