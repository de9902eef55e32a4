//! [`Memory`]: a file system in memory, for tests that run whole engines from a seed.
//!
//! It does what Linux does, down to the error numbers and to which stamps an operation changes, but for two things:
//! permission bits are kept and not enforced, and everything is the same in every run: names are listed in
//! order, inode numbers are counted up, stamps come from the given clock. A hook sees every operation before it
//! is done and may fail it, or may edit the tree at that very moment.
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
mod naming;
mod walk;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::Name;
use rustix::io::Errno;

use crate::clock::Clock;
use crate::fs::{Directory, FilesystemIdentity, Fs};

pub use clock::ManualClock;
pub use operation::{FaultHook, Operation, OperationKind};

use directory::MemoryDirectory;
use handle::Shared;
use inode::Content;

/// A file system in memory. Clones are the same file system.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

impl Memory {
    /// An empty file system whose stamps come from `clock`, exact to the nanosecond.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared::new(clock)) }
    }

    /// Cuts stamps taken from the clock down to multiples of `granularity`; stamps that are set stay exact.
    #[must_use]
    pub fn with_granularity(self, granularity: Duration) -> Self {
        self.shared.settings().granularity = granularity;
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

    /// Calls `hook` before every operation from now on, or none. It may use the file system itself, and is then
    /// called for that as well.
    pub fn set_fault_hook(&self, hook: Option<FaultHook>) {
        self.shared.settings().hook = hook;
    }

    /// Makes a directory at an absolute path, and every one above it that is not there. No hook is called.
    ///
    /// # Errors
    /// Where the path is not absolute or leads through something else than directories.
    pub fn make_directory(&self, path: &Path) -> io::Result<()> {
        let now = self.shared.now();
        let mut inodes = self.shared.inodes();
        let mut at = inodes.root();
        for name in components(path)? {
            at = match inodes.lookup(at, &name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    inodes.create(at, &name, Content::new_directory(), 0o755, now)?
                }
                found => found?,
            };
        }
        inodes.expect_directory(at).map(|_| ())
    }

    /// Makes a FIFO or the like at an absolute path whose directory exists. No hook is called.
    ///
    /// # Errors
    /// Where the path is not absolute, its directory does not exist, or its last name does.
    pub fn make_special(&self, path: &Path) -> io::Result<()> {
        let now = self.shared.now();
        let mut names = components(path)?;
        let last = names.pop().ok_or(Errno::EXIST)?;
        let mut inodes = self.shared.inodes();
        let parent = inodes.resolve(inodes.root(), names)?;
        inodes.create(parent, &last, Content::Special, 0o600, now).map(|_| ())
    }
}

impl Fs for Memory {
    /// The path must be absolute, and lead through no symlink.
    fn open_root(&self, path: &Path) -> io::Result<Arc<dyn Directory>> {
        let names = components(path)?;
        let operation = || Operation::new(OperationKind::OpenRoot, path.as_os_str().as_bytes().to_vec());
        let handle = self.shared.open(
            |_| operation(),
            |inodes, _| {
                let found = inodes.resolve(inodes.root(), names)?;
                inodes.expect_directory(found)
            },
        )?;
        Ok(Arc::new(MemoryDirectory::new(handle)))
    }
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
