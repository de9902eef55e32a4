//! Same-size rewrites right after a read, where stamps may stay the same: none is missed after two rounds.
//!
//! Here the scanner and the snapshot work in this process, on real file systems. To get there, the test that makes
//! the rewrites is started once more within each mount namespace.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use protocol::{ContentId, Lineage};
use scanner::{Filter, FilterRules, Margins, Rules, Scan};
use seams::clock::SystemClock;
use seams::disk::Disk;
use seams::fs::Fs;
use seams::known::Known;
use seams::parallel::Parallel;
use seams::progress::Unwatched;
use seams::recorded::{DirectoryId, Recorded, Trust};
use seams::scratch::InMemory;
use snapshot_db::Snapshot;

use crate::support::{Kind, Mounts, PATIENCE, Started, World, noise};

/// Files that are rewritten together, at distances evenly spread over [`LONGEST`].
const FILES: usize = 50;
/// The longest distance from a read to the rewrite after it.
const LONGEST: Duration = Duration::from_millis(20);
/// Sets of files, taken in turn: with a second between two turns, some rewrites come upon old files.
const SETS: usize = 40;
/// Where the test finds its directory and its margins when it is started within a namespace.
const DIRECTORY: &str = "ROUNDSMAN_TEST_DIRECTORY";
const MARGINS: &str = "ROUNDSMAN_TEST_MARGINS";

/// How many rewrites on each of the seven file systems. With fewer, none would come upon an old file.
fn wanted() -> usize {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("quick") => 5_000,
        Ok("long") => 200_000,
        _ => 10_000,
    }
}

/// What came of many rewrites.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    rewrites: usize,
    /// Rewrites of files that the snapshot trusted at that moment.
    of_trusted: usize,
    /// Not noticed by the second round after them.
    missed: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.rewrites += more.rewrites;
        self.of_trusted += more.of_trusted;
        self.missed += more.missed;
    }
}

impl Tally {
    fn line(self) -> String {
        format!("rewrites {} of_trusted {} missed {}", self.rewrites, self.of_trusted, self.missed)
    }

    /// Finds the line in what a test said.
    fn read(stdout: &str) -> Self {
        let line = stdout.lines().find(|line| line.starts_with("rewrites ")).expect("the test says what came of it");
        let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [rewrites, of_trusted, missed] = numbers[..] else { panic!("three numbers: {line}") };
        Self { rewrites, of_trusted, missed }
    }
}

/// A directory of files that are rewritten together, and what is recorded of it.
struct Set {
    directory: PathBuf,
    snapshot: Snapshot,
    rules: Rules,
}

impl Set {
    fn new(directory: PathBuf, margins: Margins) -> Self {
        fs::create_dir(&directory).expect("made");
        for file in 0..FILES {
            fs::write(directory.join(name(file)), text(0)).expect("written");
        }
        let snapshot = Snapshot::in_memory(Lineage::from_bytes([1; 16]));
        Self { directory, snapshot, rules: Rules { margins, ..Rules::default() } }
    }

    fn round(&self) {
        let filter = Filter::new(&FilterRules::default()).expect("no rules are valid rules");
        let scan = Scan {
            root: Disk.open_root(&self.directory).expect("it is there"),
            recorded_root: None,
            recorded: &self.snapshot,
            filter: &filter,
            one_file_system: false,
            clock: &SystemClock::new(),
            parallel: Parallel::in_order(),
            progress: &Unwatched,
            rules: self.rules,
            known: &Known::default(),
            scratch: &InMemory::default(),
            most_in_memory: usize::MAX,
            recorder: &self.snapshot,
            stop: &AtomicBool::new(false),
        };
        scan.run().expect("the source can be looked at");
    }

    /// Each file at its own distance after the round before; then two rounds.
    fn rewrite_all(&self, turn: usize, phase: Duration) -> Tally {
        self.round();
        let read = Instant::now();
        let of_trusted = self.count(|reading| reading.trust == Trust::Proven);
        let step = LONGEST / u32::try_from(FILES).expect("few files");
        // The file that was read last is rewritten first.
        for (file, distance) in (0..FILES).rev().zip((0..).map(|step_number| step * step_number + phase)) {
            thread::sleep(distance.saturating_sub(read.elapsed()));
            let opened = File::options().write(true).open(self.directory.join(name(file))).expect("opened");
            opened.write_all_at(text(turn).as_bytes(), 0).expect("rewritten");
        }
        self.round();
        self.round();
        let noticed = ContentId::of(text(turn).as_bytes());
        Tally { rewrites: FILES, of_trusted, missed: FILES - self.count(|reading| reading.content == noticed) }
    }

    fn count(&self, is_counted: impl Fn(&seams::recorded::Reading) -> bool) -> usize {
        let rows = self.snapshot.rows(DirectoryId::ROOT).expect("rows");
        rows.iter().filter_map(|row| row.reading.as_ref()).filter(|reading| is_counted(reading)).count()
    }
}

fn name(file: usize) -> String {
    format!("file-{file:03}")
}

fn text(turn: usize) -> String {
    format!("turn {turn:08}")
}

fn rewrites(directory: &Path, margins: Margins, wanted: usize) -> Tally {
    let sets: Vec<Set> = (0..SETS).map(|set| Set::new(directory.join(format!("set-{set}")), margins)).collect();
    let phases = noise(1, wanted);
    let mut tally = Tally::default();
    // Twice in a row each: the second time right after the rounds of the first.
    let turns = sets.iter().cycle().flat_map(|set| [set, set]);
    for ((set, turn), phase) in turns.zip(1..).zip(phases) {
        if tally.rewrites >= wanted {
            break;
        }
        tally += set.rewrite_all(turn, LONGEST / u32::try_from(FILES).expect("few files") * u32::from(phase) / 256);
    }
    tally
}

#[test]
fn no_rewrite_of_equal_size_is_missed_here() {
    let here = World::new();
    let directory = std::env::var_os(DIRECTORY).map_or_else(|| here.source(), PathBuf::from);
    let none = Margins { coarse: Duration::ZERO, fine: Duration::ZERO, slack: Duration::ZERO };
    let without_margins = std::env::var(MARGINS).is_ok_and(|margins| margins == "none");
    let margins = if without_margins { none } else { Margins::default() };
    let wanted = if std::env::var_os(DIRECTORY).is_some() { wanted() } else { 2_000 };
    let tally = rewrites(&directory, margins, wanted);
    println!("{}", tally.line());
    assert!(without_margins || tally.missed == 0, "{tally:?}");
}

/// The test above, on a file system of this kind.
fn rewrites_on(kind: Kind, margins: &str) -> Tally {
    let world = World::new();
    let mounts = Mounts::new(&world, &kind.script("disk", "here"));
    let mut command = Command::new(std::env::current_exe().expect("a test has a file"));
    command.args(["--exact", "rewrites::no_rewrite_of_equal_size_is_missed_here", "--nocapture"]);
    command.env(DIRECTORY, world.path("here")).env(MARGINS, margins);
    command.env("ROUNDSMAN_TEST_SIZE", std::env::var("ROUNDSMAN_TEST_SIZE").unwrap_or_default());
    let patience = PATIENCE * u32::try_from(1 + wanted() / 10_000).expect("not so many");
    let tally = Tally::read(&Started::new(mounts.inside(&command)).ended(patience).expect(0).stdout);
    println!("{kind:?}, margins {margins}: {}", tally.line());
    tally
}

#[test]
#[ignore = "needs root"]
fn no_rewrite_of_equal_size_is_missed_on_any_file_system_and_without_margins_some_are() {
    thread::scope(|scope| {
        let runs = Kind::ALL.map(|kind| scope.spawn(move || rewrites_on(kind, "as shipped")));
        let control = scope.spawn(|| rewrites_on(Kind::Ext4WithSmallInodes, "none"));
        for run in runs {
            let tally = run.join().expect("none is missed");
            assert!(tally.rewrites >= wanted() && tally.missed == 0, "{tally:?}");
            assert!(tally.of_trusted > 0, "nothing was trusted, so nothing was proven: {tally:?}");
        }
        let control = control.join().expect("the control runs");
        assert!(control.missed > 0, "the test cannot fail: {control:?}");
    });
}
