//! What a round found past what fits in memory: delivered in path order, and kept in the scratch as far as it was
//! delivered, to be told.

use std::cell::RefCell;
use std::io;

use protocol::{Entry, RelPath};
use scanner::plain_change;
use seams::scratch::{PAGE, Pages, Plain, Scratch};
use snapshot_db::Snapshot;
use uploader::{Deliverer, Delivery, Outlook, Sizes, in_order};

use crate::report::RoundError;
use crate::source_contents::SourceContents;

/// Delivers what is in the scratch, in path order. What the changes name can be read in `contents` meanwhile.
///
/// # Errors
/// What ends the round; also where the scratch cannot be read.
pub(super) fn deliver(
    scratch: &dyn Scratch,
    deliverer: &Deliverer<'_>,
    contents: &SourceContents<'_>,
    sizes: &Sizes,
    outlook: Outlook,
    delivery: &mut Delivery,
) -> Result<(), RoundError> {
    let broken = RefCell::new(None);
    let read = |plain: io::Result<Plain>| plain.map_err(|error| broken.replace(Some(error))).ok();
    let changes = Pages::of(scratch).map_while(read).map(plain_change);
    let batches = in_order(changes, sizes).inspect(|batch| contents.take_up(batch));
    deliverer.deliver_in_order(batches, outlook, delivery)?;
    broken.into_inner().map_or(Ok(()), |error| Err(RoundError::Scratch(error)))
}

/// Takes out of the scratch whatever was not delivered.
///
/// # Errors
/// Where the scratch cannot be read or written.
pub(super) fn keep_delivered(scratch: &dyn Scratch, delivery: &Delivery) -> io::Result<()> {
    let left_out: Vec<RelPath> = delivery.left_out.iter().map(|left_out| left_out.change.path().clone()).collect();
    scratch.take(&left_out)?;
    loop {
        let rest: Vec<RelPath> = scratch.page(delivery.reached.as_ref())?.into_iter().map(|plain| plain.path).collect();
        if rest.is_empty() {
            return Ok(());
        }
        scratch.take(&rest)?;
    }
}

/// Records the inodes of the new directories that were delivered.
///
/// # Errors
/// Where the scratch cannot be read, or the snapshot not be written.
pub(super) fn record_inodes(scratch: &dyn Scratch, snapshot: &Snapshot) -> Result<(), RoundError> {
    let mut inodes = Vec::new();
    for plain in Pages::of(scratch) {
        let Plain { path, was, now, inode, .. } = plain.map_err(RoundError::Scratch)?;
        if was.is_none() && matches!(now, Entry::Directory { .. }) {
            inodes.push((path, inode));
        }
        if inodes.len() == PAGE {
            snapshot.record_inodes(&std::mem::take(&mut inodes))?;
        }
    }
    if !inodes.is_empty() {
        snapshot.record_inodes(&inodes)?;
    }
    Ok(())
}
