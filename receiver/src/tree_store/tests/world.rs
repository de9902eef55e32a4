//! Data directories to test in, and what really lies in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Entry, Kind, LinkTarget, Metadata, Name, RelPath, StoreId, Timestamp, Tree};
use seams::clock::{Clock, SystemClock};
use seams::disk::Disk;
use seams::fs::{Directory, File, FileKind, Fs, Stat};
use seams::memory::{ManualClock, Memory};
use tempfile::TempDir;

use crate::store::conformance::peer::Peer;
use crate::tree_store::bytes::hash;
use crate::tree_store::step::{directory_mode, file_mode};
use crate::tree_store::{Catalogs, TreeStore};

pub(super) const ID: StoreId = StoreId::from_bytes([7; 16]);

/// A clock that stands at the present until it is told otherwise.
pub(super) fn present() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock::new().now()))
}

/// A store that is wholly in memory.
pub(super) fn in_memory(clock: Arc<dyn Clock>) -> TreeStore {
    let fs = Memory::new(clock.clone());
    fs.make_directory(Path::new("/data")).expect("an absolute path");
    TreeStore::open(&fs, Path::new("/data"), ID, Catalogs::InMemory, clock).expect("the memory will do")
}

/// A data directory on the real disk.
#[derive(Debug)]
pub(super) struct DiskWorld {
    directory: TempDir,
}

impl DiskWorld {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn open(&self) -> TreeStore {
        self.open_at(Arc::new(SystemClock::new()))
    }

    pub(super) fn open_at(&self, clock: Arc<dyn Clock>) -> TreeStore {
        TreeStore::open(&Disk, self.path(), ID, Catalogs::OnDisk, clock).expect("the directory will do")
    }

    pub(super) fn root(&self, peer: &Peer<'_>) -> Arc<dyn Directory> {
        root_of(&Disk, self.path(), peer)
    }
}

/// A file system in memory with real catalogs, so that the store can be closed and opened again.
#[derive(Debug)]
pub(super) struct MemoryWorld {
    pub(super) fs: Memory,
    pub(super) clock: Arc<ManualClock>,
    catalogs: TempDir,
}

impl MemoryWorld {
    /// For clients of these names.
    pub(super) fn new(clients: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_700_000_000, 0)));
        let fs = Memory::new(clock.clone());
        Self::of(fs, clock, clients)
    }

    /// The same, where the inode number of what is gone is given again at once.
    pub(super) fn with_reused_inodes(clients: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_700_000_000, 0)));
        let fs = Memory::new(clock.clone()).with_reused_inodes();
        Self::of(fs, clock, clients)
    }

    fn of(fs: Memory, clock: Arc<ManualClock>, clients: &[&str]) -> Self {
        // Hundreds of stores are opened in some tests: their catalogs need not be durable where memory will do.
        let memory = Path::new("/dev/shm");
        let catalogs = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let catalogs = catalogs.expect("a temporary directory");
        for client in clients {
            let place = catalogs.path().join(client).join(".roundsman");
            std::fs::create_dir_all(place).expect("a place for the catalog");
        }
        fs.make_directory(catalogs.path()).expect("an absolute path");
        Self { fs, clock, catalogs }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.catalogs.path().to_owned()
    }

    pub(super) fn open(&self) -> TreeStore {
        let clock: Arc<dyn Clock> = self.clock.clone();
        TreeStore::open(&self.fs, &self.path(), ID, Catalogs::OnDisk, clock).expect("the memory will do")
    }

    pub(super) fn root(&self, peer: &Peer<'_>) -> Arc<dyn Directory> {
        root_of(&self.fs, &self.path(), peer)
    }

    /// A directory of the receiver's own.
    pub(super) fn own(&self, peer: &Peer<'_>, name: &str) -> Vec<Name> {
        let path = self.path().join(peer.client.as_str()).join(".roundsman").join(name);
        self.fs.open_root(&path).and_then(|directory| directory.list()).expect("our own directory")
    }

    /// Nothing is under way: nothing parked, nothing staged, and nothing was ever taken for somebody else's.
    pub(super) fn is_tidy(&self, store: &TreeStore, peer: &Peer<'_>) {
        assert_eq!(self.own(peer, "parking"), []);
        assert_eq!(self.own(peer, "staging"), []);
        let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
        assert_eq!(client.catalog().count("version WHERE node IS NULL"), 0, "foreign things");
        assert_eq!(client.catalog().count("step"), 0, "steps left to do");
        assert_eq!(client.catalog().count("wanted"), 0, "contents that got lost");
    }
}

fn root_of(fs: &dyn Fs, data: &Path, peer: &Peer<'_>) -> Arc<dyn Directory> {
    let path = data.join(peer.client.as_str()).join(peer.mirror.as_str());
    fs.open_root(&path).expect("the mirror's folder")
}

/// The tree that really lies in a directory. Owners are not on disk and left as they are in `expected`.
pub(super) fn read_tree(root: &Arc<dyn Directory>, expected: &Tree) -> Tree {
    let mut tree = Tree::new();
    let stat = root.own_stat().expect("the root is there");
    tree.set_root(metadata(&stat, Some(expected.root())));
    read_below(root, &RelPath::root(), expected, &mut tree);
    tree
}

fn read_below(directory: &Arc<dyn Directory>, at: &RelPath, expected: &Tree, tree: &mut Tree) {
    for name in directory.list().expect("can be listed") {
        let path = at.join(&name).expect("a short path");
        let stat = directory.stat(&name).expect("is there");
        let metadata = metadata(&stat, expected.get(&path).map(Entry::metadata));
        let entry = match stat.kind {
            FileKind::Directory => Entry::Directory { metadata },
            FileKind::Symlink => {
                let target = directory.read_link(&name).expect("can be read");
                Entry::Symlink { metadata, target: LinkTarget::parse(&target).expect("a target") }
            }
            FileKind::File => {
                let file: Box<dyn File> = directory.open_file(&name).expect("can be opened");
                Entry::File { metadata, size: stat.size, content: hash(&*file).expect("can be read") }
            }
            FileKind::Special => panic!("nobody made a special file"),
        };
        tree.insert(path.clone(), entry);
        if stat.kind == FileKind::Directory {
            read_below(&directory.open_directory(&name).expect("can be opened"), &path, expected, tree);
        }
    }
}

fn metadata(stat: &Stat, expected: Option<&Metadata>) -> Metadata {
    let kept = expected.cloned().unwrap_or_default();
    Metadata { mode: stat.mode, mtime: stat.mtime, ..kept }
}

/// A tree as the disk should hold it: with the modes that are kept there.
pub(super) fn as_on_disk(tree: &Tree) -> Tree {
    let mut disk = Tree::new();
    let mut root = tree.root().clone();
    root.mode = directory_mode(root.mode);
    disk.set_root(root);
    for (path, entry) in tree.iter() {
        let mut entry = entry.clone();
        let mode = match entry.kind() {
            Kind::Directory => directory_mode(entry.metadata().mode),
            Kind::File => file_mode(entry.metadata().mode),
            Kind::Symlink => 0o777,
        };
        entry.metadata_mut().mode = mode;
        disk.insert(path.clone(), entry);
    }
    disk
}

/// The mirror's real files are exactly the tree.
pub(super) fn assert_is(root: &Arc<dyn Directory>, tree: &Tree) {
    let (found, expected) = (read_tree(root, tree), as_on_disk(tree));
    if found != expected {
        let differs = |(path, entry): &(&RelPath, &Entry)| expected.get(path) != Some(entry);
        let wrong: Vec<_> = found.iter().filter(differs).collect();
        let missing: Vec<_> = expected.iter().filter(|(path, _)| found.get(path).is_none()).collect();
        panic!("wrong: {wrong:#?}\nmissing: {missing:#?}\nroot: {:?} {:?}", found.root(), expected.root());
    }
}
