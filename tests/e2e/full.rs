//! A disk that is full at the receiver. Mounting one takes root, in a mount namespace of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::mounts::PATH;
use crate::support::tree::names;
use crate::support::{Outcome, PATIENCE, Started, World, assert_mirrored, noise, wait_until, write};

const MIB: usize = 1024 * 1024;

/// A small disk, mounted at `disk` of a world, that only processes of its own namespace see.
struct SmallDisk<'a> {
    world: &'a World,
    holder: Child,
}

impl<'a> SmallDisk<'a> {
    /// In memory, of a size.
    fn mount(world: &'a World, size: &str) -> Self {
        Self::mounted(world, &format!("mount -t tmpfs -o size={size} tmpfs disk"))
    }

    /// An ext4 of so many MiB and inodes, none of them kept back for root. Small ones have blocks of 1 KiB by default, and
    /// there the memory that SQLite shares between processes is not all backed by blocks: it ends by SIGBUS.
    fn ext4(world: &'a World, mebibytes: usize, inodes: usize) -> Self {
        let make =
            format!("truncate -s {mebibytes}M disk.img && mkfs.ext4 -q -F -b 4096 -m 0 -N {inodes} disk.img >&2");
        Self::mounted(world, &format!("{make} && mount -o loop disk.img disk && rmdir disk/lost+found"))
    }

    fn mounted(world: &'a World, mount: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "mounting takes root");
        fs::create_dir(world.path("disk")).expect("made");
        let script = format!("{mount} && touch disk/mounted && exec cat");
        let holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script])
            .current_dir(world.path(""))
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let disk = Self { world, holder };
        wait_until("the disk is mounted", || disk.path("mounted").exists());
        disk
    }

    /// A path on it, as seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let disk = self.world.path("disk");
        root.join(disk.strip_prefix("/").expect("is absolute")).join(name)
    }

    /// A command, run where the disk is seen.
    fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        let directory = self.world.path("");
        inside.arg(format!("--wd={}", directory.to_str().expect("a temporary directory has a plain name")));
        inside.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside
    }

    fn start_scan(&self) -> Started {
        Started::new(self.inside(&self.world.command(&["scan", "source", "--to", "disk/data", "--json"])))
    }

    fn scan(&self) -> Outcome {
        self.start_scan().ended(PATIENCE)
    }

    fn grow(&self, size: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={size}")]).arg(self.world.path("disk"));
        mount.env("PATH", PATH);
        Outcome::from(self.inside(&mount).output().expect("nsenter runs")).expect(0);
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // The disk goes with the last process that sees it.
        if self.holder.kill().is_ok() {
            self.holder.wait().ok();
        }
    }
}

/// A round ended for want of room, and said so.
#[track_caller]
fn assert_told(full: Outcome) {
    let full = full.expect(1);
    assert!(full.stderr.contains("Hint: "), "{}", full.stderr);
    assert!(full.stderr.contains("space") || full.stderr.contains("disk"), "{}", full.stderr);
}

#[test]
#[ignore = "needs root"]
fn a_batch_without_room_is_refused_touches_nothing_and_is_no_obstacle_once_there_is_room() {
    let world = World::with(&["a=1", "d/b=2"]);
    // Each of the two files finds room, both together do not.
    let disk = SmallDisk::mount(&world, "80m");
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    assert_mirrored(&world.source(), &mirror);
    for (seed, name) in (1..).zip(["big-1", "big-2"]) {
        fs::write(world.source().join(name), noise(seed, 45 * MIB)).expect("written");
    }
    for _ in 0..2 {
        assert_told(disk.scan());
        assert_eq!(names(&mirror), ["a", "d", "d/b"]);
    }
    disk.grow("240m");
    disk.scan().expect(0);
    assert_mirrored(&world.source(), &mirror);
}

#[test]
#[ignore = "needs root"]
fn a_disk_that_fills_up_during_an_upload_costs_only_that_upload() {
    let world = World::with(&["a=1", "d/b=2"]);
    let disk = SmallDisk::mount(&world, "200m");
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    fs::write(world.source().join("big"), noise(1, 100 * MIB)).expect("written");
    let round = disk.start_scan();
    let arriving = || fs::read_dir(disk.path("data/local/.roundsman/staging")).is_ok_and(|names| names.count() > 0);
    wait_until("bytes arrive", arriving);
    round.signal("STOP");
    assert!(arriving() && !mirror.join("big").exists(), "the upload was over before the disk could be filled");
    let mut ballast = File::create(disk.path("ballast")).expect("made");
    while ballast.write_all(&[7; 4096]).is_ok() {}
    round.signal("CONT");
    assert_told(round.ended(PATIENCE));
    assert_eq!(names(&mirror), ["a", "d", "d/b"]);
    fs::remove_file(disk.path("ballast")).expect("removed");
    drop(ballast);
    disk.scan().expect(0);
    assert_mirrored(&world.source(), &mirror);
}

#[test]
#[ignore = "needs root"]
fn one_file_too_large_for_the_disk_is_named_and_everything_else_is_delivered() {
    let world = World::with(&["a=1", "d/b=2"]);
    let disk = SmallDisk::mount(&world, "80m");
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    fs::write(world.source().join("d/huge"), noise(1, 100 * MIB)).expect("written");
    write(&world.source(), &["a=changed", "d/c=3"]);
    for _ in 0..2 {
        let round = disk.scan().expect(3);
        assert!(round.stdout.contains("d/huge"), "{}", round.stdout);
        assert_eq!(names(&mirror), ["a", "d", "d/b", "d/c"]);
        assert_eq!(fs::read(mirror.join("a")).expect("delivered"), b"changed");
    }
    fs::remove_file(world.source().join("d/huge")).expect("removed");
    disk.scan().expect(0);
    assert_mirrored(&world.source(), &mirror);
}

/// Files that take what is left of a disk: bytes, or inodes.
struct Ballast<'a> {
    disk: &'a SmallDisk<'a>,
}

impl Ballast<'_> {
    /// Leaves so many bytes.
    fn leave_bytes(&self, bytes: u64) {
        let mut file = File::create(self.disk.path("ballast")).expect("made");
        let block = [7; 64 * 1024];
        let mut length = 0;
        while file.write_all(&block).is_ok() {
            length += block.len() as u64;
        }
        length = length.max(file.metadata().expect("is there").len());
        file.set_len(length.saturating_sub(bytes)).expect("cut");
    }

    /// Leaves room for so many files and directories.
    fn leave_inodes(&self, inodes: usize) {
        fs::create_dir(self.disk.path("ballast")).expect("made");
        let name = |number: usize| self.disk.path(&format!("ballast/{number}"));
        let made = (0..).take_while(|number| File::create(name(*number)).is_ok()).count();
        for number in made.saturating_sub(inodes)..made {
            fs::remove_file(name(number)).expect("removed");
        }
    }

    fn remove(&self) {
        let path = self.disk.path("ballast");
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("removed");
    }
}

#[test]
#[ignore = "needs root"]
fn a_disk_in_memory_with_too_few_bytes_or_inodes_at_50_points_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let world = World::with(&["a=1", "d/b=2"]);
    fill_again_and_again(&world, &SmallDisk::mount(&world, "96m,nr_inodes=2000"));
}

#[test]
#[ignore = "needs root"]
fn an_ext4_with_too_few_bytes_or_inodes_at_50_points_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let world = World::with(&["a=1", "d/b=2"]);
    fill_again_and_again(&world, &SmallDisk::ext4(&world, 96, 2_000));
}

/// Leaves too little room at 50 points, twice each, and makes room again.
fn fill_again_and_again(world: &World, disk: &SmallDisk<'_>) {
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    let ballast = Ballast { disk };
    let mut refused = 0;
    for point in 0..50u64 {
        let kept = fs::read(mirror.join("d/b")).expect("is there");
        let draw = point.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        fs::write(world.source().join("d/b"), noise(point, 200 * 1024)).expect("written");
        for number in 0..20 {
            fs::create_dir_all(world.source().join(format!("n/{number}"))).expect("made");
            fs::write(world.source().join(format!("n/{number}/f")), format!("{point} {number}")).expect("written");
        }
        if point % 2 == 0 {
            ballast.leave_bytes(draw % (8 << 20));
        } else {
            ballast.leave_inodes(usize::try_from(draw % 120).expect("small"));
        }
        for _ in 0..2 {
            let full = disk.scan();
            assert!([0, 1, 3].contains(&full.code), "{}: {}", full.code, full.stderr);
            refused += u32::from(full.code != 0);
            let now = fs::read(mirror.join("d/b")).expect("is there");
            let new = fs::read(world.source().join("d/b")).expect("is there");
            assert!(now == kept || now == new, "a content that the source had, at point {point}");
        }
        ballast.remove();
        disk.scan().expect(0);
        assert_mirrored(&world.source(), &mirror);
    }
    assert!(refused > 30, "only {refused} rounds found no room");
}
