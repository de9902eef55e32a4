//! `roundsman history`: what was when, over a directory of this machine and over the network.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Outcome, World, write};

fn messages(outcome: &Outcome) -> Vec<serde_json::Value> {
    outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
}

#[test]
fn rounds_are_told_in_order_with_their_counts() {
    let world = World::with(&["a=1", "b=1"]);
    world.round();
    write(&world.source(), &["a=22"]);
    fs::remove_file(world.path("source/b")).expect("removed");
    world.round();
    let told = messages(&world.run(&["history", "--from", "data", "--json"]).expect(0));
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|line| line["message_type"] == "round"));
    assert_eq!((&told[0]["created"], &told[1]["modified"], &told[1]["deleted"]), (&2.into(), &1.into(), &1.into()));
    let text = world.run(&["history", "--from", "data"]).expect(0).stdout;
    let id = told[1]["round"].as_str().expect("an id");
    let last = text.lines().last().expect("a line");
    assert!(last.contains(&id[..12]) && last.contains("1 deleted"), "{text}");
    assert_eq!(world.run(&["history", "--from", "data", "--quiet"]).expect(0).stdout, "");
}

#[test]
fn a_file_is_followed_through_renames_and_past_its_end() {
    let world = World::with(&["d/a=1", "other=1"]);
    world.round();
    fs::rename(world.path("source/d"), world.path("source/e")).expect("renamed");
    world.round();
    write(&world.source(), &["e/a=22"]);
    world.round();
    fs::remove_file(world.path("source/e/a")).expect("removed");
    world.round();
    let told = messages(&world.run(&["history", "e/a", "--from", "data", "--json"]).expect(0));
    let changes: Vec<_> = told.iter().map(|line| line["change"].as_str().expect("a word")).collect();
    assert_eq!(changes, ["created", "moved", "modified"]);
    assert_eq!((&told[1]["moved_from"]["path"], &told[1]["path"]), (&"d/a".into(), &"e/a".into()));
    assert_eq!(told[2]["until_revision"], 4);
    let text = world.run(&["history", "e/a", "--from", "data"]).expect(0).stdout;
    assert!(text.contains("d/a -> e/a") && text.lines().last().is_some_and(|line| line.contains("gone")), "{text}");
    let below = world.run(&["history", "source/e/a", "--from", "data", "--json"]).expect(0);
    assert_eq!(messages(&below), told, "a path below the source is that of the mirror");
    world.run(&["history", "nothing", "--from", "data"]).expect(2);
    world.run(&["history", "/etc/passwd", "--from", "data"]).expect(2);
}

#[test]
fn names_that_are_not_utf8_have_a_history_over_the_network() {
    let world = World::new();
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(world.source().join(name), "1").expect("written");
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    let mut command = world.command(&["history", "--from", &receiver.url, "--token-file", "token", "--json"]);
    let told = messages(&Outcome::from(command.arg(name).output().expect("runs")).expect(0));
    assert_eq!((told.len(), &told[0]["path_base64"], &told[0]["size"]), (1, &"Y2Fm6Q==".into(), &1.into()));
}

#[test]
fn the_configuration_says_where_and_which() {
    let world = World::with(&["a=1"]);
    write(&world.path(""), &["config=[[mirror]]\nsource = \"source\"\nto = \"data\"\n"]);
    world.run(&["scan", "--config", "config"]).expect(0);
    let told = world.run(&["history", "--config", "config", "--json"]).expect(0);
    assert_eq!(messages(&told).len(), 1);
}
