//! What a receiver keeps, over the network and with a token: rounds undone, history under its ceiling, and a copy of its
//! data directory that another receiver serves.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::tree::{Item, read};
use crate::support::world::exists;
use crate::support::{Outcome, Receiver, World, assert_mirrored, noise, write};

const KIB: usize = 1024;
const GOOD_ORDER: Duration = Duration::from_secs(10);

/// A command of the client `tester` about what a receiver has.
fn ask(world: &World, receiver: &Receiver, words: &[&str]) -> Outcome {
    world.run(&[words, &["--from", &receiver.url, "--token-file", "token"]].concat())
}

/// Starts a receiver with more flags, where the client `tester` is known already.
fn receive(world: &World, data: &str, more: &[&str]) -> Receiver {
    let fixed = ["receive", "--data", data, "--listen", "127.0.0.1:0"];
    Receiver::started(world.command(&[&fixed, more].concat()))
}

/// The id of the last round, as the receiver tells it.
fn last_round(world: &World, receiver: &Receiver) -> String {
    let told = ask(world, receiver, &["history", "--json"]).expect(0).stdout;
    let last: serde_json::Value = serde_json::from_str(told.lines().last().expect("a round")).expect("is JSON");
    last["round"].as_str().expect("an id").to_owned()
}

/// A copy with everything that a copy can keep.
fn copy(world: &World, from: &str, to: &str) {
    let copied = Command::new("cp").args(["-a", from, to]).current_dir(world.path("")).status();
    assert!(copied.expect("cp runs").success());
}

/// A directory with its times, restored or not, is this one.
#[track_caller]
fn assert_same(one: &Path, other: &Path) {
    let shown = |path| read(path).iter().map(|(path, item)| (path.clone(), Item::shown(item))).collect::<Vec<_>>();
    assert_eq!(shown(one), shown(other), "{} and {}", one.display(), other.display());
    assert!(read(one) == read(other), "other bytes in {} and {}", one.display(), other.display());
}

#[test]
fn a_round_is_undone_over_the_network() {
    let world = World::with(&["edited=old", "gone/x=1", "d/kept=1", "d/moved=1", "a=A", "b=B"]);
    fs::write(world.source().join("large"), noise(1, 300 * KIB)).expect("written");
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    copy(&world, "source", "before");
    write(&world.source(), &["edited=newer", "new/z=1"]);
    fs::write(world.source().join("large"), noise(2, 200 * KIB)).expect("written");
    fs::remove_dir_all(world.path("source/gone")).expect("removed");
    fs::rename(world.path("source/d/moved"), world.path("source/new/m")).expect("renamed");
    fs::rename(world.path("source/d"), world.path("source/e")).expect("renamed");
    for (from, to) in [("a", "t"), ("b", "a"), ("t", "b")] {
        fs::rename(world.source().join(from), world.source().join(to)).expect("renamed");
    }
    receiver.scan(&world, &[]).expect(0);
    let round = last_round(&world, &receiver);
    ask(&world, &receiver, &["restore", "--undo", &round[..10], "--into", "source"]).expect(0);
    assert_same(&world.path("before"), &world.source());
    receiver.scan(&world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    write(&world.path(""), &["other-token=not the token of anybody"]);
    fs::set_permissions(world.path("other-token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    let other = ["restore", "--undo", &round, "--into", "stolen", "--from", &receiver.url, "--token-file"];
    let refused = world.run(&[&other[..], &["other-token"]].concat());
    assert!(refused.code != 0 && !exists(&world.path("stolen/edited")), "{refused:?}");
}

/// The versions of one file that are kept, oldest first.
fn versions(world: &World, receiver: &Receiver) -> Vec<u64> {
    let told = ask(world, receiver, &["history", "f", "--json"]).expect(0).stdout;
    let lines = told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("is JSON"));
    lines.map(|line| line["size"].as_u64().expect("a number")).collect()
}

#[test]
fn over_its_ceiling_a_receiver_gives_up_the_oldest_history_and_nothing_else() {
    let world = World::with(&["other=never changed"]);
    drop(world.receiver());
    let receiver = receive(&world, "data", &["--keep-size", "1MiB"]);
    // Each has a size of its own, so that it is told apart.
    let size = |version: u64| 400 * KIB + usize::try_from(version).expect("small");
    for version in 1..=6 {
        fs::write(world.source().join("f"), noise(version, size(version))).expect("written");
        receiver.scan(&world, &[]).expect(0);
        let old = world.path("data/tester/.roundsman/versions");
        let sizes = read(&old).into_keys().map(|path| fs::metadata(old.join(path)).expect("there"));
        let bytes: u64 = sizes.filter(fs::Metadata::is_file).map(|found| found.len()).sum();
        assert!(bytes <= 1 << 20, "{bytes} bytes of history after version {version}");
    }
    let kept: Vec<u64> = versions(&world, &receiver);
    assert_eq!(kept, [4, 5, 6].map(|version| size(version) as u64), "two old ones fit under the ceiling");
    for version in 4..=6u64 {
        let (at, into) = (version.to_string(), format!("at-{version}"));
        ask(&world, &receiver, &["restore", "--at", &at, "--into", &into]).expect(0);
        let restored = |name| fs::read(world.path(&into).join(name)).expect("restored");
        assert!(restored("f") == noise(version, size(version)), "version {version}");
        assert_eq!(restored("other"), b"never changed");
    }
    let gone = ask(&world, &receiver, &["restore", "--at", "2", "--into", "at-2"]);
    assert!(gone.code == 1 && gone.stderr.contains("no revision 2"), "{gone:?}");
    assert!(!exists(&world.path("at-2/f")));
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
}

#[test]
fn a_copy_of_a_stopped_data_directory_is_served_by_another_receiver_with_all_its_history() {
    let world = World::with(&["a=1", "d/b=2", "d/e/c=3"]);
    fs::write(world.source().join("large"), noise(1, 300 * KIB)).expect("written");
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    copy(&world, "source", "before");
    fs::write(world.source().join("large"), noise(2, 300 * KIB)).expect("written");
    fs::rename(world.source().join("a"), world.source().join("d/a")).expect("renamed");
    fs::remove_dir_all(world.source().join("d/e")).expect("removed");
    receiver.scan(&world, &[]).expect(0);
    assert_eq!(receiver.end("TERM", GOOD_ORDER), Some(0));
    copy(&world, "data", "copy");
    fs::remove_dir_all(world.data()).expect("removed");

    let receiver = receive(&world, "copy", &[]);
    let quiet = receiver.scan(&world, &[]).expect(0);
    let changes = ["created", "modified", "metadata", "moved", "deleted"];
    assert_eq!(changes.map(|kind| quiet.count(kind)), [0; 5]);
    ask(&world, &receiver, &["verify", "source"]).expect(0);
    ask(&world, &receiver, &["restore", "--at", "1", "--into", "was"]).expect(0);
    assert_same(&world.path("before"), &world.path("was"));
    write(&world.source(), &["d/b=edited"]);
    let round = receiver.scan(&world, &[]).expect(0);
    assert_eq!(round.count("modified"), 1);
    assert_mirrored(&world.source(), &world.path("copy/tester/source"));
    ask(&world, &receiver, &["restore", "--undo", &last_round(&world, &receiver), "--into", "source"]).expect(0);
    assert_eq!(fs::read(world.source().join("d/b")).expect("there"), b"2");
}
