//! Small contents are put together in memory: hashed before anything is written, and written once.

use std::borrow::Cow;
use std::io;

use protocol::{ByteRange, ContentPlan, Problem, Segment};
use seams::fs::File;

use crate::tree_store::bytes::{HOLE_BYTES, each_buffer};
use crate::tree_store::client::ClientStore;
use crate::tree_store::held::Source;
use crate::tree_store::problems::disk;

/// Longer contents with copies are put together on the disk, which can share blocks, and where they need no memory.
const MAX_AT_ONCE_BYTES: u64 = 1024 * 1024;

impl ClientStore {
    /// The bytes of a content all of whose literals these pieces are. Nothing where some are still to come, where it is
    /// long, or has holes: all that is found out on the disk.
    pub(super) fn at_once<'b>(
        &self,
        plan: &ContentPlan,
        pieces: &[(u64, &'b [u8])],
    ) -> Result<Option<Cow<'b, [u8]>>, Problem> {
        if let [(0, bytes)] = pieces
            && bytes.len() as u64 == plan.length
        {
            return Ok(Some(Cow::Borrowed(bytes)));
        }
        if plan.length > MAX_AT_ONCE_BYTES {
            return Ok(None);
        }
        let mut pieces = pieces.iter();
        let mut source = Source::default();
        let mut bytes = Vec::new();
        for (range, segment) in plan.segments() {
            let is_there = match segment {
                Segment::Zeros { .. } => false,
                Segment::Literal { .. } => take_literal(&mut pieces, range, &mut bytes),
                Segment::Copy { content, offset, length } => {
                    let range = ByteRange { offset, length };
                    let from = self.source(&mut source, content)?;
                    from.map_or(Ok(false), |from| append(from, range, &mut bytes)).map_err(disk("copy a content"))?
                }
            };
            if !is_there {
                return Ok(None);
            }
        }
        Ok(pieces.next().is_none().then_some(Cow::Owned(bytes)))
    }
}

/// Appends the next piece, if it is this literal.
fn take_literal<'p, 'b: 'p>(
    pieces: &mut impl Iterator<Item = &'p (u64, &'b [u8])>,
    range: ByteRange,
    bytes: &mut Vec<u8>,
) -> bool {
    let next = pieces.next().filter(|(offset, piece)| *offset == range.offset && piece.len() as u64 == range.length);
    next.inspect(|(_, piece)| bytes.extend_from_slice(piece)).is_some()
}

/// Appends a range of a file, if it is there and without holes.
fn append(file: &dyn File, range: ByteRange, bytes: &mut Vec<u8>) -> io::Result<bool> {
    if range.length >= HOLE_BYTES && !is_data(file, range)? {
        return Ok(false);
    }
    let read = each_buffer(file, range, |_, read| {
        bytes.extend_from_slice(read);
        Ok(())
    })?;
    Ok(read == range.length)
}

fn is_data(file: &dyn File, range: ByteRange) -> io::Result<bool> {
    let data = file.data_from(range.offset)?.filter(|data| data.offset == range.offset);
    Ok(data.is_some_and(|data| data.length >= range.length))
}
