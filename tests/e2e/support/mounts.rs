//! File systems mounted for one test, in a mount namespace of its own that ends with the test, a killed one included.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process::Started;
use super::world::Outcome;
use super::{PATIENCE, World};

/// Where the tools that mount and make file systems are.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its stamps are whole seconds.
    Ext4WithSmallInodes,
    Ext4,
    Xfs,
    Btrfs,
    Tmpfs,
    Overlay,
    /// ext4 by a daemon.
    Fuse2fs,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Ext4WithSmallInodes, Self::Ext4, Self::Xfs, Self::Btrfs, Self::Tmpfs, Self::Overlay, Self::Fuse2fs];

    /// The lines of shell that make and mount it, empty but for its own `lost+found`.
    pub(crate) fn script(self, name: &str, at: &str) -> String {
        let image = |size: &str, make: &str| format!("truncate -s {size} {name}.img\n{make} {name}.img >&2");
        let mount = format!("mount -o loop {name}.img {at}");
        let (make, mount) = match self {
            Self::Ext4WithSmallInodes => (image("32M", "mkfs.ext4 -q -F -I 128"), mount),
            Self::Ext4 => (image("32M", "mkfs.ext4 -q -F"), mount),
            Self::Xfs => (image("300M", "mkfs.xfs -q"), mount),
            Self::Btrfs => (image("128M", "mkfs.btrfs -q"), mount),
            Self::Tmpfs => (String::new(), format!("mount -t tmpfs -o size=32m {name} {at}")),
            Self::Overlay => {
                let layers = format!("mkdir {name}\nmount -t tmpfs -o size=32m {name} {name}\nmkdir {name}/{{l,u,w}}");
                let options = format!("lowerdir={name}/l,upperdir={name}/u,workdir={name}/w");
                (layers, format!("mount -t overlay -o {options} {name} {at}"))
            }
            Self::Fuse2fs => (image("32M", "mkfs.ext4 -q -F"), format!("fuse2fs -o fakeroot {name}.img {at} >&2")),
        };
        format!("mkdir -p {at}\n{make}\n{mount}\n")
    }
}

/// A mount namespace. Its processes, and with them its file systems, end when this is dropped or its maker dies.
#[derive(Debug)]
pub(crate) struct Mounts {
    /// `unshare`, which takes the namespace's first process along.
    holder: Child,
    directory: PathBuf,
}

impl Mounts {
    /// Mounts what this script of a shell does, which runs in the world's directory.
    #[track_caller]
    pub(crate) fn new(world: &World, script: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "mounting takes root");
        // The first process of a namespace of processes takes all others along when it ends, as `cat` does when
        // nobody holds the other end of its pipe any more.
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["bash", "-e", "-c"])
            .arg(format!("{script}\necho mounted\nexec cat"))
            .current_dir(world.path(""))
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut line = String::new();
        let stdout = holder.stdout.take().expect("its stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it says when it is done");
        assert_eq!(line, "mounted\n", "this could not be mounted: {script}");
        Self { holder, directory: world.path("") }
    }

    /// Runs more of a script of a shell inside; what it says on stdout.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> String {
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", script]).env("PATH", PATH);
        Outcome::from(self.inside(&shell).output().expect("nsenter runs")).expect(0).stdout
    }

    /// A command, run where the mounts are seen.
    pub(crate) fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        let holder = self.holder.id();
        let wdns = format!("--wdns={}", self.directory.to_str().expect("a temporary directory has a plain name"));
        inside.args(["--target", &holder.to_string(), "--mount"]);
        // Its own number space is its parent's; that of its child is the one that ends with the namespace.
        inside.arg(format!("--pid=/proc/{holder}/ns/pid_for_children")).arg(wdns);
        inside.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        inside
    }

    /// A command, run to its end where the mounts are seen.
    #[track_caller]
    pub(crate) fn outcome(&self, command: &Command) -> Outcome {
        Started::new(self.inside(command)).ended(PATIENCE)
    }

    /// An absolute path of the namespace, as seen from outside.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").expect("is absolute"))
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        if self.holder.kill().is_ok() {
            self.holder.wait().ok();
        }
    }
}
