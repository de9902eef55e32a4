//! Memory does not grow with the tree: the most that the real command and a real receiver ever had, as the kernel counts it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::process::Peaks;
use crate::support::{PATIENCE, Receiver, Started, World, assert_mirrored, comes_true, noise};

/// More files than a round plans in memory; as many as the promise names in the full run.
fn files() -> usize {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full" | "long") => 50_000,
        _ => 20_000,
    }
}

/// So many files of up to 4 KiB that no compressor makes smaller, 50 to a directory.
fn small_files(root: &Path, count: usize) {
    let bytes = noise(1, 1 << 23);
    for number in 0..count {
        let directory = root.join(format!("d{:03}", number / 50));
        fs::create_dir_all(&directory).expect("a directory can be made");
        let start = number * 4_099 % (bytes.len() - 4_096);
        let text = [format!("{number} ").as_bytes(), &bytes[start..start + number % 4_096]].concat();
        fs::write(directory.join(format!("f{number}")), text).expect("a file can be written");
    }
}

#[track_caller]
fn wait_for_rounds(started: &Started, count: usize) {
    let done = comes_true(10 * PATIENCE, || started.rounds().len() >= count);
    assert!(done, "round {count} is not done\nstderr: {}", started.stderr());
}

#[test]
fn tens_of_thousands_of_small_files_fit_in_128_mib_on_both_sides() {
    let world = World::new();
    small_files(&world.source(), files());
    let receiver = world.receiver();
    let started = receiver.start_scan(&world, &["--interval", "2s"]);
    // The second round is over the same tree, unchanged.
    wait_for_rounds(&started, 2);
    let mut peaks = Peaks::default();
    peaks.look(started.id(), receiver.id());
    peaks.are_within_the_promise();
    let rounds = started.rounds();
    assert!(rounds[0]["created"].as_u64() >= Some(files() as u64), "{}", rounds[0]);
    assert_eq!(rounds[1]["created"], 0, "{}", rounds[1]);
    started.signal("TERM");
    started.ended(Duration::from_secs(10)).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
}
