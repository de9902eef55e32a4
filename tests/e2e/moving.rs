//! Trees that do not hold still while rounds run: what is delivered was there, and once it is quiet all of it is.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Outcome, World};

/// Rounds that run while something moves.
const ROUNDS: usize = 12;
/// Between two edits: a busy writer, but one that lets others use the processor.
const PACE: Duration = Duration::from_micros(300);

/// Runs a check and edits beside each other; the edits go on until the check is done.
fn beside<T>(mut edit: impl FnMut(usize) + Send, check: impl FnOnce() -> T) -> T {
    /// Ends the edits also where the check fails.
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                edit(number);
                thread::sleep(PACE);
            }
        });
        let _ends = Ends(&over);
        check()
    })
}

/// What comes and goes all the time adds up; no brake is to hold it here.
const FREELY: &[&str] = &["--max-delete", "100%"];

/// A round over a tree that moves: done, or done but for what moved.
#[track_caller]
fn done_or_deferred(outcome: &Outcome) {
    assert!([0, 24].contains(&outcome.code), "{outcome:?}");
}

/// Once it is quiet, two rounds make the mirror equal: the first may find files too young to be trusted.
#[track_caller]
fn converges(world: &World) {
    done_or_deferred(&world.scan(FREELY));
    world.round();
}

#[track_caller]
fn assert_prefix(mirror: &Path, source: &Path) {
    // The mirror first: the source only grows.
    if let Ok(copy) = fs::read(mirror) {
        let whole = fs::read(source).expect("is there");
        assert!(whole.starts_with(&copy), "{} bytes at the mirror are not the first of {}", copy.len(), whole.len());
    }
}

#[test]
fn a_file_that_grows_is_a_prefix_of_itself_at_every_moment_and_whole_once_it_is_quiet() {
    let world = World::with(&["log=", "still=1"]);
    let source = world.source().join("log");
    let mut log = File::options().append(true).open(&source).expect("opened");
    let append = |number: usize| log.write_all(format!("{number} a line of the log\n").as_bytes()).expect("appended");
    beside(append, || {
        for _ in 0..ROUNDS {
            let round = world.start(&["scan", "source", "--to", "data", "--json"]);
            let mut round = round;
            while round.is_running() {
                assert_prefix(&world.mirror().join("log"), &source);
            }
            done_or_deferred(&round.ended(Duration::ZERO));
        }
    });
    converges(&world);
}

/// Long enough for several frames.
const VERSION_BYTES: usize = 6 * 1024 * 1024;

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_one_whole_version_in_the_mirror_at_every_moment() {
    let world = World::with(&["still=1"]);
    let version = |number: usize| vec![u8::try_from(number % 251).expect("small"); VERSION_BYTES];
    let source = world.source().join("doc");
    let replace = |number: usize| {
        let saved = world.path("saved");
        fs::write(&saved, version(number)).expect("written");
        fs::rename(&saved, &source).expect("replaced");
    };
    replace(0);
    // Whether any other version arrives is a matter of luck; this one must stay until one does.
    world.scan(FREELY).expect(0);
    let mut whole = 0;
    beside(replace, || {
        for _ in 0..ROUNDS {
            let mut round = world.start(&["scan", "source", "--to", "data", "--json", "--compression-level", "off"]);
            while round.is_running() {
                let copy = fs::read(world.mirror().join("doc")).expect("is never absent");
                assert_eq!(copy.len(), VERSION_BYTES);
                assert!(copy.iter().all(|byte| *byte == copy[0]), "two versions in one file");
                whole += 1;
            }
            done_or_deferred(&round.ended(Duration::ZERO));
        }
    });
    assert!(whole > 0, "nobody ever looked");
    converges(&world);
}

#[test]
fn files_that_come_and_go_while_rounds_run_are_right_once_it_is_quiet() {
    let world = World::with(&["still=1"]);
    let toggle = |number: usize| {
        // A multiplier that shares no factor with 200 visits every name.
        let path = world.source().join(format!("f{}", number * 67 % 200));
        if fs::remove_file(&path).is_err() {
            fs::write(&path, format!("edit {number}")).expect("written");
        }
    };
    beside(toggle, || {
        for _ in 0..ROUNDS {
            done_or_deferred(&world.scan(FREELY));
            assert_eq!(fs::read(world.mirror().join("still")).expect("never goes"), b"1");
        }
    });
    converges(&world);
}

#[test]
fn directories_that_come_go_and_move_while_rounds_run_are_right_once_it_is_quiet() {
    let world = World::with(&["still=1"]);
    let shuffle = |number: usize| {
        let [a, b] = [number * 7 % 20, number * 11 % 20].map(|name| world.source().join(format!("d{name}")));
        // Each of these may find that there is nothing to do it to.
        match number % 4 {
            0 => fs::create_dir_all(a.join("deep")).is_ok(),
            1 => fs::write(a.join("file"), format!("edit {number}")).is_ok(),
            2 => fs::rename(&a, &b).is_ok(),
            _ => number % 16 == 15 && fs::remove_dir_all(&b).is_ok(),
        };
    };
    beside(shuffle, || {
        for _ in 0..ROUNDS {
            done_or_deferred(&world.scan(FREELY));
            assert_eq!(fs::read(world.mirror().join("still")).expect("never goes"), b"1");
        }
    });
    converges(&world);
}

#[test]
fn a_file_that_vanishes_between_listing_and_reading_is_no_problem() {
    let world = World::with(&["still=1"]);
    let flicker = |number: usize| {
        let path = world.source().join("flicker");
        fs::write(&path, format!("edit {number}")).expect("written");
        fs::remove_file(&path).expect("removed");
    };
    let codes: Vec<i32> = beside(flicker, || (0..ROUNDS).map(|_| world.scan(FREELY).code).collect());
    assert!(codes.iter().all(|code| [0, 24].contains(code)), "{codes:?}");
    converges(&world);
    assert_eq!(fs::read_dir(world.mirror()).expect("is there").count(), 1);
}
