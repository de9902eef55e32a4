//! What people see: progress on a terminal and only there, a last line that says it all, help and pages.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Outcome, World, many_files, noise, write};

const BARS: [&str; 2] = ["Scanning", "Sending"];
/// What makes a terminal clear the line that its cursor is in.
const CLEAR_LINE: &str = "\x1b[2K";

/// A tree that takes long enough for bars to be drawn.
fn slow_world() -> World {
    let world = World::new();
    many_files(&world.source(), 500);
    fs::write(world.source().join("big"), noise(7, 32 * 1024 * 1024)).expect("written");
    world
}

/// Runs the command in a terminal of its own; all that was written there.
fn in_a_terminal(world: &World, arguments: &str) -> Outcome {
    let line = format!("stty cols 100 rows 30; exec '{}' {arguments}", env!("CARGO_BIN_EXE_roundsman"));
    // The world's own directory and environment, but `script` in the command's place.
    let like = world.command(&[]);
    let mut command = Command::new("script");
    command.args(["-qefc", &line, "/dev/null"]).env_clear().stdin(Stdio::null());
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(like.get_current_dir().expect("a world's command has one"));
    command.env("TERM", "xterm").env("SHELL", "/bin/sh").output().expect("script runs").into()
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let world = slow_world();
    let shown = in_a_terminal(&world, "scan source --to data").expect(0).stdout;
    // They are drawn below each other, and the upper one goes first: then the lower one is alone.
    for (bar, lines) in BARS.iter().zip([2, 1]) {
        let (_, after) = shown.rsplit_once(bar).unwrap_or_else(|| panic!("{bar} in {shown:?}"));
        assert!(after.matches(CLEAR_LINE).count() >= lines, "{bar} is gone at the end: {after:?}");
    }
    assert!(shown.contains("mirror: "), "{shown:?}");
}

#[test]
fn no_progress_is_shown_in_a_pipe_nor_where_quiet_is_wanted_nor_on_a_terminal_that_cannot() {
    let world = slow_world();
    let piped = world.run(&["scan", "source", "--to", "data"]).expect(0);
    let quiet = in_a_terminal(&world, "scan source --to other --quiet").expect(0);
    assert_eq!(quiet.stdout, "");
    let json = in_a_terminal(&world, "scan source --to third --json").expect(0);
    for text in [&piped.stdout, &piped.stderr, &json.stdout] {
        assert!(BARS.iter().all(|bar| !text.contains(bar)) && !text.contains('\x1b'), "{text:?}");
    }
}

#[test]
fn the_last_line_says_files_bytes_seconds_and_where_the_mirror_lies() {
    let world = World::with(&["a=12345", "d/b=6789"]);
    let outcome = world.run(&["scan", "source", "--to", "data"]).expect(0);
    let last = outcome.stdout.lines().last().expect("a last line");
    let mirror = world.mirror();
    let mirror = mirror.canonicalize().expect("is there");
    let mirror = mirror.to_str().expect("a temporary directory has a plain name");
    for part in ["3 created", "2 files (9 B)", " s; ", mirror] {
        assert!(last.contains(part), "{part:?} in {last:?}");
    }
    let again = world.run(&["scan", "source", "--to", "data"]).expect(0);
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);
}

#[test]
fn each_change_is_a_line_where_somebody_asks_for_it() {
    let world = World::with(&["a=1", "b=2", "c=3", "gone=4", "k=5"]);
    world.round();
    write(&world.source(), &["a=changed", "d/e=6"]);
    fs::rename(world.source().join("b"), world.source().join("d/moved")).expect("renamed");
    fs::remove_file(world.source().join("gone")).expect("removed");
    fs::remove_file(world.source().join("k")).expect("removed");
    write(&world.source(), &["k/"]);
    let outcome = world.run(&["scan", "source", "--to", "data", "-v"]).expect(0);
    let lines: Vec<_> = outcome.stdout.lines().filter(|line| !line.contains("mirror: ")).collect();
    // The root's own mtime changed, too.
    let expected = ["U ./", "M a", "+ d/", "+ d/e", "R b -> d/moved", "- gone", "T k/"];
    assert_eq!(lines, expected, "{}", outcome.stdout);
}

#[test]
fn quiet_prints_nothing_when_all_is_well() {
    let world = World::with(&["a=1"]);
    for flags in [&["--quiet"][..], &["-q", "--json"]] {
        let outcome = world.run(&[&["scan", "source", "--to", "data"], flags].concat()).expect(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    }
}

#[test]
fn help_version_completions_and_manual_say_what_they_should() {
    let world = World::new();
    for (arguments, parts) in [
        (&["--version"][..], &["roundsman 0."][..]),
        (&["--help"], &["scan", "receive", "takeover", "Examples:"]),
        (&["scan", "--help"], &["--dry-run", "--interval", "Exit codes:", "  25  "]),
        (&["completions", "bash"], &["complete", "roundsman", "--one-file-system"]),
        (&["man"], &[".TH roundsman", "SYNOPSIS"]),
    ] {
        let outcome = world.run(arguments).expect(0);
        for part in parts {
            assert!(outcome.stdout.contains(part), "{part:?} in `roundsman {arguments:?}`:\n{}", outcome.stdout);
        }
        assert_eq!(outcome.stderr, "");
    }
    fs::create_dir(world.path("pages")).expect("made");
    world.run(&["man", "--dir", "pages"]).expect(0);
    assert!(world.path("pages/roundsman-scan.1").exists());
    world.run(&["no-such-command"]).expect(2);
    world.run(&[]).expect(2);
}

/// Runs a command whose reader goes away after one byte.
fn read_one_byte(world: &World, arguments: &[&str]) -> Outcome {
    use std::io::Read;
    let mut child = world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut stdout = child.stdout.take().expect("its stdout is a pipe");
    stdout.read_exact(&mut [0]).expect("a byte comes");
    drop(stdout);
    child.wait_with_output().expect("it ends").into()
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_stops_no_round() {
    let world = World::new();
    many_files(&world.source(), 1_000);
    for arguments in [&["man"][..], &["completions", "bash"], &["--help"], &["config", "show"]] {
        let outcome = read_one_byte(&world, arguments).expect(0);
        assert_eq!(outcome.stderr, "", "{arguments:?}");
    }
    let scan = ["scan", "source", "--to", "data", "-v"];
    // The first lines fill the pipe long before the last ones are written.
    assert_eq!(read_one_byte(&world, &scan).expect(0).stderr, "");
    crate::support::assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure_and_stops_no_round() {
    let world = World::with(&["a=1"]);
    let full = fs::File::options().write(true).open("/dev/full").expect("is on every Linux");
    let mut command = world.command(&["scan", "source", "--to", "data", "--json"]);
    let outcome = Outcome::from(command.stdout(full).output().expect("runs")).expect(1);
    assert!(outcome.stderr.contains("cannot write to stdout"), "{}", outcome.stderr);
    crate::support::assert_mirrored(&world.source(), &world.mirror());
}
