//! [`birth`]: when a file came to be.

use std::io;
use std::sync::Arc;

use protocol::{RelPath, Timestamp};
use seams::fs::{Directory, open_by_components};

/// When the file at a path came to be, if that is known, and if it has this inode, on the root's file system, where
/// inodes are evidence.
pub(crate) fn birth(
    root: &Arc<dyn Directory>,
    path: &RelPath,
    inode: u64,
    is_evidence: impl Fn(u64) -> bool,
) -> io::Result<Option<Timestamp>> {
    let Some((parent, name)) = path.split_last() else { return Ok(None) };
    let parent = open_by_components(root, &parent)?;
    let stat = parent.stat(&name)?;
    let is_it = stat.inode == inode && stat.device == root.own_stat()?.device && is_evidence(stat.device);
    if is_it { parent.birth(&name) } else { Ok(None) }
}
