//! Bad input: a clear message with a hint, a documented exit code, and nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::world::exists;
use crate::support::{Outcome, World, write};

/// The command must end with this code, say these words and a hint, and make no destination.
#[track_caller]
fn refused(world: &World, outcome: Outcome, code: i32, words: &str) {
    let outcome = outcome.expect(code);
    assert!(outcome.stderr.contains(words), "{words:?} in {}", outcome.stderr);
    assert!(outcome.stderr.contains("Hint: "), "{}", outcome.stderr);
    assert!(!exists(&world.data()), "nothing was made");
}

#[test]
fn a_source_that_is_missing_or_a_file() {
    let world = World::with(&[]);
    write(&world.path(""), &["file=1"]);
    refused(&world, world.run(&["scan", "nowhere", "--to", "data"]), 2, "nowhere");
    refused(&world, world.run(&["scan", "file", "--to", "data"]), 2, "is not a directory");
}

#[test]
fn source_and_destination_inside_each_other() {
    let world = World::with(&["d/a=1"]);
    refused(&world, world.run(&["scan", "source", "--to", "source/data"]), 2, "inside the source");
    refused(&world, world.run(&["scan", "source/d", "--to", "source"]), 2, "inside the destination");
    refused(&world, world.run(&["scan", "source", "--to", "source"]), 2, "inside the");
    std::os::unix::fs::symlink(world.source(), world.path("link")).expect("a link");
    refused(&world, world.run(&["scan", "source", "--to", "link/data"]), 2, "inside the source");
    assert!(!exists(&world.path("source/data")));
}

#[test]
fn a_destination_whose_disk_is_not_mounted() {
    let world = World::with(&["a=1"]);
    refused(&world, world.run(&["scan", "source", "--to", "missing/data"]), 2, "missing/data");
    assert!(!exists(&world.path("missing")));
}

#[test]
fn no_destination_and_no_source() {
    let world = World::with(&["a=1"]);
    refused(&world, world.run(&["scan", "source"]), 2, "to");
    refused(&world, world.run(&["scan"]), 2, "");
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let world = World::with(&["a=1"]);
    write(&world.path(""), &["file=1"]);
    refused(&world, world.run(&["scan", "source", "--to", "data", "--state-dir", "file/state"]), 2, "file/state");
}

#[test]
fn a_configuration_with_an_unknown_key_a_wrong_type_or_a_bad_duration() {
    let world = World::with(&["a=1"]);
    let config = |text: &str| {
        fs::write(world.path("config.toml"), text).expect("written");
        world.run(&["scan", "--config", "config.toml"])
    };
    let mirror = "[[mirror]]\nsource = \"source\"\nto = \"data\"\n";
    refused(&world, config(&format!("intervall = \"30s\"\n{mirror}")), 2, "did you mean `interval`");
    refused(&world, config(&format!("quiet = 7\n{mirror}")), 2, "config.toml:1");
    refused(&world, config(&format!("\ninterval = \"soon\"\n{mirror}")), 2, "config.toml:2");
    refused(&world, config("[[mirror]\n"), 2, "config.toml:1");
    refused(&world, world.run(&["scan", "--config", "absent.toml"]), 2, "absent.toml");
}

#[test]
fn a_receiver_that_is_not_running() {
    let world = World::with(&["a=1"]);
    token(&world, "rmt_abc", 0o600);
    // Port 1 of this machine: nothing listens there.
    let to = ["scan", "source", "--to", "http://127.0.0.1:1", "--token-file", "token", "--retry-for", "200ms"];
    refused(&world, world.run(&to), 10, "receiver");
}

#[test]
fn plain_http_to_another_machine() {
    let world = World::with(&["a=1"]);
    token(&world, "rmt_abc", 0o600);
    let to = ["scan", "source", "--to", "http://192.0.2.1:7373", "--token-file", "token"];
    let outcome = world.run(&to).expect(2);
    assert!(outcome.stderr.contains("https"), "{}", outcome.stderr);
}

#[test]
fn a_wrong_token_and_one_that_others_may_read() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let before = listing(&world);
    token(&world, "rmt_nobody", 0o600);
    let outcome = receiver.scan(&world, &[]).expect(12);
    assert!(outcome.stderr.contains("Hint: "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("rmt_nobody"), "a token is never shown");
    token(&world, "rmt_nobody", 0o644);
    let exposed = receiver.scan(&world, &[]).expect(2);
    assert!(exposed.stderr.contains("chmod 600"), "{}", exposed.stderr);
    assert_eq!(listing(&world), before, "nothing was changed");
}

fn token(world: &World, text: &str, mode: u32) {
    fs::write(world.path("token"), text).expect("written");
    fs::set_permissions(world.path("token"), fs::Permissions::from_mode(mode)).expect("mode set");
}

fn listing(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.data()).expect("a list");
    let mut names: Vec<_> =
        names.map(|name| name.expect("a name").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_snapshot_that_is_no_database_is_set_aside_and_rebuilt() {
    let world = World::with(&["a=1", "b=2"]);
    world.round();
    let states: Vec<_> =
        fs::read_dir(world.path("state")).expect("a list").map(|s| s.expect("a name").path()).collect();
    let [state] = &states[..] else { panic!("one mirror, one state directory: {states:?}") };
    fs::write(state.join("snapshot.db"), b"this is no database at all, not even a small one").expect("written");
    let round = world.scan(&[]).expect(0);
    assert!(round.stderr.contains("snapshot.db.damaged"), "{}", round.stderr);
    assert!(exists(&state.join("snapshot.db.damaged")));
    assert_eq!(round.count("created") + round.count("modified") + round.count("deleted"), 0);
    write(&world.source(), &["c=3"]);
    assert_eq!(world.round().count("created"), 1);
}
