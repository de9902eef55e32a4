//! Inodes that are given again, that lie, and that tell nothing: bytes are right all the same, and sent once.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{TALK, edit, fill, mirrored, told};
use crate::support::Kind;
use crate::support::place::{Place, on_every_kind};

/// So often something is made until it has the inode of what went.
const TRIES: u64 = 2_000;

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).expect("is there").ino()
}

/// Makes something again and again until it has the inode of what is removed. What came before stays aside meanwhile, for
/// its inode must not be free.
fn with_inode_of(old: &Path, path: &Path, make: impl Fn(&Path)) {
    let (wanted, aside) = (inode(old), path.with_file_name("aside"));
    fs::create_dir(&aside).expect("made");
    fs::remove_file(old).or_else(|_| fs::remove_dir(old)).expect("removed");
    let found = (0..TRIES).any(|number| {
        make(path);
        let found = inode(path) == wanted;
        if !found {
            fs::rename(path, aside.join(number.to_string())).expect("set aside");
        }
        found
    });
    fs::remove_dir_all(&aside).expect("removed");
    assert!(found, "inode {wanted} is not given again");
}

/// A copy with the times of the original, as `cp -p` makes it.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).expect("copied");
    let modified = fs::metadata(from).and_then(|metadata| metadata.modified()).expect("is there");
    File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.set_times(FileTimes::new().set_modified(modified)))
        .expect("set");
}

/// `rm x; cp -p other y`, where `y` gets the inode, size and mtime of `x`; alone, and as all there is in a directory.
fn a_reused_inode_moves_nothing(place: &Place) {
    let source = place.source();
    fill(place, &["x=old bytes", "other=new bytes", "d/f=old again", "another=new again"]);
    place.run("touch -d @1600000000.5 source/x source/other source/d/f source/another");
    place.quiet();
    with_inode_of(&source.join("x"), &source.join("y"), |path| copy(&source.join("other"), path));
    with_inode_of(&source.join("d/f"), &source.join("f"), |path| copy(&source.join("another"), path));
    with_inode_of(&source.join("d"), &source.join("e"), |path| fs::create_dir(path).expect("made"));
    fs::rename(source.join("f"), source.join("e/f")).expect("moved");
    let round = place.round();
    assert_eq!(told(&round), ["- d/", "+ e/", "+ e/f", "- x", "+ y"], "{}", round.stdout);
    assert_eq!(told(&place.round()), Vec::<String>::new());
}

/// `mv a b`, an edit of `b` that keeps its size, `touch -r`: a file by itself, and one in a directory that moves.
fn an_edit_behind_a_move_and_restored_times_is_seen(place: &Place) {
    fill(place, &["a=old bytes", "d/f=old again", "d/g=still it", "d/h=and this"]);
    place.run("touch -d @1600000000.5 source/a source/d/f");
    place.quiet();
    edit(place, "mv a b; printf 'new bytes' > b; touch -d @1600000000.5 b");
    edit(place, "mv d e; printf 'new again' > e/f; touch -d @1600000000.5 e/f");
    let round = place.round();
    // Where a file system keeps no births, nothing says that `b` is not another file with a number given again.
    let known: &[&str] = &["R a -> b", "R d/ -> e/", "M e/f"];
    let unknown: &[&str] = &["- a", "+ b", "R d/ -> e/", "M e/f"];
    assert!([known, unknown].iter().any(|lines| told(&round) == *lines), "{}", round.stdout);
    assert_eq!(told(&place.round()), Vec::<String>::new());
}

/// A log that was rotated and written on: its history goes on under its new name.
fn a_file_renamed_and_edited_is_one_move(place: &Place) {
    fill(place, &["log=one", "d/kept=1"]);
    place.quiet();
    edit(place, "mv log d/log.1; printf ', two' >> d/log.1");
    let round = place.round();
    assert_eq!(told(&round), ["R log -> d/log.1"], "{}", round.stdout);
    assert_eq!(told(&place.round()), Vec::<String>::new());
}

#[test]
#[ignore = "needs root"]
fn a_file_renamed_and_edited_is_one_move_where_births_are_kept() {
    on_every_kind(&[Kind::Ext4, Kind::Xfs, Kind::Btrfs], a_file_renamed_and_edited_is_one_move);
}

#[test]
#[ignore = "needs root"]
fn a_file_and_a_directory_that_get_the_inodes_of_others_are_what_they_are() {
    // Other file systems do not give numbers again at once.
    on_every_kind(&[Kind::Ext4, Kind::Ext4WithSmallInodes], a_reused_inode_moves_nothing);
}

#[test]
fn an_edit_behind_a_move_and_restored_times_is_seen_here() {
    an_edit_behind_a_move_and_restored_times_is_seen(&Place::here());
}

#[test]
#[ignore = "needs root"]
fn an_edit_behind_a_move_and_restored_times_is_seen_on_every_file_system() {
    on_every_kind(&Kind::ALL, an_edit_behind_a_move_and_restored_times_is_seen);
}

/// Twelve files in two directories: those of `a` hold the bytes of seeds 1 to 6, those of `b` of 7 to 12.
fn twelve(place: &Place) {
    let items: Vec<String> = (0..12).map(|n| format!("top/{}/d{}/f{n}@{}", ["a", "b"][n / 6], n % 2, n + 1)).collect();
    fill(place, &items.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A round that must go well and send no content; the mirror must then be the source.
#[track_caller]
fn sends_nothing(place: &Place, more: &[&str], script: &str) -> Vec<String> {
    edit(place, script);
    let round = place.scan(more).expect(0);
    crate::support::assert_mirrored(&place.source(), &place.world.mirror());
    assert!(round.count("bytes_sent") < TALK, "{script}: {}", round.stdout);
    assert_eq!(told(&place.scan(more).expect(0)), Vec::<String>::new(), "{script}");
    told(&round)
}

/// The moves of the table, where it is told by contents what moved.
fn moves_send_nothing(place: &Place, more: &[&str]) {
    assert_eq!(sends_nothing(place, more, "mv top renamed"), ["R top/ -> renamed/"]);
    // Both names are there before and after: it is their files that moved.
    let swapped = sends_nothing(place, more, "cd renamed; mv a t; mv b a; mv t b");
    assert!(swapped.len() == 12 && swapped.iter().all(|line| line.starts_with("R ")), "{swapped:?}");
    let files = sends_nothing(place, more, "cd renamed/a/d0; set -- *; mv $1 t; mv $2 $1; mv t $2");
    assert_eq!(files.len(), 2, "two files swap: {files:?}");
    let shuffled = sends_nothing(place, more, "cd renamed; mv a/d0/* b/d1/; mv b/d0/* a/d1/");
    assert!(shuffled.len() == 6 && shuffled.iter().all(|line| line.starts_with("R ")), "{shuffled:?}");
    let copied = sends_nothing(place, more, "cp -r renamed/b copy");
    assert!(copied.iter().all(|line| line.starts_with('+')), "{copied:?}");
}

#[test]
fn where_inodes_are_ignored_moves_send_nothing() {
    let place = Place::here();
    twelve(&place);
    place.scan(&["--ignore-inodes"]).expect(0);
    moves_send_nothing(&place, &["--ignore-inodes"]);
}

#[test]
#[ignore = "needs root"]
fn on_a_file_system_of_a_daemon_moves_send_nothing() {
    let place = Place::on(Kind::Fuse2fs);
    twelve(&place);
    place.quiet();
    moves_send_nothing(&place, &[]);
}

/// A remount gives every file a number of its own anew: nothing is told by them, and nothing is taken for another.
#[test]
#[ignore = "needs root"]
fn a_directory_that_moves_while_its_numbers_change_is_one_move_all_the_same() {
    let place = mirrored(Place::on(Kind::Tmpfs), &["top/a@1", "top/d/b@2", "top/d/c=3"]);
    // Another tmpfs, filled in another order.
    edit(
        &place,
        "mkdir n; cp -p top/d/c n/c; cp -p top/d/b n/b; cp -p top/a n/a; rm -r top; mkdir m; mv n/a m/a; mkdir m/d; mv n/b n/c m/d; rmdir n",
    );
    let lines = sends_nothing(&place, &[], "true");
    assert_eq!(lines, ["R top/ -> m/"]);
}
