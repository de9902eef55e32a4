//! Settings end to end: files, variables and flags; several mirrors; filters; state and log where one puts them.

use std::fs;

use crate::support::tree::names;
use crate::support::world::exists;
use crate::support::{Outcome, PATIENCE, World, assert_mirrored, write};

fn configure(world: &World, text: &str) {
    fs::write(world.path("config.toml"), text).expect("written");
}

/// A round of what the configuration names.
fn configured(world: &World, more: &[&str]) -> Outcome {
    world.run(&[&["scan", "--config", "config.toml", "--json"], more].concat())
}

/// Two mirrors whose sources are `one` and `two`.
fn two_mirrors(first_to: &str, second_to: &str) -> World {
    let world = World::new();
    write(&world.path(""), &["one/a=1", "two/b=2", "file=no directory"]);
    let mirror = |source: &str, to: &str| format!("[[mirror]]\nsource = \"{source}\"\nto = \"{to}\"\n");
    configure(&world, &(mirror("one", first_to) + &mirror("two", second_to)));
    world
}

#[test]
fn every_mirror_of_the_configuration_has_its_round() {
    let world = two_mirrors("data", "other");
    assert_eq!(configured(&world, &[]).expect(0).summaries().len(), 2);
    assert_mirrored(&world.path("one"), &world.path("data/local/one"));
    assert_mirrored(&world.path("two"), &world.path("other/local/two"));
    assert_eq!(configured(&world, &["two"]).expect(0).summaries().len(), 1, "or the one that is named");
}

#[test]
fn a_broken_mirror_does_not_keep_the_other_from_its_round_and_the_worse_exit_counts() {
    for (first_to, second_to, broken, well) in [("file", "data", "one", "two"), ("data", "file", "two", "one")] {
        let world = two_mirrors(first_to, second_to);
        let alone = configured(&world, &[broken]);
        assert!([1, 2].contains(&alone.code), "{alone:?}");
        let both = configured(&world, &[]).expect(alone.code);
        assert!(both.stderr.contains("file"), "{}", both.stderr);
        assert_eq!(both.summaries().len(), 2);
        assert_mirrored(&world.path(well), &world.path("data/local").join(well));
        assert_eq!(fs::read(world.path("file")).expect("untouched"), b"no directory");
    }
}

#[test]
fn a_loop_goes_on_with_the_mirror_that_is_well() {
    let world = two_mirrors("file", "data");
    let started = world.start(&["scan", "--config", "config.toml", "--json", "--interval", "50ms"]);
    started.wait_for_rounds(4);
    write(&world.path("two"), &["b=new"]);
    let arrived = || fs::read(world.path("data/local/two/b")).is_ok_and(|bytes| bytes == b"new");
    crate::support::wait_until("the edit arrived", arrived);
    started.signal("TERM");
    started.ended(PATIENCE).expect(0);
}

#[test]
fn a_flag_decides_over_a_variable_and_that_over_the_file() {
    let world = World::with(&["a=1"]);
    configure(&world, "[[mirror]]\nsource = \"source\"\nto = \"filed\"\n");
    let scan = |variable: Option<&str>, more: &[&str]| {
        let mut command = world.command(&[&["scan", "--config", "config.toml"], more].concat());
        command.envs(variable.map(|to| ("ROUNDSMAN_TO", to)));
        Outcome::from(command.output().expect("the command can be run")).expect(0);
        let made = ["filed", "varied", "flagged"].into_iter().filter(|name| exists(&world.path(name)));
        made.collect::<Vec<_>>()
    };
    assert_eq!(scan(None, &[]), ["filed"]);
    assert_eq!(scan(Some("varied"), &[]), ["filed", "varied"]);
    assert_eq!(scan(Some("varied"), &["--to", "flagged"]), ["filed", "varied", "flagged"]);
    for made in ["filed", "varied", "flagged"] {
        assert_mirrored(&world.source(), &world.path(made).join("local/source"));
    }
}

#[test]
fn config_check_says_what_is_wrong_and_show_says_where_each_setting_is_from() {
    let world = World::with(&["a=1"]);
    configure(&world, "interval = \"30s\"\nverbose = 1\n\n[[mirror]]\nsource = \"source\"\nto = \"data\"\n");
    let config = |word: &str, more: &[&str]| {
        let mut command = world.command(&[&["config", word, "--config", "config.toml"], more].concat());
        command.env("ROUNDSMAN_RETRY_FOR", "7s");
        Outcome::from(command.output().expect("the command can be run"))
    };
    config("check", &[]).expect(0);
    let shown = config("show", &["--origin", "--transfers", "3"]).expect(0).stdout;
    for (setting, origin) in [
        ("interval = \"30s\"", "config.toml:1"),
        ("retry_for = \"7s\"", "environment ROUNDSMAN_RETRY_FOR"),
        ("transfers = 3", "flag --transfers"),
        ("one_file_system = false", "default"),
    ] {
        let line = shown.lines().find(|line| line.starts_with(setting));
        assert!(line.is_some_and(|line| line.ends_with(origin)), "{setting}  # {origin}: {line:?} in\n{shown}");
    }
    // What is shown is itself a configuration that means the same.
    configure(&world, &config("show", &[]).expect(0).stdout);
    config("check", &[]).expect(0);
    configure(&world, "intervall = \"30s\"\n");
    let wrong = config("check", &[]).expect(2);
    assert!(wrong.stderr.contains("config.toml:1") && wrong.stderr.contains("`interval`"), "{}", wrong.stderr);
}

#[test]
fn an_ignore_file_leaves_out_what_it_matches_but_for_what_it_takes_back() {
    let world = World::with(&["a.log=1", "keep.log=2", "d/b.log=3", "d/keep.log=4", "build/x=5", "c=6", "d/build=7"]);
    write(&world.path(""), &["ignore=# logs\n*.log\n!keep.log\n/build/\n"]);
    world.scan(&["--ignore-file", "ignore"]).expect(0);
    assert_eq!(names(&world.mirror()), ["c", "d", "d/build", "d/keep.log", "keep.log"]);
}

#[test]
fn globs_leave_out_and_take_back_in() {
    let world = World::with(&["a.tmp=1", "b.tmp=2", "d/c.tmp=3", "d/e=4", "cache/f=5"]);
    world.scan(&["--exclude", "*.tmp", "--exclude", "/cache/", "--include", "b.tmp"]).expect(0);
    assert_eq!(names(&world.mirror()), ["b.tmp", "d", "d/e"]);
    let bad = world.scan(&["--exclude", "[z-a]"]).expect(2);
    assert!(bad.stderr.contains("[z-a]"), "{}", bad.stderr);
}

#[test]
fn what_is_newly_excluded_stays_at_the_mirror_and_what_is_newly_included_appears() {
    let world = World::with(&["a.tmp=1", "d/b.tmp=2", "c=3"]);
    world.round();
    let excluded = ["--exclude", "*.tmp", "--exclude", "/d/"];
    assert_eq!(world.scan(&excluded).expect(0).count("deleted"), 0);
    fs::remove_file(world.source().join("a.tmp")).expect("removed");
    write(&world.source(), &["d/b.tmp=changed", "c=changed", "new.tmp=4"]);
    let round = world.scan(&excluded).expect(0);
    assert_eq!(
        (round.count("deleted"), round.count("created"), round.count("modified")),
        (0, 0, 1),
        "{}",
        round.stdout
    );
    assert_eq!(names(&world.mirror()), ["a.tmp", "c", "d", "d/b.tmp"]);
    assert_eq!(fs::read(world.mirror().join("d/b.tmp")).expect("kept"), b"2");
    world.round();
}

#[test]
fn a_state_directory_inside_the_source_is_not_mirrored_and_rounds_get_quiet() {
    let world = World::with(&["a=1"]);
    let state = ["--state-dir", "source/own/state"];
    world.scan(&state).expect(0);
    assert!(exists(&world.source().join("own/state")));
    assert_eq!(names(&world.mirror()), ["a", "own"]);
    for _ in 0..2 {
        let quiet = world.scan(&state).expect(0);
        let changes = ["created", "modified", "metadata", "moved", "deleted", "bytes_read"];
        assert_eq!(changes.map(|key| quiet.count(key)), [0; 6], "{}", quiet.stdout);
    }
}

#[test]
fn the_log_file_is_made_with_its_directory_and_holds_json_lines_without_secrets() {
    let world = World::with(&["a=what this file holds is nobody's business"]);
    let receiver = world.receiver();
    receiver.scan(&world, &["--log-file", "logs/deep/log", "-vvv"]).expect(0);
    let log = fs::read_to_string(world.path("logs/deep/log")).expect("is there");
    assert!(log.lines().count() > 0);
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["fields"].is_object() && event["level"].is_string(), "{line}");
    }
    let token = fs::read_to_string(world.path("token")).expect("is there");
    assert!(!log.contains(token.trim()), "the token is in the log");
    assert!(!log.contains("nobody's business"), "a file's content is in the log");
}
