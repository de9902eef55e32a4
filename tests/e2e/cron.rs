//! As from cron: no terminal, hardly an environment, the root directory, `--quiet`. Cron mails whatever is printed.

use std::fs;
use std::process::Command;

use crate::support::{Outcome, World, assert_mirrored, write};

/// What a crontab line runs, but for more arguments at its end.
fn job(world: &World, to: &str, more: &[&str]) -> Command {
    let source = world.source();
    let source = source.to_str().expect("a temporary directory has a plain name");
    let mut command = world.command(&[&["scan", source, "--to", to, "--quiet"], more].concat());
    // What is left is HOME and PATH.
    command.env_remove("ROUNDSMAN_STATE_DIR").current_dir("/");
    command
}

fn run(world: &World) -> Outcome {
    let data = world.data();
    let data = data.to_str().expect("a temporary directory has a plain name");
    job(world, data, &[]).output().expect("the command can be run").into()
}

#[track_caller]
fn silent(outcome: Outcome) {
    let outcome = outcome.expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn a_job_that_is_well_prints_nothing_at_all() {
    let world = World::with(&["a=1", "d/b=2", "l>a"]);
    silent(run(&world));
    silent(run(&world));
    write(&world.source(), &["a=changed", "e/c=3"]);
    fs::rename(world.source().join("d/b"), world.source().join("moved")).expect("renamed");
    fs::remove_file(world.source().join("l")).expect("removed");
    silent(run(&world));
    assert_mirrored(&world.source(), &world.mirror());
    assert!(world.path(".local/state/roundsman").is_dir(), "state lies below HOME");
}

#[test]
fn each_problem_is_one_line() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(&["well=1", "locked-1=2", "d/locked-2=3"]).run_by_an_ordinary_user();
    for name in ["locked-1", "d/locked-2"] {
        fs::set_permissions(world.source().join(name), fs::Permissions::from_mode(0o000)).expect("mode set");
    }
    let outcome = run(&world).expect(3);
    assert_eq!(outcome.stdout, "");
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", outcome.stderr);
    for name in ["locked-1", "d/locked-2"] {
        assert!(lines.iter().any(|line| line.contains(name)), "{name} in {}", outcome.stderr);
    }
    assert_eq!(fs::read(world.mirror().join("well")).expect("delivered"), b"1");
}

#[test]
fn a_receiver_that_is_away_is_said_once() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(&["a=1"]);
    fs::write(world.path("token"), "rmt_abc").expect("written");
    fs::set_permissions(world.path("token"), fs::Permissions::from_mode(0o600)).expect("mode set");
    let token = world.path("token");
    let token = token.to_str().expect("a temporary directory has a plain name");
    // Port 1 of this machine: nothing listens there.
    let mut command = job(&world, "http://127.0.0.1:1", &["--token-file", token, "--retry-for", "200ms"]);
    let outcome = Outcome::from(command.output().expect("the command can be run")).expect(10);
    assert_eq!(outcome.stdout, "");
    assert!((1..=3).contains(&outcome.stderr.lines().count()), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("http://127.0.0.1:1"), "it says which: {}", outcome.stderr);
}

#[test]
fn a_source_that_is_away_is_said_once_and_nothing_is_deleted() {
    let world = World::with(&["a=1"]);
    silent(run(&world));
    fs::rename(world.source(), world.path("away")).expect("renamed");
    let outcome = run(&world).expect(1);
    assert_eq!(outcome.stdout, "");
    assert!((1..=3).contains(&outcome.stderr.lines().count()), "{}", outcome.stderr);
    assert_mirrored(&world.path("away"), &world.mirror());
}

#[test]
fn a_job_that_finds_its_predecessor_still_at_work_says_so() {
    let world = World::with(&["a=1"]);
    let data = world.data();
    let data = data.to_str().expect("a temporary directory has a plain name");
    let held = crate::support::Started::new(job(&world, data, &["--interval", "1h"]));
    crate::support::wait_until("the first round is done", || world.mirror().join("a").exists());
    let outcome = run(&world).expect(11);
    assert_eq!(outcome.stdout, "");
    assert!((1..=3).contains(&outcome.stderr.lines().count()), "{}", outcome.stderr);
    held.signal("TERM");
    silent(held.ended(crate::support::PATIENCE));
}
