//! Clocks that are wrong, machines that boot, disks that come back under another device number: nothing stops, nothing
//! is read without need, and no edit is missed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::{Name, Timestamp};
use scanner::Margins;
use seams::clock::Clock;
use seams::fs::{FilesystemIdentity, Fs};
use seams::memory::{Memory, Operation};
use seams::random::{Random, SeededRandom};

use super::world::{SOURCE, World, size, write};

/// Files in the source of each of these worlds.
const FILES: u64 = 8;

/// What stamps files there.
#[derive(Debug, Clone, Copy)]
struct Stamps {
    local: bool,
    /// How far that clock is ahead of the machine's.
    ahead: Duration,
    behind: Duration,
    granularity: Duration,
}

const NONE: Duration = Duration::ZERO;
const MINUTES: Duration = Duration::from_mins(5);
const TICK: Duration = Duration::from_millis(4);

impl Stamps {
    const fn local(behind_millis: u64, granularity: Duration) -> Self {
        Self { local: true, ahead: NONE, behind: Duration::from_millis(behind_millis), granularity }
    }

    const fn server(ahead: Duration, behind: Duration, granularity: Duration) -> Self {
        Self { local: false, ahead, behind, granularity }
    }

    fn disk(self, disk: Memory) -> Memory {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).expect("minutes fit");
        let id = if self.local { "disk" } else { "server" };
        disk.set_filesystem(FilesystemIdentity {
            kind: id.to_owned(),
            id: id.as_bytes().to_vec(),
            local: self.local,
            stable_inodes: true,
        });
        disk.with_clock_ahead(nanos(self.ahead) - nanos(self.behind)).with_granularity(self.granularity)
    }
}

/// Every kind of clock that is met: exact, by the kernel's tick and a bit late, by the second or two; a file server's.
const CLOCKS: [Stamps; 9] = [
    Stamps::local(0, Duration::from_nanos(1)),
    Stamps::local(2, TICK),
    Stamps::local(0, Duration::from_secs(1)),
    Stamps::local(0, Duration::from_secs(2)),
    Stamps::server(NONE, NONE, Duration::from_nanos(100)),
    Stamps::server(MINUTES, NONE, TICK),
    Stamps::server(NONE, MINUTES, TICK),
    Stamps::server(MINUTES, NONE, Duration::from_secs(1)),
    Stamps::server(NONE, MINUTES, Duration::from_secs(2)),
];

fn world(stamps: Stamps, seed: u64) -> World {
    let world = World::mounted(seed, |disk| stamps.disk(disk));
    (0..FILES).for_each(|number| write(&world, &format!("f{number}"), &format!("{number:04}")));
    world
}

fn remount(world: &World) {
    world.unmount();
    world.mount();
}

/// No machine boots within the step of a coarse clock.
fn boot(world: &World) {
    world.clock.advance(Duration::from_secs(3));
    world.clock.reboot();
    remount(world);
}

/// How many files the scan of a good round opened.
fn opened(world: &World) -> u64 {
    let report = world.good_round();
    world.clock.advance(Duration::from_secs(10));
    report.counts.files_opened
}

#[test]
fn a_file_is_read_at_most_twice_and_once_more_when_the_clock_has_passed_its_stamp() {
    for stamps in CLOCKS {
        let world = world(stamps, 1);
        let reads: u64 = (0..4).map(|_| opened(&world)).sum();
        assert!((FILES..=2 * FILES).contains(&reads), "{reads} reads: {stamps:?}");
        world.clock.advance(2 * MINUTES);
        let later = opened(&world);
        assert_eq!(later, if stamps.ahead > NONE { FILES } else { 0 }, "{stamps:?}");
        assert_eq!(opened(&world), 0, "{stamps:?}");
    }
}

#[test]
fn another_device_number_another_boot_and_another_time_of_day_read_nothing_again() {
    for stamps in CLOCKS {
        let world = world(stamps, 1);
        for _ in 0..2 {
            opened(&world);
        }
        world.clock.advance(2 * MINUTES);
        opened(&world);
        remount(&world);
        assert_eq!(opened(&world), 0, "remounted: {stamps:?}");
        boot(&world);
        assert_eq!(opened(&world), 0, "booted: {stamps:?}");
        world.clock.set_wall(world.clock.now().plus_nanos(3_600_000_000_000));
        assert_eq!(opened(&world), 0, "the clock was set an hour ahead: {stamps:?}");
        world.clock.set_wall(world.clock.now().plus_nanos(-3_000_000_000_000));
        assert_eq!(opened(&world), 0, "and back again: {stamps:?}");
    }
}

#[test]
fn a_file_read_before_a_reboot_is_read_once_more_and_then_known_at_once() {
    for stamps in CLOCKS {
        let world = world(stamps, 1);
        world.good_round();
        boot(&world);
        assert!(world.good_round().counts.files_opened <= FILES, "{stamps:?}");
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.good_round().counts.files_opened, 0, "another boot is long ago: {stamps:?}");
    }
}

/// Writes other bytes of the same length over a file; at times with its mtime set back.
fn rewrite(fs: &Memory, random: &SeededRandom, texts: &AtomicU64) {
    let name = Name::parse(format!("f{}", random.below(FILES)).as_bytes()).expect("valid");
    let Ok(root) = fs.open_root(Path::new(SOURCE)) else { return };
    let file = root.open_file_for_writing(&name).expect("no file is ever removed");
    let mtime = file.stat().expect("there").mtime;
    let text = format!("{:04}", texts.fetch_add(1, Ordering::Relaxed) % 10_000);
    file.write_all_at(text.as_bytes(), 0).expect("written");
    if random.below(3) == 0 {
        file.set_mtime(mtime).expect("set");
    }
}

/// Rewrites between rounds and in the middle of them, with next to no time between; remounts and boots now and then.
fn history(stamps: Stamps, seed: u64, margins: Margins) -> World {
    let mut world = world(stamps, seed);
    world.rules.look.margins = margins;
    let random = Arc::new(SeededRandom::new(seed));
    let texts = Arc::new(AtomicU64::new(5_000));
    for _ in 0..6 {
        let (fs, clock, chance, count) =
            (world.fs.clone(), Arc::clone(&world.clock), Arc::clone(&random), Arc::clone(&texts));
        let moment = AtomicU64::new(random.below(60));
        world.fs.set_fault_hook(Some(Arc::new(move |_: &Operation| {
            if moment.fetch_sub(1, Ordering::Relaxed) == 0 {
                clock.advance(Duration::from_millis(chance.below(2)));
                rewrite(&fs, &chance, &count);
            }
            None
        })));
        world.round();
        world.fs.set_fault_hook(None);
        for _ in 0..random.below(4) {
            let millis = [0, 1, 3, 7, 20, 1_000, 3_000][usize::try_from(random.below(7)).expect("small")];
            world.clock.advance(Duration::from_millis(millis));
            rewrite(&world.fs, &random, &texts);
        }
        match random.below(8) {
            0 => remount(&world),
            1 => boot(&world),
            _ => {}
        }
    }
    world
}

/// Whether every rewrite has arrived, once whatever waits with patience has waited enough.
fn all_arrived(stamps: Stamps, seed: u64, margins: Margins) -> bool {
    let world = history(stamps, seed, margins);
    world.clock.advance(Duration::from_hours(1));
    let report = world.round();
    assert!(report.failure.is_none(), "seed {seed}, {stamps:?}: {:?}", report.failure);
    world.mirrored() == world.in_source()
}

#[test]
fn no_rewrite_of_the_same_size_is_missed_whatever_clock_stamps_it() {
    for seed in 0..size(40, 400, 4_000) {
        for stamps in CLOCKS {
            assert!(all_arrived(stamps, seed, Margins::default()), "seed {seed}, {stamps:?}");
        }
    }
}

#[test]
fn without_margins_rewrites_are_missed_on_every_coarse_clock_that_is_not_ahead() {
    let margins = Margins { coarse: NONE, fine: NONE, slack: NONE };
    for stamps in CLOCKS.into_iter().filter(|stamps| stamps.granularity >= TICK && stamps.ahead == NONE) {
        assert!((0..400).any(|seed| !all_arrived(stamps, seed, margins)), "{stamps:?}");
    }
}

#[test]
fn a_stamp_years_ahead_is_read_no_more_than_any_other() {
    let world = world(CLOCKS[0], 1);
    let now = world.clock.now();
    world.clock.set_wall(Timestamp::from_parts(400_000_000, 0));
    write(&world, "far", "ahead");
    world.clock.set_wall(now);
    for _ in 0..2 {
        opened(&world);
    }
    (0..3).for_each(|_| assert_eq!(opened(&world), 0));
}
