//! Each kind of change, alone and against its neighbours, through the real command to a real receiver.

use std::fs;

use crate::support::{Receiver, World, assert_mirrored, write};

/// A mirrored tree is edited, and one more round must bring exactly the changes that are counted.
#[track_caller]
fn delivered(before: &[&str], edit: impl FnOnce(&World), counts: &[(&str, u64)]) {
    let world = World::with(before);
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    edit(&world);
    let round = receiver.scan(&world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    for (key, count) in counts {
        assert_eq!(round.count(key), *count, "{key}: {}", round.stdout);
    }
    let quiet = receiver.scan(&world, &[]).expect(0);
    assert_eq!(quiet.count("created") + quiet.count("modified") + quiet.count("deleted") + quiet.count("moved"), 0);
}

fn rename(world: &World, from: &str, to: &str) {
    fs::rename(world.source().join(from), world.source().join(to)).expect("renamed");
}

fn put(world: &World, name: &str, text: &str) {
    fs::write(world.source().join(name), text).expect("written");
}

#[test]
fn a_new_file_arrives() {
    delivered(&["a=1"], |world| put(world, "b", "2"), &[("created", 1), ("modified", 0)]);
}

#[test]
fn a_modified_file_arrives() {
    delivered(&["a=1"], |world| put(world, "a", "22"), &[("modified", 1), ("created", 0)]);
}

#[test]
fn a_deleted_file_goes() {
    delivered(&["a=1", "b=2"], |world| fs::remove_file(world.source().join("a")).expect("removed"), &[("deleted", 1)]);
}

#[test]
fn a_renamed_file_is_one_move_and_sends_no_content() {
    let big = format!("a={}", "x".repeat(100_000));
    delivered(&[&big, "d/"], |world| rename(world, "a", "d/b"), &[("moved", 1), ("created", 0), ("deleted", 0)]);
}

#[test]
fn two_files_swap() {
    let swap = |world: &World| {
        rename(world, "a", "t");
        rename(world, "b", "a");
        rename(world, "t", "b");
    };
    delivered(&["a=1", "b=22"], swap, &[("moved", 2)]);
}

#[test]
fn three_files_go_round() {
    let cycle = |world: &World| {
        rename(world, "a", "t");
        rename(world, "c", "a");
        rename(world, "b", "c");
        rename(world, "t", "b");
    };
    delivered(&["a=1", "b=22", "c=333"], cycle, &[("moved", 3)]);
}

#[test]
fn a_file_becomes_a_directory() {
    let edit = |world: &World| {
        fs::remove_file(world.source().join("a")).expect("removed");
        write(&world.source(), &["a/b=2"]);
    };
    delivered(&["a=1"], edit, &[]);
}

#[test]
fn a_directory_becomes_a_file() {
    let edit = |world: &World| {
        fs::remove_dir_all(world.source().join("a")).expect("removed");
        put(world, "a", "2");
    };
    delivered(&["a/b=1", "a/c/d=3"], edit, &[]);
}

#[test]
fn a_symlink_is_retargeted_and_never_followed() {
    let edit = |world: &World| {
        fs::remove_file(world.source().join("l")).expect("removed");
        write(&world.source(), &["l>/etc/passwd"]);
    };
    delivered(&["l>nowhere"], edit, &[("modified", 1)]);
}

#[test]
fn an_empty_directory_arrives_and_goes() {
    delivered(&["a=1"], |world| write(&world.source(), &["d/"]), &[("created", 1)]);
    delivered(&["a=1", "d/"], |world| fs::remove_dir(world.source().join("d")).expect("removed"), &[("deleted", 1)]);
}

#[test]
fn a_changed_mode_sends_no_content() {
    let edit = |world: &World| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        fs::set_permissions(world.source().join("a"), mode).expect("mode set");
    };
    delivered(&["a=1"], edit, &[("metadata", 1), ("modified", 0)]);
}

#[test]
fn a_changed_mtime_sends_no_content() {
    let edit = |world: &World| {
        let file = fs::File::options().append(true).open(world.source().join("a")).expect("opened");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("mtime set");
    };
    delivered(&["a=1"], edit, &[("metadata", 1), ("modified", 0)]);
}
