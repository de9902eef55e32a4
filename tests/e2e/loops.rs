//! `--interval` and `receive`: rounds that come again, and how they end.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::world::{exists, signal};
use crate::support::{Outcome, PATIENCE, Receiver, Started, World, assert_mirrored, noise, wait_until, write};

/// The promise: an end in good order takes no longer.
const GOOD_ORDER: Duration = Duration::from_secs(10);
/// "At once", on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
}

#[test]
fn an_edit_arrives_within_two_intervals() {
    let world = World::with(&["a=1"]);
    let started = world.start_loop("200ms");
    started.wait_for_rounds(1);
    write(&world.source(), &["a=2", "d/b=3"]);
    let edited = Instant::now();
    wait_until("the edit arrived", || holds(&world.mirror().join("a"), "2") && holds(&world.mirror().join("d/b"), "3"));
    // Twice 200 ms, their jitter, and time for two rounds on a machine that does other things.
    assert!(edited.elapsed() < Duration::from_secs(5), "it took {:?}", edited.elapsed());
    started.signal("TERM");
    started.ended(GOOD_ORDER).expect(0);
    // A round that ran beside the edit may have seen the root's mtime before it and the files after it.
    world.round();
}

#[test]
fn failing_rounds_are_each_reported_and_the_loop_recovers() {
    let world = World::with(&["a=1"]);
    let mut started = world.start(&["scan", "source", "--to", "data", "--interval", "50ms"]);
    wait_until("the first round is done", || holds(&world.mirror().join("a"), "1"));
    fs::rename(world.source(), world.path("away")).expect("renamed");
    wait_until("five rounds failed", || started.stderr().matches("Error: ").count() >= 5);
    assert!(started.is_running(), "the loop goes on");
    assert!(holds(&world.mirror().join("a"), "1"), "nothing was deleted");
    write(&world.path("away"), &["a=2"]);
    fs::rename(world.path("away"), world.source()).expect("renamed");
    wait_until("the loop recovered", || holds(&world.mirror().join("a"), "2"));
    started.signal("TERM");
    started.ended(GOOD_ORDER).expect(0);
}

#[test]
fn a_loop_survives_a_receiver_that_comes_late_and_one_that_goes() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let address = receiver.address();
    let started = receiver.start_scan(&world, &["--interval", "50ms", "--retry-for", "100ms"]);
    started.wait_for_rounds(1);
    receiver.kill();
    wait_until("rounds failed", || started.stderr().matches("Error: ").count() >= 2);
    write(&world.source(), &["a=2"]);
    let _receiver = Receiver::start_at(&world, &address);
    wait_until("the loop recovered", || holds(&Receiver::mirror(&world).join("a"), "2"));
    started.signal("INT");
    started.ended(GOOD_ORDER).expect(0);
}

#[test]
fn a_loop_of_nothing_but_mistakes_ends_with_its_first_round() {
    let world = World::with(&["a=1"]);
    for mistake in [&["nowhere", "--to", "data"][..], &["source", "--to", "data", "--exclude", "[z-a]"]] {
        let started = world.start(&[&["scan", "--interval", "50ms"], mistake].concat());
        let told = started.ended(PATIENCE).expect(2);
        assert_eq!((told.stderr.matches("Error: ").count(), told.stderr.matches("Hint: ").count()), (1, 1), "{told:?}");
    }
}

#[test]
fn rounds_never_overlap_however_short_the_interval() {
    let world = World::with(&["a=1", "d/b=2"]);
    let began = Instant::now();
    let started = world.start_loop("1ms");
    started.wait_for_rounds(20);
    started.signal("TERM");
    let rounds = started.ended(GOOD_ORDER).expect(0).summaries();
    let took: f64 = rounds.iter().map(|round| round["seconds"].as_f64().expect("a number")).sum();
    assert!(took <= began.elapsed().as_secs_f64(), "{} rounds took {took} s together", rounds.len());
}

#[test]
fn a_round_that_outlasts_its_interval_is_followed_by_one_and_not_by_those_it_kept_away() {
    let interval = Duration::from_millis(200);
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let started = receiver.start_scan(&world, &["--interval", "200ms"]);
    started.wait_for_rounds(1);
    signal(receiver.id(), "STOP");
    let before = started.rounds().len();
    // Ten intervals of a receiver that does not answer: the time itself is what this is about.
    std::thread::sleep(interval * 10);
    let missed = started.rounds().len();
    assert!(missed <= before + 1, "at most the answer that was on its way");
    signal(receiver.id(), "CONT");
    started.wait_for_rounds(missed + 1);
    let late = Instant::now();
    started.wait_for_rounds(missed + 6);
    assert!(late.elapsed() > interval * 2, "five rounds in {:?}: they were stacked", late.elapsed());
    started.signal("TERM");
    started.ended(GOOD_ORDER).expect(0);
}

#[test]
fn both_signals_end_a_loop_that_waits() {
    for name in ["TERM", "INT"] {
        let world = World::with(&["a=1"]);
        let started = world.start_loop("1h");
        started.wait_for_rounds(1);
        started.signal(name);
        started.ended(GOOD_ORDER).expect(0);
        assert_mirrored(&world.source(), &world.mirror());
    }
}

/// An upload of these files that is under way, its receiver halted so that it stays so.
struct Upload {
    world: World,
    receiver: Receiver,
    client: Started,
}

impl Upload {
    /// Starts it with these flags, and halts the receiver when bytes of the first file have come.
    fn halted(files: &[(&str, usize)], flags: &[&str]) -> Self {
        let world = World::new();
        for (seed, (name, bytes)) in (1..).zip(files) {
            fs::write(world.source().join(name), noise(seed, *bytes)).expect("written");
        }
        let receiver = world.receiver();
        let client = receiver.start_scan(&world, flags);
        wait_until("bytes arrive", || !Self::arriving(&world).is_empty());
        signal(receiver.id(), "STOP");
        assert!(!Self::arriving(&world).is_empty(), "the upload was over before it could be halted");
        Self { world, receiver, client }
    }

    /// What is staged and not whole.
    fn arriving(world: &World) -> Vec<PathBuf> {
        let names = fs::read_dir(world.path("data/tester/.roundsman/staging")).into_iter().flatten();
        let is_part = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"p-"));
        names.filter_map(|name| name.ok().map(|name| name.path())).filter(is_part).collect()
    }

    fn signal(&self, name: &str) {
        self.client.signal(name);
    }

    /// Lets the receiver go on, and waits for the client's end.
    #[track_caller]
    fn ends(self) -> (Outcome, World, Receiver) {
        signal(self.receiver.id(), "CONT");
        (self.client.ended(GOOD_ORDER), self.world, self.receiver)
    }
}

const MIB: usize = 1024 * 1024;

#[test]
fn a_signal_in_an_upload_of_200_megabytes_lets_the_batch_in_flight_finish() {
    let upload = Upload::halted(&[("big", 200 * MIB)], &["--interval", "1h"]);
    upload.signal("TERM");
    let (ended, world, _receiver) = upload.ends();
    ended.expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
}

#[test]
fn a_second_signal_ends_at_once() {
    for (second, code) in [("INT", 130), ("TERM", 143)] {
        let upload = Upload::halted(&[("big", 24 * MIB)], &["--interval", "1h"]);
        upload.signal("TERM");
        // Signals closer together than a process can notice are one signal: this is a person's second keystroke.
        std::thread::sleep(Duration::from_millis(300));
        upload.signal(second);
        let Upload { world, receiver, client } = upload;
        client.ended(AT_ONCE).expect(code);
        signal(receiver.id(), "CONT");
        assert!(!exists(&Receiver::mirror(&world).join("big")), "nothing half under its final name");
        receiver.scan(&world, &[]).expect(0);
        assert_mirrored(&world.source(), &Receiver::mirror(&world));
    }
}

#[test]
fn a_one_shot_round_that_is_stopped_has_an_exit_code_of_its_own_and_the_next_converges() {
    // More than fits in one batch: there is something left to stop before.
    let files = [("a", 140 * MIB), ("b", 140 * MIB)];
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let upload = Upload::halted(&files, &[]);
        upload.signal(name);
        let (ended, world, receiver) = upload.ends();
        let ended = ended.expect(code);
        assert_eq!(ended.count("created"), 1, "the batch in flight was finished, the next not begun");
        assert_eq!(ended.summary()["stopped"], true);
        let mirror = Receiver::mirror(&world);
        assert!(exists(&mirror.join("a")) && !exists(&mirror.join("b")));
        assert_eq!(receiver.scan(&world, &[]).expect(0).count("created"), 1);
        assert_mirrored(&world.source(), &mirror);
    }
}

#[test]
fn a_receiver_ends_in_good_order_also_with_connections_that_only_wait() {
    for name in ["TERM", "INT"] {
        let world = World::with(&["a=1"]);
        let receiver = world.receiver();
        receiver.scan(&world, &[]).expect(0);
        let mut kept = TcpStream::connect(receiver.address()).expect("connects");
        kept.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").expect("is sent");
        let answered = kept.read(&mut [0; 64]).expect("is answered");
        assert!(answered > 0, "the connection is kept alive");
        let _silent = TcpStream::connect(receiver.address()).expect("connects");
        assert_eq!(receiver.end(name, GOOD_ORDER), Some(0), "SIG{name}");
        assert!(!exists(&world.path("data/.roundsman/address")), "nobody serves any more");
    }
}

#[test]
fn a_client_of_a_receiver_that_ends_waits_for_the_next_one() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let address = receiver.address();
    receiver.scan(&world, &[]).expect(0);
    write(&world.source(), &["b=2"]);
    assert_eq!(receiver.end("TERM", GOOD_ORDER), Some(0));
    let to = format!("http://{address}");
    let client = world.start(&["scan", "source", "--to", &to, "--token-file", "token", "--retry-for", "60s", "--json"]);
    let _receiver = Receiver::start_at(&world, &address);
    client.ended(PATIENCE).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
}
