//! [`Memory`]: a file system in memory, for tests that run whole engines from a seed.
//!
//! It does what Linux does, down to the error numbers and to which stamps an operation changes, but for two things:
//! permission bits are kept and not enforced, and everything is the same in every run: names are listed in
//! order, inode numbers are counted up, stamps come from the given clock. A hook sees every operation before it
//! is done and may fail it, or may edit the tree at that very moment.
//!
//! Several can be mounted on each other, and each has its own bad habits, as asked: a coarse or wrong clock, inode
//! numbers or ctimes that change by themselves, bytes that change without a trace.
//!
//! Everything counts as durable at once. To model what a crash loses, keep a second table of what was synced: all
//! state is one plain value, `Inodes`, which sync operations can copy from and a crash can put back.

pub mod clock;
pub mod operation;

mod bytes;
mod directory;
mod file;
mod handle;
mod inode;
mod inodes;
mod machine;
mod mounts;
mod naming;
mod walk;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::Name;

use crate::clock::Clock;
use crate::fs::{Directory, FilesystemIdentity, Fs};

pub use clock::ManualClock;
pub use operation::{FaultHook, Operation, OperationKind};

use directory::MemoryDirectory;
use handle::Shared;
use inode::Content;
use inodes::ROOT;
use machine::Machine;

/// A file system in memory. Clones are the same file system.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

impl Memory {
    /// An empty file system whose stamps come from `clock`, exact to the nanosecond.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared::on(Arc::new(Machine::default()), clock)) }
    }

    /// Cuts stamps taken from the clock down to multiples of `granularity`, also that of the root; stamps that are set
    /// stay exact.
    #[must_use]
    pub fn with_granularity(self, granularity: Duration) -> Self {
        self.shared.settings().granularity = granularity;
        self.stamp_root();
        self
    }

    /// Stamps come from a clock that is so many nanoseconds ahead of the machine's, or behind it where that is less
    /// than 0: a file server's, or a kernel's that lags.
    #[must_use]
    pub fn with_clock_ahead(self, nanos: i64) -> Self {
        self.set_clock_ahead(nanos);
        self.stamp_root();
        self
    }

    fn stamp_root(&self) {
        let now = self.shared.now();
        self.shared.inodes().get_mut(ROOT).touch(now);
    }

    /// The same from now on.
    pub fn set_clock_ahead(&self, nanos: i64) {
        self.shared.settings().clock_ahead = nanos;
    }

    /// Inode numbers of what is gone are given again, the last one first.
    #[must_use]
    pub fn with_reused_inodes(self) -> Self {
        self.shared.inodes().reuse_numbers();
        self
    }

    /// The file system is full when its files hold so many bytes.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        self.shared.inodes().set_capacity(bytes);
        self
    }

    /// Walks reach only directories whose path within the walk is at most so long, in bytes: others are `too_deep`.
    #[must_use]
    pub fn with_walk_reach(self, bytes: usize) -> Self {
        self.shared.settings().walk_reach = bytes;
        self
    }

    /// What directories say from now on about the file system they are on, as if another had been mounted.
    pub fn set_filesystem(&self, identity: FilesystemIdentity) {
        self.shared.settings().filesystem = identity;
    }

    /// Gives everything another inode number, as some file systems do at each mount.
    pub fn renumber_inodes(&self) {
        self.shared.inodes().renumber();
    }

    /// Gives everything a new ctime and changes nothing else, as a restore or a change of attributes does.
    pub fn renew_ctimes(&self) {
        let now = self.shared.now();
        self.shared.inodes().renew_ctimes(now);
    }

    /// Writes over bytes of a file without moving any stamp, as rot does, and stores through a mapping may.
    /// No hook is called.
    ///
    /// # Errors
    /// Where no file is at the path, or it ends before the bytes do.
    pub fn write_silently(&self, path: &Path, bytes: &[u8], offset: usize) -> io::Result<()> {
        let (above, name) = self.parent_of(path)?;
        let mut inodes = above.shared.inodes();
        let file = inodes.lookup(above.number, &name)?;
        inodes.overwrite_silently(file, bytes, offset)
    }

    /// Calls `hook` before every operation on every file system of this machine from now on, or none. It may use the file system itself, and is then
    /// called for that as well.
    pub fn set_fault_hook(&self, hook: Option<FaultHook>) {
        self.shared.machine.set_hook(hook);
    }

    /// Makes a directory at an absolute path, and every one above it that is not there. No hook is called.
    ///
    /// # Errors
    /// Where the path is not absolute or leads through something else than directories.
    pub fn make_directory(&self, path: &Path) -> io::Result<()> {
        let names = components(path)?;
        let mut at = self.shared.descend(ROOT, &[])?;
        for name in names {
            let now = at.shared.now();
            let made = at.shared.inodes().create(at.number, &name, Content::new_directory(), 0o755, now);
            made.map(|_| ()).or_else(unless_it_exists)?;
            at = at.shared.descend(at.number, &[name])?;
        }
        Ok(())
    }

    /// Makes a FIFO or the like at an absolute path whose directory exists. No hook is called.
    ///
    /// # Errors
    /// Where the path is not absolute, its directory does not exist, or its last name does.
    pub fn make_special(&self, path: &Path) -> io::Result<()> {
        let (above, name) = self.parent_of(path)?;
        let now = above.shared.now();
        let made = above.shared.inodes().create(above.number, &name, Content::Special, 0o600, now);
        made.map(|_| ())
    }
}

impl Fs for Memory {
    /// The path must be absolute, and lead through no symlink.
    fn open_root(&self, path: &Path) -> io::Result<Arc<dyn Directory>> {
        let names = components(path)?;
        let operation = || Operation::new(OperationKind::OpenRoot, path.as_os_str().as_bytes().to_vec());
        self.shared.check(|_| operation())?;
        Ok(Arc::new(MemoryDirectory::new(self.shared.descend(ROOT, &names)?)))
    }
}

fn unless_it_exists(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// The names in an absolute path.
fn components(path: &Path) -> io::Result<Vec<Name>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let below_root = path.as_os_str().as_bytes().strip_prefix(b"/");
    let below_root = below_root.ok_or_else(|| invalid("a path in memory must be absolute".to_owned()))?;
    let names = below_root.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
    names.map(|name| Name::parse(name).map_err(|error| invalid(error.to_string()))).collect()
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
#[path = "memory/memory_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "memory/world_tests.rs"]
mod world_tests;
