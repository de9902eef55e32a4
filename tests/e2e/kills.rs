//! kill -9 of either side in the middle of what is sent: what arrived does not travel again, and memory stays bounded.
//!
//! A relay counts what is sent, to the byte, and stops at random bytes, where one side is killed.

use std::fs::{self, File};
use std::io::Write;

use crate::support::process::Peaks;
use crate::support::{PATIENCE, Receiver, Relay, Started, World, assert_mirrored, comes_true, noise};

const MIB: u64 = 1024 * 1024;
/// Small files, and the bytes of each: the frames on their way at a kill are to be few of all.
const SMALL_FILES: usize = 50_000;
const SMALL_BYTES: usize = 8 * 1024;

/// Which side is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Receiver,
}

/// An upload under way, and the most memory that each side ever took.
struct Upload<'a> {
    world: &'a World,
    relay: Relay,
    receiver: Receiver,
    client: Started,
    peaks: Peaks,
}

impl<'a> Upload<'a> {
    fn begin(world: &'a World) -> Self {
        let receiver = world.receiver();
        let relay = Relay::to(&receiver.address());
        let client = start_client(world, &relay);
        Self { world, relay, receiver, client, peaks: Peaks::default() }
    }

    fn look(&mut self) {
        self.peaks.look(self.client.id(), self.receiver.id());
    }

    /// Kills a side when so many bytes have been sent, and starts it again.
    fn kill(&mut self, side: Side, at: u64) {
        self.relay.stop_at(at);
        self.relay.wait_for_stop();
        self.look();
        match side {
            Side::Client => {
                self.client.strike();
                self.relay.run_free();
                self.client = start_client(self.world, &self.relay);
            }
            Side::Receiver => {
                self.receiver.strike();
                self.relay.run_free();
                self.receiver = Receiver::start_at(self.world, &self.receiver.address());
            }
        }
    }

    /// Lets it end. How many bytes were sent in all.
    #[track_caller]
    fn end(mut self) -> u64 {
        let ended = comes_true(PATIENCE * 5, || {
            self.look();
            !self.client.is_running()
        });
        assert!(ended, "the client still runs: {}", self.client.stderr());
        self.client.ended(PATIENCE).expect(0);
        self.peaks.are_within_the_promise();
        self.relay.sent()
    }
}

fn start_client(world: &World, relay: &Relay) -> Started {
    world.start(&["scan", "source", "--to", &relay.url, "--token-file", "token", "--json"])
}

/// Uploads the source while sides are killed, one after another: at a random byte in each of equal parts.
#[track_caller]
fn upload_while_killed(world: &World, sides: &[Side], bytes: u64) -> u64 {
    let part = bytes / sides.len() as u64;
    let random = noise(5, sides.len());
    let moments = (0..).zip(random).map(|(number, random)| number * part + part * u64::from(random) / 256);
    let mut upload = Upload::begin(world);
    for (at, side) in moments.zip(sides) {
        upload.kill(*side, at);
    }
    let sent = upload.end();
    println!("{} kills: {sent} bytes were sent for {bytes}", sides.len());
    assert!(sent >= bytes, "{sent} bytes cannot be {bytes} that do not compress");
    sent
}

#[test]
fn a_large_file_whose_sides_are_killed_ten_times_each_is_sent_little_more_than_once() {
    let is_long = std::env::var_os("ROUNDSMAN_TEST_SIZE").is_some_and(|size| size == "long");
    let bytes = if is_long { 5 * 1024 * MIB } else { 512 * MIB };
    let world = World::new();
    let mut file = File::create(world.source().join("large")).expect("made");
    for part in 1..=bytes / MIB {
        file.write_all(&noise(part.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1024 * 1024)).expect("written");
    }
    let sent = upload_while_killed(&world, &[Side::Client, Side::Receiver].repeat(10), bytes);
    assert_same(&world.source().join("large"), &Receiver::mirror(&world).join("large"));
    assert!(sent * 10 < bytes * 11, "{sent} bytes were sent for {bytes}");
}

/// Two files too large to be held in memory.
#[track_caller]
fn assert_same(one: &std::path::Path, other: &std::path::Path) {
    let same = std::process::Command::new("cmp").args([one, other]).status().expect("cmp runs");
    assert!(same.success(), "{} and {} differ", one.display(), other.display());
}

#[test]
fn fifty_thousand_small_files_whose_sides_are_killed_are_sent_little_more_than_once() {
    let world = World::new();
    for number in 0..SMALL_FILES {
        let directory = world.source().join(format!("d{:03}", number / 50));
        fs::create_dir_all(&directory).expect("a directory can be made");
        let seed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        fs::write(directory.join(format!("f{number}")), noise(seed, SMALL_BYTES)).expect("written");
    }
    let bytes = (SMALL_FILES * SMALL_BYTES) as u64;
    let sent = upload_while_killed(&world, &[[Side::Receiver; 3], [Side::Client; 3]].concat(), bytes);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    assert!(sent * 10 < bytes * 11, "{sent} bytes were sent for {bytes}");
}
