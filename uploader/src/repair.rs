//! Recipes that did not make their content: which of their copies were wrong, and the same without these.

use std::collections::BTreeSet;

use blake3::Hasher;
use protocol::wire::CopiedRange;
use protocol::{ByteRange, ContentId, ContentPlan, Segment};

use crate::{ContentError, Contents};

/// Bytes of a source file that are read at a time to compare them.
const COMPARED_BYTES: u64 = 4 * 1024 * 1024;

/// Where the copies are wrong that the receiver made: the offsets of those that are not what the source file has there.
///
/// # Errors
/// Where the source file cannot be read, or has changed.
pub(crate) fn wrong_copies(
    content: &ContentId,
    copied: &[CopiedRange],
    contents: &dyn Contents,
) -> Result<BTreeSet<u64>, ContentError> {
    let mut wrong = BTreeSet::new();
    for CopiedRange { range, digest } in copied {
        if digest_of(content, *range, contents)? != *digest {
            wrong.insert(range.offset);
        }
    }
    Ok(wrong)
}

/// BLAKE3 of a range of a source file.
fn digest_of(content: &ContentId, range: ByteRange, contents: &dyn Contents) -> Result<ContentId, ContentError> {
    let end = range.end().ok_or(ContentError::Changed)?;
    let (mut hasher, mut bytes, mut offset) = (Hasher::new(), Vec::new(), range.offset);
    while offset < end {
        let length = COMPARED_BYTES.min(end - offset);
        bytes.clear();
        contents.read(content, ByteRange { offset, length }, &mut bytes)?;
        hasher.update(&bytes);
        offset += length;
    }
    Ok(hasher.finalize().into())
}

/// The recipe of a plan with the copies at these offsets as literals; empty where nothing but literals is left.
pub(crate) fn without(plan: &ContentPlan, wrong: &BTreeSet<u64>) -> Vec<Segment> {
    let mut repaired = Vec::new();
    for (range, segment) in plan.segments() {
        let is_wrong = wrong.contains(&range.offset);
        let segment = if is_wrong { Segment::Literal { length: range.length } } else { segment };
        segment.add_to(&mut repaired);
    }
    if matches!(repaired[..], [Segment::Literal { .. }]) { Vec::new() } else { repaired }
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
