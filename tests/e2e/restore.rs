//! `roundsman restore`: what was mirrored comes back, exactly, and nothing else is touched.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::support::world::exists;
use crate::support::{PATIENCE, Receiver, World, noise, wait_until, write};

/// Everything below a directory with kind, exact mode, mtime and content, a line each.
fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    collect(root, root, &mut lines);
    lines.sort();
    lines
}

fn collect(root: &Path, at: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(at).expect("can be listed") {
        let path = entry.expect("an entry").path();
        let stat = path.symlink_metadata().expect("is there");
        let what = if stat.is_dir() {
            collect(root, &path, lines);
            "directory".to_owned()
        } else if stat.is_symlink() {
            format!("-> {:?}", fs::read_link(&path).expect("a link"))
        } else {
            blake3_of(&path)
        };
        let below = path.strip_prefix(root).expect("below");
        lines.push(format!("{below:?} {:o} {}.{:09} {what}", stat.mode() & 0o7777, stat.mtime(), stat.mtime_nsec()));
    }
}

fn blake3_of(path: &Path) -> String {
    protocol::ContentId::of(&fs::read(path).unwrap_or_else(|error| error.to_string().into_bytes())).to_hex()
}

#[track_caller]
fn assert_same(restored: &Path, source: &Path) {
    let (restored, source) = (listing(restored), listing(source));
    let differ = source
        .iter()
        .filter(|line| !restored.contains(line))
        .chain(restored.iter().filter(|line| !source.contains(line)));
    assert_eq!(differ.collect::<Vec<_>>(), Vec::<&String>::new());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("may be set");
}

/// A source with everything a mirror holds.
fn world_with_everything() -> World {
    let world = World::with(&["a=1", "d/b=2", "d/e/c=3", "empty/"]);
    let source = world.source();
    symlink("../nowhere", source.join("d/link")).expect("a link");
    fs::write(source.join(OsStr::from_bytes(b"caf\xe9\n")), b"x").expect("written");
    fs::create_dir(source.join(OsStr::from_bytes(b"\xff"))).expect("made");
    fs::write(source.join("large"), noise(7, 9 * 1024 * 1024)).expect("written");
    world
}

#[test]
fn a_whole_mirror_comes_back_with_exact_modes_and_times_also_of_directories() {
    let world = world_with_everything();
    let source = world.source();
    for (path, mode) in [("a", 0o4711), ("d/e", 0o2555), ("d/b", 0o400), ("empty", 0o1777)] {
        set_mode(&source.join(path), mode);
    }
    world.scan(&[]).expect(0);
    let restored = world.run(&["restore", "--from", "data", "--into", "back"]).expect(0);
    assert_same(&world.path("back"), &source);
    assert_eq!(fs::metadata(world.path("back")).expect("there").mtime(), fs::metadata(&source).expect("there").mtime());
    assert!(restored.stdout.contains("restored into: "), "{}", restored.stdout);
    let again = world.run(&["restore", "--from", "data", "--into", "back", "--json"]).expect(0);
    assert_eq!((again.count("created"), again.count("contents_fetched"), again.count("problems")), (0, 0, 0));
    set_mode(&source.join("d/e"), 0o755);
    set_mode(&world.path("back/d/e"), 0o755);
}

#[test]
fn an_ordinary_user_gets_back_what_shuts_him_out_and_may_say_it_twice() {
    let world = World::with(&["d/e/a=1", "closed/b=2", "none=3"]);
    let source = world.source();
    let world = world.run_by_an_ordinary_user();
    world.scan(&[]).expect(0);
    // The mirror remembers modes that the source's owner could not have read again.
    for (path, mode) in [("d/e", 0o555), ("closed", 0o500), ("none", 0o400)] {
        set_mode(&source.join(path), mode);
    }
    world.scan(&[]).expect(0);
    for _ in 0..2 {
        world.run(&["restore", "--from", "data", "--into", "back"]).expect(0);
        assert_same(&world.path("back"), &source);
    }
    fs::remove_file(world.path("back/none")).expect("removed");
    world.run(&["restore", "--from", "data", "--into", "back"]).expect(0);
    assert_same(&world.path("back"), &source);
}

#[test]
fn files_and_directories_come_back_as_of_a_revision_or_a_time() {
    let world = World::with(&["d/a=old", "d/gone=1", "b=1"]);
    world.round();
    let between = jiff_now();
    write(&world.source(), &["d/a=newer", "b=2"]);
    fs::remove_file(world.path("source/d/gone")).expect("removed");
    world.round();
    let restore = |at: &str, into: &str| {
        world.run(&["restore", "d", "--from", "data", "--at", at, "--into", into]).expect(0);
        (fs::read_to_string(world.path(into).join("d/a")).expect("there"), exists(&world.path(into).join("d/gone")))
    };
    assert_eq!(restore("1", "one"), ("old".to_owned(), true));
    assert_eq!(restore(&between, "by-time"), ("old".to_owned(), true));
    assert_eq!(restore("2", "two"), ("newer".to_owned(), false));
    assert_eq!(restore("0s", "now"), ("newer".to_owned(), false));
    assert!(!exists(&world.path("one/b")), "only what was named");
    let never = world.run(&["restore", "--from", "data", "--at", "300d", "--into", "never"]).expect(2);
    assert!(never.stderr.contains("there was no mirror source at"), "{}", never.stderr);
    let missing = world.run(&["restore", "x", "d/a", "--from", "data", "--into", "some"]).expect(3);
    assert!(missing.stderr.contains("Problem: x: revision 2 has nothing there"), "{}", missing.stderr);
    assert!(exists(&world.path("some/d/a")));
}

/// Now, as RFC 3339 to the nanosecond.
fn jiff_now() -> String {
    humantime::format_rfc3339_nanos(std::time::SystemTime::now()).to_string()
}

#[test]
fn what_is_different_is_left_and_told_unless_somebody_says_otherwise() {
    let world = World::with(&["a=mirrored", "d/b=1", "d/c=1", "l/x=1"]);
    world.round();
    write(&world.path("back"), &["a=precious", "d=a file", "stays=1", "outside/y=1"]);
    symlink("outside", world.path("back/l")).expect("a link");
    let left = world.run(&["restore", "--from", "data", "--into", "back"]).expect(3);
    for path in ["a", "d", "l"] {
        assert!(left.stderr.contains(&format!("Problem: {path}: left as it is: ")), "{}", left.stderr);
    }
    assert_eq!(fs::read_to_string(world.path("back/a")).expect("there"), "precious");
    assert!(!exists(&world.path("back/outside/x")), "no symlink is followed");
    world.run(&["restore", "--from", "data", "--into", "back", "--overwrite"]).expect(0);
    assert_eq!(fs::read_to_string(world.path("back/a")).expect("there"), "mirrored");
    assert!(exists(&world.path("back/d/b")) && exists(&world.path("back/stays")) && exists(&world.path("back/l/x")));
    assert!(!exists(&world.path("back/outside/x")));
    fs::remove_file(world.path("back/a")).expect("removed");
    write(&world.path("back"), &["a/inside=1"]);
    let kept = world.run(&["restore", "--from", "data", "--into", "back", "--overwrite"]).expect(3);
    assert!(kept.stderr.contains("a directory with something in it is there"), "{}", kept.stderr);
    assert!(exists(&world.path("back/a/inside")));
}

#[test]
fn a_damaged_version_is_named_and_all_others_come_back() {
    let world = World::with(&["flipped=0123456789", "cut=0123456789", "missing=0123456789", "good=0123456789"]);
    write(&world.source(), &["good2=another"]);
    world.round();
    let flip = |name: &str, bytes: &[u8]| {
        let path = world.mirror().join(name);
        let time = fs::metadata(&path).expect("there").modified().expect("a time");
        let file = fs::OpenOptions::new().write(true).truncate(true).open(&path).expect("opens");
        std::io::Write::write_all(&mut &file, bytes).expect("written");
        file.set_modified(time).expect("set");
    };
    flip("flipped", b"0123456780");
    flip("cut", b"0123");
    fs::remove_file(world.mirror().join("missing")).expect("removed");
    let outcome = world.run(&["restore", "--from", "data", "--into", "back", "--json"]).expect(3);
    assert_eq!((outcome.count("problems"), outcome.count("created")), (3, 2));
    let left: Vec<_> =
        fs::read_dir(world.path("back")).expect("there").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left.len(), 2, "nothing half, and nothing temporary: {left:?}");
}

#[test]
fn over_the_network_the_clients_token_is_enough_and_another_machine_needs_no_state() {
    let world = world_with_everything();
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    fs::rename(world.path("state"), world.path("lost")).expect("moved");
    let url = receiver.url.clone();
    let arguments = ["restore", "--from", &url, "--token-file", "token", "--into", "back"];
    world.run(&arguments).expect(0);
    assert_same(&world.path("back"), &world.source());
    write(&world.path(""), &["wrong=rmt_nonsense"]);
    set_mode(&world.path("wrong"), 0o600);
    world.run(&["restore", "--from", &url, "--token-file", "wrong", "--into", "back2"]).expect(12);
    drop(receiver);
    world.run(&[&arguments[..], &["--retry-for", "0s"]].concat()).expect(10);
}

#[test]
fn killed_in_the_middle_it_goes_on_and_leaves_nothing_half() {
    let world = World::new();
    for number in 0..40u64 {
        fs::write(world.source().join(format!("f{number:02}")), noise(number, 2 * 1024 * 1024)).expect("written");
    }
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    let arguments = ["restore", "--from", &receiver.url, "--token-file", "token", "--into", "back", "--json"];
    let started = world.start(&arguments);
    let whole = || {
        let names = fs::read_dir(world.path("back")).into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().as_bytes().starts_with(b"f")).count()
    };
    wait_until("some files are there", || whole() >= 5);
    started.kill();
    let (before, all) = (whole() as u64, 40);
    for entry in fs::read_dir(world.path("back")).expect("there").flatten() {
        if entry.file_name().as_bytes().starts_with(b"f") {
            assert_eq!(blake3_of(&entry.path()), blake3_of(&world.source().join(entry.file_name())));
        }
    }
    let again = world.start(&arguments).ended(PATIENCE).expect(0);
    assert!(again.count("created") <= all - before && again.count("created") + again.count("unchanged") >= all);
    assert!(again.count("bytes_received") < 80 * 1024 * 1024 - before * 2 * 1024 * 1024 + 4 * 1024 * 1024);
    assert_same(&world.path("back"), &world.source());
}

#[test]
fn a_dry_run_makes_nothing_and_says_everything() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    let planned = world.run(&["restore", "--from", "data", "--into", "back", "--dry-run"]).expect(0);
    assert!(!exists(&world.path("back")));
    for line in ["+ a\n", "+ d/\n", "+ d/b\n", "dry run, nothing was done: "] {
        assert!(planned.stdout.contains(line), "{}", planned.stdout);
    }
    let quiet = world.run(&["restore", "--from", "data", "--into", "back", "--quiet"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn what_would_harm_a_mirror_or_contradicts_itself_is_refused() {
    let world = World::with(&["a=1"]);
    world.round();
    let inside = world.run(&["restore", "--from", "data", "--into", "data/local/source"]).expect(2);
    assert!(inside.stderr.contains("lies in the directory that keeps the mirrors"), "{}", inside.stderr);
    world.run(&["restore", "--from", "nowhere", "--into", "back"]).expect(2);
    assert!(!exists(&world.path("nowhere")), "no receiver is made where none was");
    world.run(&["restore", "--from", "data", "--into", "missing/back"]).expect(2);
    world.run(&["restore", "a", "--undo", "1", "--from", "data", "--into", "back"]).expect(2);
    world.run(&["restore", "--at", "9", "--from", "data", "--into", "back"]).expect(1);
    world.run(&["restore", "--from", "data"]).expect(2);
}

#[test]
fn holes_stay_holes() {
    let world = World::new();
    let file = fs::File::create(world.path("source/sparse")).expect("made");
    file.set_len(64 * 1024 * 1024).expect("grown");
    std::os::unix::fs::FileExt::write_all_at(&file, b"data", 32 * 1024 * 1024 + 5).expect("written");
    drop(file);
    world.round();
    world.run(&["restore", "--from", "data", "--into", "back"]).expect(0);
    assert_same(&world.path("back"), &world.source());
    assert!(fs::metadata(world.path("back/sparse")).expect("there").blocks() * 512 < 1024 * 1024);
}

#[test]
fn restored_into_a_source_whose_loop_runs_nothing_temporary_reaches_the_mirror() {
    let world = World::with(&["a=1"]);
    fs::write(world.source().join("large"), noise(3, 24 * 1024 * 1024)).expect("written");
    world.round();
    fs::remove_file(world.source().join("large")).expect("removed");
    let looping = world.start_loop("20ms");
    looping.wait_for_rounds(1);
    world.run(&["restore", "large", "--from", "data", "--at", "1", "--into", "source"]).expect(0);
    let rounds = looping.rounds().len();
    looping.wait_for_rounds(rounds + 2);
    looping.signal("TERM");
    let outcome = looping.ended(PATIENCE).expect(0);
    assert!(!outcome.stdout.contains(".roundsman-restore-"), "{}", outcome.stdout);
    world.round();
}

#[test]
fn a_receivers_mirror_of_the_right_name_is_found_or_asked_for() {
    let world = World::with(&["a=1"]);
    write(&world.path(""), &["other/b=1"]);
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    let reach = ["--from", &receiver.url, "--token-file", "token"];
    world.run(&["scan", "other", "--to", &receiver.url, "--token-file", "token"]).expect(0);
    let asked = world.run(&[&["restore", "--into", "back"], &reach[..]].concat()).expect(2);
    assert!(asked.stderr.contains("there are several mirrors: other, source"), "{}", asked.stderr);
    world.run(&[&["restore", "--into", "back", "--mirror", "other"], &reach[..]].concat()).expect(0);
    assert!(exists(&world.path("back/b")));
    let below = world.path("source/a");
    let below = below.to_str().expect("plain");
    world.run(&[&["restore", below, "--into", "back"], &reach[..]].concat()).expect(0);
    assert!(exists(&world.path("back/a")), "a path below a source says which mirror it is");
    assert!(exists(&Receiver::mirror(&world)));
}
