//! A source, a client and a receiver wholly in memory, from a seed: the engines as shipped, the transport a call.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::wire::{self, Request, Response};
use protocol::{ClientName, ContentId, Entry, Lineage, MirrorName, Name, RelPath, StoreId, Timestamp};
use receiver::{Access, Catalogs, MemoryStore, Service, Store, TreeStore};
use scanner::{Filter, plain_change};
use seams::clock::Clock;
use seams::fs::{Directory, FileKind, Fs};
use seams::memory::{ManualClock, Memory};
use seams::parallel::Parallel;
use seams::progress::Unwatched;
use seams::random::{Random, SeededRandom};
use seams::scratch::{InMemory, Pages, Plain, Scratch};
use snapshot_db::Snapshot;
use uploader::{Caller, CompressionLevel, RetryPolicy, Traffic, Transport, TransportError};

use crate::round::{Beat, Delivering, Report, RoundRules};

/// Where the source is.
pub(super) const SOURCE: &str = "/source";

/// Requests go straight to the service, through their bytes; each leaves a line in the trace.
#[derive(Debug)]
pub(super) struct InProcess {
    service: Service,
    pub(super) trace: Mutex<Vec<String>>,
    /// Bytes of all bodies, both ways.
    pub(super) bytes: AtomicU64,
}

impl Transport for InProcess {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let body = request.encode();
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let line = format!("{} {}", request.route(), ContentId::of(&body));
        self.trace.lock().expect("not poisoned").push(line);
        let request = Request::decode(request.route(), &body).expect("what was encoded can be read");
        let caller = receiver::Caller { client: ClientName::local(), access: Access::Full };
        match self.service.answer(&caller, &request) {
            Ok(response) => {
                let body = response.encode();
                self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                Ok(Response::decode(request.route(), &body).expect("can be read"))
            }
            Err(problem) => Err(TransportError::Problem { problem, retry_after: None }),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// A source, a client and a receiver, from a seed.
pub(super) struct World {
    /// The machine's own file system.
    pub(super) fs: Memory,
    /// The file system that the source is on.
    pub(super) disk: Memory,
    pub(super) clock: Arc<ManualClock>,
    pub(super) random: Arc<SeededRandom>,
    pub(super) snapshot: Snapshot,
    pub(super) transport: Arc<InProcess>,
    pub(super) store: Arc<dyn Store>,
    /// How rounds are made.
    pub(super) rules: RoundRules,
    /// How many plain findings a round keeps in memory.
    pub(super) most_in_memory: usize,
}

/// Which store the receiver has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The model.
    Model,
    /// Plain files, on the same file system in memory as the source.
    Tree,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, Kind::Model)
    }

    pub(super) fn with(seed: u64, kind: Kind) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_000_000, 1)));
        let fs = Memory::new(Arc::clone(&clock) as Arc<dyn Clock>);
        fs.make_directory(Path::new("/source")).expect("made");
        fs.make_directory(Path::new("/data")).expect("made");
        let id = StoreId::from_bytes([7; 16]);
        let store: Arc<dyn Store> = match kind {
            Kind::Model => Arc::new(MemoryStore::with_clock(id, Arc::clone(&clock) as Arc<dyn Clock>)),
            Kind::Tree => {
                let clock = Arc::clone(&clock) as Arc<dyn Clock>;
                let opened = TreeStore::open(&fs, Path::new("/data"), id, Catalogs::InMemory, clock);
                Arc::new(opened.expect("a store"))
            }
        };
        let limits = wire::Limits { batch_changes: 65_536, frame_bytes: 4_194_304, concurrent_requests: 8 };
        let service = Service::new(Arc::clone(&store), limits);
        Self {
            disk: fs.clone(),
            fs,
            clock,
            random: Arc::new(SeededRandom::new(seed)),
            snapshot: Snapshot::in_memory(Lineage::from_bytes([1; 16])),
            transport: Arc::new(InProcess { service, trace: Mutex::default(), bytes: AtomicU64::new(0) }),
            store,
            rules: RoundRules::default(),
            most_in_memory: [usize::MAX, 0, 1, 3][usize::try_from(seed % 4).expect("small")],
        }
    }

    /// From now on another store answers, as if the receiver had been restored or replaced.
    pub(super) fn attach(&mut self, store: Arc<dyn Store>) {
        let limits = wire::Limits { batch_changes: 65_536, frame_bytes: 4_194_304, concurrent_requests: 8 };
        let service = Service::new(Arc::clone(&store), limits);
        self.store = store;
        self.transport = Arc::new(InProcess { service, trace: Mutex::default(), bytes: AtomicU64::new(0) });
    }

    /// With the source on a file system of its own, made by `make` and mounted at its place.
    pub(super) fn mounted(seed: u64, make: impl FnOnce(Memory) -> Memory) -> Self {
        let mut world = Self::new(seed);
        world.disk = make(world.fs.another());
        world.mount();
        world
    }

    pub(super) fn mount(&self) {
        self.fs.mount(Path::new(SOURCE), &self.disk).expect("a directory is there");
    }

    pub(super) fn unmount(&self) {
        self.fs.unmount(Path::new(SOURCE)).expect("nobody is there");
    }

    pub(super) fn mirror() -> MirrorName {
        MirrorName::parse(b"source").expect("valid")
    }

    pub(super) fn round(&self) -> Report {
        self.round_by(&self.snapshot, SOURCE, &self.rules)
    }

    pub(super) fn round_as(&self, snapshot: &Snapshot, source: &str, adopt: bool) -> Report {
        self.round_by(snapshot, source, &RoundRules { adopt, ..self.rules.clone() })
    }

    /// A round, and apart from its report what it put into the scratch and delivered.
    pub(super) fn round_apart(&self) -> (Report, Vec<Plain>) {
        let mut report = self.ungathered_round(&self.snapshot, SOURCE, &self.rules);
        let spilled = report.spilled.take();
        let plain = spilled.iter().flat_map(|scratch| Pages::of(&**scratch));
        let plain = plain.map(|plain| plain.expect("memory can be read")).collect();
        (report, plain)
    }

    fn round_by(&self, snapshot: &Snapshot, source: &str, rules: &RoundRules) -> Report {
        gathered(self.ungathered_round(snapshot, source, rules))
    }

    /// Calls the receiver, as a round does.
    pub(super) fn caller(&self) -> Caller {
        self.caller_over(Arc::clone(&self.transport) as Arc<dyn Transport>)
    }

    /// The same over another way to it.
    pub(super) fn caller_over(&self, transport: Arc<dyn Transport>) -> Caller {
        Caller::new(
            transport,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.random) as Arc<dyn Random>,
            RetryPolicy::default(),
            Arc::default(),
        )
    }

    /// A round over another way to the receiver.
    pub(super) fn round_over(&self, transport: Arc<dyn Transport>) -> Report {
        gathered(self.ungathered_by(&self.caller_over(transport), &self.snapshot, SOURCE, &self.rules))
    }

    fn ungathered_round(&self, snapshot: &Snapshot, source: &str, rules: &RoundRules) -> Report {
        self.ungathered_by(&self.caller(), snapshot, source, rules)
    }

    fn ungathered_by(&self, caller: &Caller, snapshot: &Snapshot, source: &str, rules: &RoundRules) -> Report {
        let delivering = Delivering {
            caller,
            random: &*self.random,
            transfers: Parallel::in_order(),
            processors: 1,
            compression: CompressionLevel::Auto,
        };
        let scratch: Arc<dyn Scratch> = Arc::new(InMemory::default());
        self.beat(snapshot, Path::new(source), rules, &scratch).round(&delivering)
    }

    pub(super) fn beat<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        source: &'a Path,
        rules: &'a RoundRules,
        scratch: &'a Arc<dyn Scratch>,
    ) -> Beat<'a> {
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
            scratch,
            most_in_memory: self.most_in_memory,
            stop: &STOP,
            threads: Parallel::in_order(),
            progress: &Unwatched,
        }
    }

    /// A round that must go well, after which the mirror is the source.
    #[track_caller]
    pub(super) fn good_round(&self) -> Report {
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

    pub(super) fn mirrored(&self) -> BTreeMap<RelPath, Entry> {
        self.mirrored_at(None)
    }

    /// What the mirror had at a revision, or has.
    pub(super) fn mirrored_at(&self, revision: Option<u64>) -> BTreeMap<RelPath, Entry> {
        let list = wire::ListAt { mirror: Self::mirror(), revision, after: None };
        let page = self.store.list_at(&ClientName::local(), &list).expect("a list");
        assert!(!page.more, "trees here are small");
        page.entries.into_iter().filter(|listed| !listed.path.is_root()).map(|l| (l.path, l.entry)).collect()
    }

    /// How many files ceased to exist at the mirror in the last 24 hours, by the receiver's count.
    pub(super) fn ended(&self) -> u64 {
        let standing = self.snapshot.standing().expect("readable");
        let contact = wire::Contact { mirror: Self::mirror(), lineage: standing.lineage, head: standing.head };
        self.store.contact(&ClientName::local(), &contact).expect("an answer").ended_files
    }

    pub(super) fn in_source(&self) -> BTreeMap<RelPath, Entry> {
        self.on_disk(SOURCE)
    }

    pub(super) fn on_disk(&self, root: &str) -> BTreeMap<RelPath, Entry> {
        self.on_disk_of(&self.fs, Path::new(root))
    }

    /// What lies in a directory of any file system.
    #[allow(clippy::unused_self)] // Beside the one that it is like.
    pub(super) fn on_disk_of(&self, fs: &dyn Fs, root: &Path) -> BTreeMap<RelPath, Entry> {
        let mut entries = BTreeMap::new();
        collect(&fs.open_root(root).expect("there"), &RelPath::root(), &mut entries);
        entries
    }

    pub(super) fn below(&self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).expect("small")
    }

    /// One random edit among names that collide. Most succeed; one that cannot be is no edit.
    pub(super) fn edit(&self) {
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

/// A report whose changes are all in one list, also those that did not fit in memory.
pub(super) fn gathered(mut report: Report) -> Report {
    let spilled = report.spilled.take();
    let plain = spilled.iter().flat_map(|scratch| Pages::of(&**scratch));
    report.changes.extend(plain.map(|plain| plain_change(plain.expect("memory can be read"))));
    report.changes.sort_by(|a, b| a.path().cmp(b.path()));
    report
}

pub(super) fn listed(tree: &protocol::Tree) -> BTreeMap<RelPath, Entry> {
    tree.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

pub(super) fn collect(directory: &Arc<dyn Directory>, at: &RelPath, entries: &mut BTreeMap<RelPath, Entry>) {
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

pub(super) fn write(world: &World, name: &str, text: &str) {
    write_at(&world.fs, name, text);
}

/// Removes a file or an empty directory.
pub(super) fn remove(world: &World, path: &str) {
    let (directory, last) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = world.fs.open_root(&Path::new(SOURCE).join(directory)).expect("there");
    let name = Name::parse(last.as_bytes()).expect("valid");
    directory.remove_file(&name).or_else(|_| directory.remove_directory(&name)).expect("removed");
}

/// Writes a file at a path in the source, in directories that are made where they are missing.
pub(super) fn write_at(fs: &Memory, path: &str, text: &str) {
    write_bytes(fs, path, text.as_bytes());
}

/// The same of any bytes.
pub(super) fn write_bytes(fs: &Memory, path: &str, bytes: &[u8]) {
    let (directory, last) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = Path::new(SOURCE).join(directory);
    fs.make_directory(&directory).expect("made");
    let directory = fs.open_root(&directory).expect("there");
    let name = Name::parse(last.as_bytes()).expect("valid");
    let file = directory.open_file_for_writing(&name).or_else(|_| directory.create_file(&name)).expect("a file");
    file.set_length(0).and_then(|()| file.write_all_at(bytes, 0)).expect("written");
}

/// How much a test is to do, by `ROUNDSMAN_TEST_SIZE`: `quick`, which is the default, `full` or `long`.
pub(super) fn size(quick: u64, full: u64, long: u64) -> u64 {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => full,
        Ok("long") => long,
        _ => quick,
    }
}
