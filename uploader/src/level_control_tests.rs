//! Levels on links and processors of many speeds, reckoned and not timed.

use super::*;

/// Speed in MB/s and ratio of each rung on the source of Linux 6.1 in frames of 4 MiB, measured on one processor.
const SOURCE: [(f64, f64); 5] = [(237.0, 5.77), (207.0, 6.13), (97.0, 6.70), (60.0, 7.00), (29.3, 7.25)];
/// Bytes of a frame, in MB.
const FRAME: f64 = 4.194_304;

/// Several threads on a few processors that compress frames and send them over one link.
#[derive(Clone, Copy)]
struct World {
    threads: f64,
    processors: f64,
    /// MB/s
    link: f64,
    /// Seconds that the receiver works on a frame, on processors of its own.
    working: f64,
}

/// A rung, or nothing where frames go as they are.
type Packing = Option<usize>;

impl World {
    /// Frames a second, and what one frame takes to be compressed and on the wire, alone.
    fn of(&self, packing: Packing) -> (f64, f64, f64) {
        let (speed, ratio) = packing.map_or((f64::INFINITY, 1.0), |rung| SOURCE[rung]);
        let (compressing, wire) = (FRAME / speed, FRAME / ratio / self.link);
        let alone = compressing + wire + self.working;
        let frames = (self.processors / compressing).min(1.0 / wire).min(self.threads / alone);
        (frames, compressing, wire)
    }

    /// What a thread sees: it queues for whatever is scarce.
    fn sample(&self, packing: Packing) -> Sample {
        let (frames, compressing, wire) = self.of(packing);
        let cycle = self.threads / frames - self.working;
        let processors_are_scarce = self.processors / compressing < 1.0 / wire;
        let compressing = if processors_are_scarce { cycle - wire } else { compressing };
        Sample {
            raw: 4 << 20,
            packed: packing.map_or(4 << 20, |rung| bytes_of_frame(SOURCE[rung].1)),
            compressing: Duration::from_secs_f64(compressing),
            sending: Duration::from_secs_f64(cycle - compressing),
            worked: Duration::from_secs_f64(self.working),
        }
    }

    /// The rungs that are used by and by.
    fn run(&self) -> Vec<Packing> {
        let mut control = LevelControl::new(count(self.threads), count(self.processors));
        let mut rungs = Vec::new();
        for _ in 0..2_000 {
            let packing = control.level().map(|_| control.rung);
            rungs.push(packing);
            control.observe(self.sample(packing));
        }
        rungs
    }

    /// How much of the best throughput of a rung is reached after the first 300 frames, in the mean.
    fn efficiency(&self) -> f64 {
        let best = (0..RUNGS.len()).map(|rung| self.of(Some(rung)).0).fold(0.0, f64::max);
        let used = &self.run()[300..];
        let seconds: f64 = used.iter().map(|rung| 1.0 / self.of(*rung).0).sum();
        let frames: f64 = used.iter().map(|_| 1.0).sum();
        frames / seconds / best
    }
}

/// Bytes of a frame that is compressed so well, as far as tests care.
fn bytes_of_frame(ratio: f64) -> u64 {
    (1..=4u32 << 10).rev().find(|kib| f64::from(*kib) <= 4096.0 / ratio).map(u64::from).expect("more than a KiB") << 10
}

fn count(number: f64) -> usize {
    (1..=64)
        .find(|count: &u32| f64::from(*count) >= number)
        .and_then(|count| usize::try_from(count).ok())
        .expect("small")
}

#[test]
fn on_every_link_the_level_gives_nearly_the_best_throughput() {
    // 50 Mbit/s, 100 Mbit/s, 1 Gbit/s, 10 Gbit/s, loopback.
    for link in [6.25, 12.5, 125.0, 1_250.0, 3_000.0] {
        for (threads, processors) in [(1.0, 1.0), (1.0, 4.0), (2.0, 2.0), (4.0, 2.0), (4.0, 8.0), (16.0, 16.0)] {
            for working in [0.0, 0.03] {
                let efficiency = World { threads, processors, link, working }.efficiency();
                assert!(
                    efficiency > 0.85,
                    "{efficiency:.2} over {link} MB/s, {threads} threads on {processors} processors, {working} s of work"
                );
            }
        }
    }
}

#[test]
fn a_slow_link_is_worth_time_and_a_fast_one_is_not() {
    let settled = |link, working| {
        let run = World { threads: 8.0, processors: 4.0, link, working }.run();
        run.last().expect("it ran").map(|rung| RUNGS[rung])
    };
    assert!(settled(6.25, 0.0) >= Some(Level::of(9)), "50 Mbit/s: {:?}", settled(6.25, 0.0));
    assert_eq!(settled(125.0, 0.0), Some(Level::of(3)), "1 Gbit/s");
    assert_eq!(settled(3_000.0, 0.2), Some(Level::of(2)), "loopback");
}

#[test]
fn frames_go_as_they_are_where_compressing_holds_up_all_else_and_the_link_does_not_mind() {
    let plain = |link, working| {
        let run = World { threads: 4.0, processors: 2.0, link, working }.run();
        run.iter().filter(|packing| packing.is_none()).count() * 100 / run.len()
    };
    assert!(plain(3_000.0, 0.01) > 90, "on loopback, with little to do for the receiver: {}", plain(3_000.0, 0.01));
    assert_eq!(plain(3_000.0, 0.05), 0, "a receiver that has much to do");
    assert_eq!(plain(125.0, 0.01), 0, "1 Gbit/s");
}

#[test]
fn one_window_in_which_compressing_took_long_is_bad_luck_and_a_second_a_reason() {
    let busy = Sample { raw: WINDOW_BYTES, packed: WINDOW_BYTES / 6, ..Sample::default() };
    let long = Sample { compressing: Duration::from_secs(8), sending: Duration::from_millis(1), ..busy };
    let usual = Sample { compressing: Duration::from_secs(1), worked: Duration::from_secs(4), ..long };
    let mut control = LevelControl::new(4, 2);
    while control.rung > 0 {
        control.observe(long);
    }
    for sample in [usual, long, usual, long] {
        control.observe(sample);
        assert!(control.level().is_some(), "one at a time");
    }
    control.observe(long);
    assert_eq!(control.level(), None, "two");
    let windows = |control: &mut LevelControl| {
        let plain = Sample { packed: WINDOW_BYTES, worked: Duration::from_secs(1), ..busy };
        (1..).find(|_| {
            control.observe(plain);
            control.level().is_some()
        })
    };
    assert_eq!(windows(&mut control), Some(FIRST_SPELL), "for a while, and then it is tried again");
    control.observe(long);
    assert_eq!(windows(&mut control), Some(2 * FIRST_SPELL), "it was right");
}

#[test]
fn a_link_that_became_slow_ends_it_at_once() {
    let fast = World { threads: 4.0, processors: 2.0, link: 3_000.0, working: 0.01 };
    let slow = World { link: 50.0, ..fast };
    let mut control = LevelControl::new(4, 2);
    while control.level().is_some() {
        control.observe(fast.sample(Some(control.rung)));
    }
    let frames = (1..).find(|_| {
        control.observe(slow.sample(None));
        control.level().is_some()
    });
    assert!(frames.is_some_and(|frames| frames <= 8), "{frames:?}");
}

#[test]
fn a_level_that_was_too_slow_is_not_tried_at_every_turn() {
    for link in [6.25, 30.0, 60.0, 125.0, 400.0] {
        let rungs = World { threads: 4.0, processors: 2.0, link, working: 0.0 }.run();
        let turns = rungs.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(turns <= 2 * RUNGS.len() + 2_000 / 8 * 2 / 64, "{turns} turns over {link} MB/s");
    }
}

#[test]
fn what_hardly_compresses_is_never_compressed_harder() {
    let mut control = LevelControl::new(4, 2);
    let slow = Sample { raw: 4 << 20, packed: 4_000_000, sending: Duration::from_secs(1), ..Sample::default() };
    for _ in 0..1_000 {
        control.observe(Sample { compressing: Duration::from_millis(1), ..slow });
    }
    assert_eq!(control.level(), Some(RUNGS[START]));
}

#[test]
fn where_no_time_passes_nothing_is_learned() {
    let mut control = LevelControl::new(1, 1);
    for _ in 0..1_000 {
        control.observe(Sample { raw: 4 << 20, packed: 1, ..Sample::default() });
    }
    assert_eq!(control.level(), Some(RUNGS[START]));
}
