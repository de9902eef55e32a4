//! [`Disk`]: the machine's own file system.
//!
//! Every operation is one system call relative to a held descriptor, so that nothing is looked up by a path that
//! somebody can swap meanwhile. A path is kept beside a directory's descriptor for one purpose only: to tell
//! walkdir where to begin.

mod direct;
mod directory;
mod file;
mod filesystem;
mod mounts;
mod open;
mod stat;
mod walk;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::fs::{Directory, Fs};

use directory::DiskDirectory;

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Fs for Disk {
    fn open_root(&self, path: &Path) -> io::Result<Arc<dyn Directory>> {
        let descriptor = open::root(path)?;
        // Should the working directory be gone, walks go through the descriptor.
        Ok(Arc::new(DiskDirectory::new(descriptor, std::path::absolute(path).ok())))
    }
}

#[cfg(test)]
#[path = "disk/copy_tests.rs"]
mod copy_tests;

#[cfg(test)]
#[path = "disk/disk_tests.rs"]
mod tests;
