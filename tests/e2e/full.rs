//! A disk that is full at the receiver. Mounting one takes root, in a mount namespace of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::mounts::PATH;
use crate::support::tree::{as_kept, names, read};
use crate::support::{
    Outcome, PATIENCE, Random, Receiver, Started, World, assert_mirrored, comes_true, noise, sized, wait_until, write,
};

const MIB: usize = 1024 * 1024;
/// At how many random points a disk is left with too little room.
const POINTS: usize = 50;

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
        inside.arg(format!("--wdns={}", directory.to_str().expect("a temporary directory has a plain name")));
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

    /// A receiver whose data is on it and whose log is not, with a client `tester` whose token lies in `token`.
    fn receiver(&self) -> Receiver {
        let add = self.inside(&self.world.command(&["client", "add", "tester", "--data", "disk/data"])).output();
        let token = self.world.path("token");
        fs::write(&token, Outcome::from(add.expect("nsenter runs")).expect(0).stdout.trim()).expect("kept");
        fs::set_permissions(&token, PermissionsExt::from_mode(0o600)).expect("mode 600");
        let receive = ["receive", "--data", "disk/data", "--listen", "127.0.0.1:0", "--log-file", "log"];
        Receiver::started(self.inside(&self.world.command(&receive)))
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
    fill_again_and_again(&world, &SmallDisk::mount(&world, "96m,nr_inodes=2000"), "full disks in memory", 1);
}

#[test]
#[ignore = "needs root"]
fn an_ext4_with_too_few_bytes_or_inodes_at_50_points_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let world = World::with(&["a=1", "d/b=2"]);
    fill_again_and_again(&world, &SmallDisk::ext4(&world, 96, 2_000), "full ext4s", 2);
}

/// One way or the other leaves little room, and as much is to be delivered as before.
struct Point<'a> {
    world: &'a World,
    ballast: Ballast<'a>,
    random: Random,
}

impl<'a> Point<'a> {
    fn of(world: &'a World, disk: &'a SmallDisk<'a>, what: &str, stream: u64) -> Self {
        Self { world, ballast: Ballast { disk }, random: Random::printed(what, stream) }
    }

    /// Leaves little room, fewer inodes than `most` in every other point, and then changes the source: a file, and 20
    /// directories with a file each.
    fn fill_and_edit(&mut self, number: usize, most: usize) {
        if number.is_multiple_of(2) {
            self.ballast.leave_bytes(self.random.number() % (8 << 20));
        } else {
            self.ballast.leave_inodes(self.random.below(most));
        }
        let source = self.world.source();
        for directory in 0..20 {
            fs::create_dir_all(source.join(format!("n/{directory}"))).expect("made");
            fs::write(source.join(format!("n/{directory}/f")), format!("{number} {directory}")).expect("written");
        }
        fs::write(source.join("d/b"), noise(self.random.number(), 200 * 1024)).expect("written");
    }
}

/// Leaves too little room at 50 points, twice each, and makes room again.
fn fill_again_and_again(world: &World, disk: &SmallDisk<'_>, what: &str, stream: u64) {
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    let mut points = Point::of(world, disk, what, stream);
    let mut refused = 0;
    for number in 0..POINTS {
        let kept = fs::read(mirror.join("d/b")).expect("is there");
        points.fill_and_edit(number, 120);
        for _ in 0..2 {
            let full = disk.scan();
            assert!([0, 1, 3].contains(&full.code), "{}: {}", full.code, full.stderr);
            refused += usize::from(full.code != 0);
            let now = fs::read(mirror.join("d/b")).expect("is there");
            let new = fs::read(world.source().join("d/b")).expect("is there");
            assert!(now == kept || now == new, "a content that the source had, at point {number}");
        }
        points.ballast.remove();
        disk.scan().expect(0);
        assert_mirrored(&world.source(), &mirror);
    }
    println!("{what}: {refused} of {} rounds found no room", 2 * POINTS);
    assert!(refused > 30, "only {refused} rounds found no room");
}

/// Whether the mirror has come to be the source, directories' times and all.
fn is_mirrored(world: &World, mirror: &Path) -> bool {
    let expected: BTreeMap<_, _> =
        read(&world.source()).into_iter().map(|(path, item)| (path, as_kept(&item))).collect();
    read(mirror) == expected
}

#[test]
#[ignore = "needs root"]
fn a_loop_whose_receiver_finds_no_room_is_told_so_each_time_and_goes_on_unaided_when_there_is_some() {
    let world = World::with(&["a=1", "d/b=2"]);
    let disk = SmallDisk::mount(&world, "96m,nr_inodes=2000");
    let receiver = disk.receiver();
    let mut started = receiver.start_scan(&world, &["--interval", "100ms"]);
    started.wait_for_rounds(1);
    let mirror = disk.path("data/tester/source");
    let mut points = Point::of(&world, &disk, "full disks under a loop", 3);
    for number in 0..sized(3, 6, POINTS) {
        let told = started.stderr().matches("Hint: ").count();
        points.fill_and_edit(number, 10);
        // With that no point leaves room, and two rounds must say so.
        fs::write(world.source().join("large"), noise(points.random.number(), 12 * MIB)).expect("written");
        wait_until("rounds found no room", || started.stderr().matches("Hint: ").count() >= told + 2);
        assert!(!is_mirrored(&world, &mirror), "there was room at point {number}");
        points.ballast.remove();
        let goes_on = comes_true(PATIENCE, || is_mirrored(&world, &mirror));
        assert!(goes_on, "it did not go on at point {number}: {}\n{}", started.stdout(), started.stderr());
    }
    assert!(started.is_running(), "nobody had to start it again");
    started.signal("TERM");
    let ended = started.ended(PATIENCE).expect(0);
    assert!(ended.stderr.contains("space") || ended.stderr.contains("room"), "{}", ended.stderr);
    let log = fs::read_to_string(world.path("log")).expect("a log");
    assert!(log.contains("507"), "the answer was 507: {log}");
    assert_mirrored(&world.source(), &mirror);
}
