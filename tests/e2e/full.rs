//! A disk that is full at the receiver. Mounting one takes root, in a mount namespace of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Outcome, World, assert_mirrored, noise, wait_until};

const MIB: usize = 1024 * 1024;

/// A small disk, mounted at `disk` of a world, that only processes of its own namespace see.
struct SmallDisk<'a> {
    world: &'a World,
    holder: Child,
}

impl<'a> SmallDisk<'a> {
    fn mount(world: &'a World, size: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "mounting takes root");
        fs::create_dir(world.path("disk")).expect("made");
        let script = "mount -t tmpfs -o size=$0 tmpfs \"$1\" && touch \"$1/mounted\" && exec cat";
        let holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script, size])
            .arg(world.path("disk"))
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

    /// Runs a command where the disk is seen.
    fn run(&self, command: &Command) -> Outcome {
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        let directory = self.world.path("");
        inside.arg(format!("--wd={}", directory.to_str().expect("a temporary directory has a plain name")));
        inside.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside.output().expect("nsenter runs").into()
    }

    fn scan(&self) -> Outcome {
        self.run(&self.world.command(&["scan", "source", "--to", "disk/data", "--json"]))
    }

    fn grow(&self, size: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={size}")]).arg(self.world.path("disk"));
        mount.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        self.run(&mount).expect(0);
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

#[test]
#[ignore = "needs root"]
fn a_full_disk_is_said_clearly_touches_nothing_and_is_no_obstacle_once_there_is_room() {
    let world = World::with(&["a=1", "d/b=2"]);
    let disk = SmallDisk::mount(&world, "8m");
    disk.scan().expect(0);
    let mirror = disk.path("data/local/source");
    assert_mirrored(&world.source(), &mirror);
    for (seed, name) in (1..).zip(["big-1", "big-2"]) {
        fs::write(world.source().join(name), noise(seed, 10 * MIB)).expect("written");
    }
    fs::write(world.source().join("a"), "changed").expect("written");
    for _ in 0..2 {
        let full = disk.scan().expect(1);
        assert!(full.stderr.contains("Hint: "), "{}", full.stderr);
        assert!(full.stderr.contains("space") || full.stderr.contains("room"), "{}", full.stderr);
        let kept = |name: &str| fs::read(mirror.join(name)).expect("kept");
        assert!([&b"1"[..], b"changed"].contains(&&*kept("a")), "an old file or a new one, never half of one");
        assert_eq!(kept("d/b"), b"2");
        assert!(!mirror.join("big-1").exists() && !mirror.join("big-2").exists(), "nothing half under its final name");
    }
    disk.grow("96m");
    disk.scan().expect(0);
    assert_mirrored(&world.source(), &mirror);
}
