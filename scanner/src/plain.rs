//! Plain findings: most of what a large round finds. What they call for is said of each alone.

use protocol::{Change, Entry, RelPath};
use seams::scratch::Plain;

use crate::finding::Finding;

/// So many plain findings are kept in memory; with one more, all of them go to the scratch.
pub const MOST_IN_MEMORY: usize = 16_384;
/// So many of them are put there at a time.
pub(crate) const PLAIN_AT_A_TIME: usize = 1_024;

/// Whether what was found at a path is plain: new there, or there with other metadata; and the mirror has it, if at all,
/// at this very path.
pub(crate) fn is_plain(path: &RelPath, base: Option<&RelPath>, was: Option<&Entry>, now: &Entry) -> bool {
    !path.is_root() && base.is_none() && was.is_none_or(|was| was.same_content(now))
}

/// What a plain finding calls for. Of each alone this is what [`crate::plan`] says of it, if nothing moves there.
#[must_use]
pub fn plain_change(plain: Plain) -> Change {
    let Plain { path, was, now, .. } = plain;
    match was {
        None => Change::Create { path, entry: now },
        Some(_) => Change::Metadata { path, metadata: now.metadata().clone() },
    }
}

impl From<Plain> for Finding {
    fn from(Plain { path, was, now, old_inode, inode }: Plain) -> Self {
        Self::Present { path, base: None, was, now, old_inode, inode, silent: false }
    }
}
