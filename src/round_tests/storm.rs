//! A storm of renames while rounds run: whatever is renamed whenever, nothing that was there throughout leaves the
//! mirror, neither a content nor a name, and once the storm is over the mirror is the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use protocol::{ContentId, Name, RelPath};
use scanner::Limit;
use seams::fs::{Directory, FileKind, Fs};
use seams::memory::{ManualClock, Memory, Operation};
use seams::random::{Random, SeededRandom};

use super::world::{SOURCE, World, size, write_at};

/// Files that are saved again and again, as editors do it: another file takes their place. Nothing else renames them.
const SAVED: [&str; 4] = ["save0", "save1", "save2", "save3"];

/// Renames something at random just before some of the operations of whoever uses the file system.
struct Storm {
    fs: Memory,
    clock: Arc<ManualClock>,
    random: SeededRandom,
    /// Whether it is renaming: its own operations are left in peace.
    busy: AtomicBool,
    /// One of so many operations is preceded by a rename.
    rarity: AtomicU64,
    renames: AtomicU64,
    seed: u64,
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, {} renames", self.seed, self.renames.load(Ordering::Relaxed))
    }
}

impl Storm {
    fn over(world: &World, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            fs: world.fs.clone(),
            clock: Arc::clone(&world.clock),
            random: SeededRandom::new(seed),
            busy: AtomicBool::new(false),
            rarity: AtomicU64::new(u64::MAX),
            renames: AtomicU64::new(0),
            seed,
        })
    }

    fn begin(self: &Arc<Self>) {
        let storm = Arc::clone(self);
        self.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
            storm.blow();
            None
        })));
    }

    fn blow(&self) {
        let is_its_own = self.busy.swap(true, Ordering::Relaxed);
        if is_its_own {
            return;
        }
        if self.random.below(self.rarity.load(Ordering::Relaxed)) == 0 {
            self.clock.advance(Duration::from_millis(self.random.below(6)));
            let renamed = if self.random.below(8) == 0 { self.save() } else { self.rename() };
            self.renames.fetch_add(u64::from(renamed.is_ok()), Ordering::Relaxed);
        }
        self.busy.store(false, Ordering::Relaxed);
    }

    /// Puts a new file in the place of one. Inode numbers are used again, so that it looks like one seen before.
    fn save(&self) -> std::io::Result<()> {
        let root = self.fs.open_root(Path::new(SOURCE))?;
        let name = Name::parse(SAVED[self.below(SAVED.len())].as_bytes()).expect("valid");
        let new = Name::parse(b"saving").expect("valid");
        root.create_file(&new)?.write_all_at(format!("saved {}", self.random.below(4)).as_bytes(), 0)?;
        root.rename(&new, &*root, &name)
    }

    /// Any file or directory to any free name in any directory, except into itself. Half of the files keep their name.
    fn rename(&self) -> std::io::Result<()> {
        let (from, to) = (self.somewhere()?, self.somewhere()?);
        let names = from.list()?;
        let Some(name) = names.get(self.below(names.len())) else { return Err(std::io::ErrorKind::NotFound.into()) };
        let fresh = Name::parse(format!("n{}", self.random.below(40)).as_bytes()).expect("valid");
        let new = if self.random.below(2) == 0 { name.clone() } else { fresh };
        if to.stat(&new).is_ok() || SAVED.map(str::as_bytes).contains(&name.as_bytes()) {
            return Err(std::io::ErrorKind::AlreadyExists.into());
        }
        from.rename(name, &*to, &new)
    }

    /// A directory: the root, or any below it.
    fn somewhere(&self) -> std::io::Result<Arc<dyn Directory>> {
        let mut at = self.fs.open_root(Path::new(SOURCE))?;
        while self.random.below(5) > 0 {
            let names = at.list()?;
            let is_directory = |name: &&Name| at.stat(name).is_ok_and(|stat| stat.kind == FileKind::Directory);
            let directories: Vec<_> = names.iter().filter(is_directory).collect();
            let Some(name) = directories.get(self.below(directories.len())) else { break };
            at = at.open_directory(name)?;
        }
        Ok(at)
    }

    fn below(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("small");
        usize::try_from(self.random.below(bound)).expect("small")
    }
}

/// 80 files in 16 directories, each content another, many of one size.
fn furnish(world: &World) {
    for number in 0..80 {
        let text = format!("{number}{}", "x".repeat(number % 7));
        write_at(&world.fs, &format!("a{}/b{}/f{number}", number % 4, number % 8), &text);
    }
    SAVED.iter().for_each(|name| write_at(&world.fs, name, "first"));
    world.clock.advance(Duration::from_secs(60));
}

/// Where in the mirror each content is that was there throughout, and each file that was, by its name.
fn throughout(world: &World) -> BTreeMap<Vec<u8>, RelPath> {
    let files = world.mirrored().into_iter();
    let key = |path: &RelPath, content: ContentId| {
        let is_saved = SAVED.map(str::as_bytes).contains(&path.as_bytes());
        if is_saved { path.as_bytes().to_vec() } else { content.as_bytes().to_vec() }
    };
    files.filter_map(|(path, entry)| entry.content().map(|(content, _)| (key(&path, content), path))).collect()
}

/// A storm of so many renames; the seed decides on everything.
fn storm(seed: u64, renames: u64) {
    let mut world = World::mounted(seed, Memory::with_reused_inodes);
    // A file that was met under two names is two files at the mirror for a round: no brake is to keep one of them.
    world.rules.brake.max_delete = Limit::Files(u64::MAX);
    // What was renamed a moment ago is not read, and may be what is missing elsewhere.
    world.rules.look.settle = Duration::from_secs(15 * (seed % 3));
    furnish(&world);
    world.good_round();
    let before = throughout(&world);
    let storm = Storm::over(&world, seed);
    storm.begin();
    while storm.renames.load(Ordering::Relaxed) < renames {
        round(&world, &storm, &before);
    }
    world.fs.set_fault_hook(None);
    quiet(&world, seed);
}

/// A few renames before a round, and some, many or hardly any while it runs.
fn round(world: &World, storm: &Storm, before: &BTreeMap<Vec<u8>, RelPath>) {
    storm.rarity.store(1, Ordering::Relaxed);
    (0..storm.below(6)).for_each(|_| storm.blow());
    storm.rarity.store([3, 10, 40, 150, 2_000][storm.below(5)], Ordering::Relaxed);
    let report = world.round();
    assert!(report.failure.is_none(), "{storm}: {:?}", report.failure);
    let after = throughout(world);
    for (key, path) in before {
        assert!(after.contains_key(key), "{storm}: {path} is nowhere: {report:#?}");
    }
    world.clock.advance(Duration::from_millis(storm.random.below(4_000)));
}

/// Within three rounds all that was put off has arrived, once the longest patience is over.
fn quiet(world: &World, seed: u64) {
    world.clock.advance(Duration::from_hours(1));
    for _ in 0..2 {
        let report = world.round();
        assert!(report.failure.is_none(), "seed {seed}: {:?}", report.failure);
        world.clock.advance(Duration::from_secs(5));
    }
    let report = world.round();
    let (mirrored, source) = (world.mirrored(), world.in_source());
    let paths: BTreeSet<_> = mirrored.keys().chain(source.keys()).collect();
    let differ: Vec<_> = paths.into_iter().filter(|path| mirrored.get(path) != source.get(path)).collect();
    assert!(differ.is_empty(), "seed {seed}: {differ:?} differ: {report:#?}");
}

#[test]
fn no_file_that_is_renamed_while_rounds_run_is_ever_nowhere_in_the_mirror() {
    let renames = size(1_000, 10_000, 200_000);
    let storms = renames / 250;
    (0..storms).for_each(|seed| storm(seed, renames / storms));
}

/// In this storm the walk knows a directory by its inode, which is gone again before it is opened, when the source is
/// looked at for the last time. While that counted as found, another took its place at the mirror.
#[test]
fn a_directory_that_vanished_where_it_was_found_has_not_moved_there() {
    storm(4, 400);
}
