//! [`Contents`]: where the bytes of contents are read. And which contents changes name.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;

use protocol::{ByteRange, Change, ContentId, ContentPlan};
use thiserror::Error;

/// Why bytes of a content could not be read.
#[derive(Debug, Error)]
pub enum ContentError {
    /// No file has this content any more.
    #[error("the file changed since it was read")]
    Changed,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[source] io::Error),
}

/// Reads contents by id, from several threads.
pub trait Contents: Debug + Sync {
    /// Adds exactly the bytes of `range` to `into`.
    ///
    /// # Errors
    /// Where they are not to be had; what was added then is of no use.
    fn read(&self, content: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError>;
}

/// Every distinct content that the changes name, in their order, all of it literal so far.
pub(crate) fn content_plans(changes: &[Change]) -> Vec<ContentPlan> {
    let mut seen = BTreeSet::new();
    let named = changes.iter().filter_map(|change| change.entry()?.content());
    let distinct = named.filter(|(content, _)| seen.insert(*content));
    distinct.map(|(content, length)| ContentPlan { content, length, recipe: Vec::new() }).collect()
}
