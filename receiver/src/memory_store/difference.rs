//! The difference of two trees as a set of changes, without moves.

use std::collections::BTreeSet;

use protocol::{Change, Entry, Kind, RelPath, Tree};

/// Changes that make the new tree of the old one, sorted by path.
pub(super) fn difference(old: &Tree, new: &Tree) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.root() != new.root() {
        changes.push(Change::Metadata { path: RelPath::root(), metadata: new.root().clone() });
    }
    let paths: BTreeSet<&RelPath> = old.iter().chain(new.iter()).map(|(path, _)| path).collect();
    // The directory whose contents go with it; a directory sorts directly before what is in it.
    let mut gone: Option<&RelPath> = None;
    for path in paths {
        let is_covered = gone.is_some_and(|above| path.is_below(above));
        match (old.get(path), new.get(path)) {
            (Some(before), after) if !is_covered && ends_directory(before, after) => gone = Some(path),
            _ => {}
        }
        changes.extend(change(path, old.get(path).filter(|_| !is_covered), new.get(path)));
    }
    changes
}

/// Whether a directory stops being one, and takes along what is in it.
fn ends_directory(before: &Entry, after: Option<&Entry>) -> bool {
    before.kind() == Kind::Directory && after.map(Entry::kind) != Some(Kind::Directory)
}

fn change(path: &RelPath, before: Option<&Entry>, after: Option<&Entry>) -> Option<Change> {
    let path = path.clone();
    match (before, after) {
        (None, None) => None,
        (Some(_), None) => Some(Change::Delete { path }),
        (None, Some(entry)) => Some(Change::Create { path, entry: entry.clone() }),
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) if before.kind() != after.kind() => {
            Some(Change::Replace { path, entry: after.clone() })
        }
        (Some(before), Some(after)) if before.same_content(after) => {
            Some(Change::Metadata { path, metadata: after.metadata().clone() })
        }
        (Some(_), Some(after)) => Some(Change::Modify { path, entry: after.clone() }),
    }
}
