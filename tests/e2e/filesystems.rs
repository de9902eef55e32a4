//! What file systems and the usual tools do to times and inodes: no edit hides behind them, and none is made up.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::place::{Place, on_every_kind};
use crate::support::tree::read;
use crate::support::{Kind, Outcome, noise, write};

/// Enough that a content sent again would show.
const BIG: usize = 256 * 1024;
/// What a round may say to the receiver where there is nothing to send.
const TALK: u64 = 16 * 1024;

/// How many changes of any kind the round found.
fn changes(round: &Outcome) -> u64 {
    ["created", "modified", "metadata", "moved", "deleted"].into_iter().map(|kind| round.count(kind)).sum()
}

/// Four ways to put other bytes of equal size and mtime into a file.
fn restored_times_hide_nothing(place: &Place) {
    let source = place.source();
    let names = ["touched", "copied-over", "moved-over", "unpacked-over"];
    for name in names {
        write(&source, &[&format!("{name}=old bytes")]);
    }
    place.run("touch -d @1600000000.5 source/*");
    place.quiet();
    let before = names.map(|name| times(&source.join(name)));
    place.run(
        "cp -p source/touched stamp; printf 'new bytes' > source/touched; touch -r stamp source/touched
         mkdir other; for name in copied-over moved-over unpacked-over; do printf 'new bytes' > other/$name; done
         mkdir other/source; mv other/unpacked-over other/source/
         touch -r stamp other/copied-over other/moved-over other/source/unpacked-over
         cp -p other/copied-over source/; mv other/moved-over source/
         tar --format=posix -cf tar -C other source/unpacked-over; tar -xf tar",
    );
    assert_eq!(names.map(|name| times(&source.join(name))), before, "size and mtime give nothing away");
    let round = place.round();
    // The directory itself has a new mtime, too.
    assert_eq!((round.count("modified"), changes(&round) - round.count("metadata")), (4, 4), "{}", round.stdout);
}

fn times(path: &Path) -> (u64, i64, i64) {
    let metadata = fs::metadata(path).expect("there");
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// Times and inodes change while bytes do not.
fn new_stamps_send_nothing(place: &Place) {
    let source = place.source();
    write(&source, &["d/small=1", "d/e/other=2"]);
    for (seed, name) in (1..).zip(["big", "d/big"]) {
        fs::write(source.join(name), noise(seed, BIG)).expect("written");
    }
    place.quiet();
    place.run("touch source/big");
    let touched = place.round();
    assert_eq!((touched.count("metadata"), touched.count("modified")), (1, 0), "{}", touched.stdout);
    assert!(touched.count("bytes_sent") < TALK, "{}", touched.stdout);
    for script in
        ["cp -a source copy; rm -rf source/*; cp -a copy/. source/", "chmod -R u-w source; chmod -R u+w source"]
    {
        place.quiet();
        let before = (place.scan(&[]).expect(0).count("revision"), metadata(&source));
        place.run(script);
        let round = place.round();
        let all = 2 * u64::try_from(BIG).expect("fits") + 2;
        assert_eq!(round.count("bytes_read"), all, "{script}: {}", round.stdout);
        assert_eq!(changes(&round), round.count("metadata"), "{script}: {}", round.stdout);
        assert!(round.count("bytes_sent") < TALK, "{script}: {}", round.stdout);
        // fuse2fs forgets modes that `cp` sets.
        let is_kept = metadata(&source) == before.1;
        assert!(is_kept || place.kind == Some(Kind::Fuse2fs), "{script} does not keep modes and times");
        assert_eq!(round.count("revision") == before.0, is_kept, "{script}: {}", round.stdout);
    }
}

fn metadata(source: &Path) -> Vec<(PathBuf, u32, i64, i64)> {
    let of = |path: PathBuf| {
        let metadata = fs::symlink_metadata(source.join(&path)).expect("there");
        (path, metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
    };
    read(source).into_keys().map(of).collect()
}

/// The same disk under another device number.
fn another_device_number_is_no_evidence(place: &Place) {
    let source = place.source();
    write(&source, &["a=1", "d/b=2", "d/e/c=3"]);
    place.quiet();
    let before = place.scan(&[]).expect(0);
    remount(place);
    let round = place.round();
    assert_eq!((round.count("bytes_read"), changes(&round)), (0, 0), "{}", round.stdout);
    assert_eq!(round.count("revision"), before.count("revision"));
    fs::write(source.join("d/b"), "x").expect("written");
    remount(place);
    let round = place.round();
    assert_eq!((round.count("modified"), changes(&round)), (1, 1), "{}", round.stdout);
}

/// Mounts the source again, until it has another device number: others may mount and unmount beside this test.
fn remount(place: &Place) {
    let number = || fs::metadata(place.source()).expect("there").dev();
    let before = number();
    let again = match place.kind.expect("is mounted") {
        Kind::Overlay => "mount -t overlay -o lowerdir=disk/l,upperdir=disk/u,workdir=disk/w disk source",
        Kind::Fuse2fs => "fuse2fs -o fakeroot disk.img source >&2",
        _ => "mount -o loop disk.img source",
    };
    for _ in 0..10 {
        // Others take the numbers that have become free: one of a device without a name, and one of a loop.
        place.run(&format!(
            "umount source; cd $(mktemp -d others.XXX); mkdir a b; mount -t tmpfs tmpfs a
             truncate -s 1M img; mkfs.ext4 -q -F img; mount -o loop img b; cd ..
             {again}"
        ));
        if number() != before {
            return;
        }
    }
    panic!("still device {before}");
}

#[test]
fn other_bytes_behind_restored_times_are_seen_here() {
    restored_times_hide_nothing(&Place::here());
}

#[test]
#[ignore = "needs root"]
fn other_bytes_behind_restored_times_are_seen_on_every_file_system() {
    on_every_kind(&Kind::ALL, restored_times_hide_nothing);
}

#[test]
fn new_times_and_inodes_of_equal_bytes_send_no_content_here() {
    new_stamps_send_nothing(&Place::here());
}

#[test]
#[ignore = "needs root"]
fn new_times_and_inodes_of_equal_bytes_send_no_content_on_any_file_system() {
    on_every_kind(&Kind::ALL, new_stamps_send_nothing);
}

/// A tmpfs does not outlive its mount, and an xfs is known by the list of UUIDs that a system may or may not keep.
#[test]
#[ignore = "needs root"]
fn a_file_system_mounted_again_under_another_device_number_is_not_read_again_and_hides_no_edit() {
    let kinds = [Kind::Ext4WithSmallInodes, Kind::Ext4, Kind::Btrfs, Kind::Overlay, Kind::Fuse2fs];
    on_every_kind(&kinds, another_device_number_is_no_evidence);
}
