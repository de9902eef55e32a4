//! A disk whose power can fail: a file system on a loop device, in memory, in a mount namespace of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::World;
use crate::support::mounts::PATH;

/// How it is made and mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ext4,
    /// Without the habit of writing a file out when it is renamed over another.
    Ext4WithoutAutoAlloc,
    Xfs,
}

impl Format {
    fn make(self) -> &'static str {
        if self == Self::Xfs { "mkfs.xfs -q" } else { "mkfs.ext4 -q -F" }
    }

    fn options(self) -> &'static str {
        if self == Self::Ext4WithoutAutoAlloc { "loop,noauto_da_alloc" } else { "loop" }
    }
}

/// Makes the disk, and then cuts and mounts when told so. Waits with unmounting for handles that a process in its making
/// still has.
const HAND: &str = "
import fcntl, os, struct, subprocess, sys, time
make, options = sys.argv[1:]
SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, struct.pack('I', 2)
def run(script):
    subprocess.run(['bash', '-e', '-c', script], check=True)
def cut():
    handle = os.open('disk', os.O_RDONLY)
    fcntl.ioctl(handle, SHUTDOWN, WITHOUT_FLUSH)
    os.close(handle)
def restore():
    for attempt in range(500):
        if subprocess.run(['umount', 'disk'], stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.01)
    run(f'mount -o {options} ram/disk.img disk')
def begin():
    run('mkdir ram disk; mount -t tmpfs -o size=1g ram ram; truncate -s 300M ram/disk.img')
    run(f'{make} ram/disk.img >&2; mount -o {options} ram/disk.img disk')
for line in sys.stdin:
    {'begin': begin, 'cut': cut, 'restore': restore}[line.strip()]()
    print('done', flush=True)
";

/// The disk, mounted at `disk` of its world, which only processes of the hand's own namespace see.
pub(super) struct Disk {
    hand: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    pub(super) world: World,
}

impl Disk {
    pub(super) fn mount(world: World, format: Format) -> Self {
        assert!(rustix::process::geteuid().is_root(), "mounting takes root");
        let mut hand = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "python3", "-c", HAND, format.make(), format.options()])
            .current_dir(world.path(""))
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let tell = hand.stdin.take().expect("it is a pipe");
        let told = BufReader::new(hand.stdout.take().expect("it is a pipe"));
        let mut disk = Self { hand, tell, told, world };
        disk.tell("begin");
        disk
    }

    /// From now on nothing reaches the disk any more, and what had not been made durable is gone.
    pub(super) fn cut(&mut self) {
        self.tell("cut");
    }

    /// Mounts it again; nobody may use it meanwhile.
    pub(super) fn restore(&mut self) {
        self.tell("restore");
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.tell, "{what}").expect("it listens");
        let mut line = String::new();
        self.told.read_line(&mut line).expect("it answers");
        assert_eq!(line, "done\n", "{what}");
    }

    /// A command, run where the disk is seen.
    pub(super) fn inside(&self, command: &Command) -> Command {
        let directory = self.world.path("");
        let directory = directory.to_str().expect("a temporary directory has a plain name");
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.hand.id().to_string(), &format!("--wdns={directory}")]);
        inside.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside
    }

    /// A path of the world, as it is where the disk is seen.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.hand.id()));
        root.join(self.world.path(name).strip_prefix("/").expect("is absolute"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.hand.kill().is_ok() {
            self.hand.wait().ok();
        }
    }
}
