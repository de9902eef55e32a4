//! Looking at what is on disk in the places that a plan touches, before anything is decided.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use protocol::{Entry, Kind, RelPath};
use seams::fs::{Directory, FileKind, Stat};

use crate::catalog::{Disk, Node, Row};
use crate::tree_store::bytes::hash;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::plan::{BasePlace, Plan};
use crate::tree_store::rights::{open_below, open_file, with_rights};
use crate::tree_store::sequence::Found;

/// What is at the base places of all touched nodes of the mirror with this root.
pub(super) fn examine(root: &Arc<dyn Directory>, plan: &Plan) -> io::Result<HashMap<Node, Found>> {
    let mut places: Vec<(Node, &BasePlace)> =
        plan.touched.iter().filter_map(|(node, touched)| Some((*node, touched.base.as_ref()?))).collect();
    places.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    let mut last: Option<(RelPath, Option<Arc<dyn Directory>>)> = None;
    let mut found = HashMap::with_capacity(places.len());
    for (node, place) in places {
        let Some(above) = place.path.parent() else { continue };
        let directory = match &last {
            Some((path, directory)) if *path == above => directory.clone(),
            _ => {
                let opened = gone_is_none(open_below(root, &above))?;
                last.insert((above, opened)).1.clone()
            }
        };
        let what = directory.map_or(Ok(Found::NotOurs), |directory| look(&*directory, &place.row))?;
        found.insert(node, what);
    }
    Ok(found)
}

fn look(directory: &dyn Directory, row: &Row) -> io::Result<Found> {
    let Some(stat) = gone_is_none(with_rights(directory, || directory.stat(&row.name)))? else {
        return Ok(Found::NotOurs);
    };
    let disk = Disk::from(&stat);
    match (row.entry.kind(), stat.kind) {
        (Kind::Directory, FileKind::Directory) | (Kind::Symlink, FileKind::Symlink) => Ok(Found::Ours(disk)),
        (Kind::File, FileKind::File) => Ok(look_at_file(directory, row, &stat)?),
        _ => Ok(Found::NotOurs),
    }
}

/// A file of another mtime may still be ours: somebody touched it, or put it back from a backup.
fn look_at_file(directory: &dyn Directory, row: &Row, stat: &Stat) -> io::Result<Found> {
    let disk = Disk::from(stat);
    let Entry::File { size, content, .. } = row.entry else { return Ok(Found::NotOurs) };
    if disk.size != size {
        return Ok(Found::Altered(disk));
    }
    if disk.mtime == row.disk.mtime || hash(&*open_file(directory, &row.name)?)? == content {
        return Ok(Found::Ours(disk));
    }
    Ok(Found::Altered(disk))
}
