//! [`Readings`]: large files that a check reads in several goes: how far that came is kept while the file looks the same.

use std::collections::VecDeque;
use std::io;

use protocol::{ContentId, RelPath, Timestamp};
use seams::fs::{File, Stat};

use crate::tree_store::mirror::Mirror;
use crate::tree_store::prefix::Prefix;

/// Files of one mirror that are half read: a person's verify, the scrub, and some more.
const MAX_HALF_READ: usize = 4;

/// Files that are half read, the longest untouched first.
#[derive(Debug, Default)]
pub(super) struct Readings(VecDeque<HalfRead>);

#[derive(Debug)]
struct HalfRead {
    path: RelPath,
    looks: (u64, u64, Timestamp, Timestamp),
    prefix: Prefix,
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashed {
    /// All of it was read, in one go or several.
    Whole(ContentId),
    /// So far there are only bytes from its beginning on.
    InPart,
    /// The disk does not give it.
    Unreadable,
}

fn looks(stat: &Stat) -> (u64, u64, Timestamp, Timestamp) {
    (stat.inode, stat.size, stat.mtime, stat.ctime)
}

/// Hashes a file of a mirror from where an earlier go ended, as long as `left` lasts.
pub(super) fn hash_on(
    mirror: &Mirror,
    path: &RelPath,
    stat: &Stat,
    file: io::Result<Box<dyn File>>,
    left: &mut u64,
) -> Hashed {
    let mut prefix = mirror.readings().take(path, stat).unwrap_or_default();
    let end = stat.size.min(prefix.length().saturating_add(*left));
    let read = end - prefix.length();
    if let Err(error) = file.and_then(|file| prefix.extend(&*file, end)) {
        tracing::warn!(%path, %error, "a file of the mirror cannot be read");
        return Hashed::Unreadable;
    }
    *left -= read;
    if end == stat.size {
        return Hashed::Whole(prefix.digest());
    }
    mirror.readings().keep(HalfRead { path: path.clone(), looks: looks(stat), prefix });
    Hashed::InPart
}

impl Readings {
    fn take(&mut self, path: &RelPath, stat: &Stat) -> Option<Prefix> {
        let at = self.0.iter().position(|half| half.path == *path)?;
        self.0.remove(at).filter(|half| half.looks == looks(stat)).map(|half| half.prefix)
    }

    fn keep(&mut self, half: HalfRead) {
        if self.0.len() == MAX_HALF_READ {
            self.0.pop_front();
        }
        self.0.push_back(half);
    }
}
