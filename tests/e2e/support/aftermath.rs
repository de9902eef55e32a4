//! What must hold when all is done: nothing is left over, and what was kept comes back to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::tree::{Item, listed, read};
use super::world::Outcome;

/// A source as it was when a round delivered all of it.
#[derive(Debug)]
pub(crate) struct Kept {
    revision: u64,
    items: BTreeMap<PathBuf, Item>,
}

impl Kept {
    /// What this round delivered, while nobody edits.
    pub(crate) fn by(round: &Outcome, source: &Path) -> Self {
        Self { revision: round.count("revision"), items: below(source) }
    }

    /// As `--at` takes it.
    pub(crate) fn revision(&self) -> String {
        self.revision.to_string()
    }

    /// Fails unless this is what was restored, with exact modes and times.
    #[track_caller]
    pub(crate) fn assert_is_back(&self, restored: &Path) {
        let back = below(restored);
        let paths: BTreeSet<_> = self.items.keys().chain(back.keys()).collect();
        for path in paths {
            let (was, is) = (self.items.get(path), back.get(path));
            let shown = [was, is].map(|item| item.map(Item::shown));
            assert!(was == is, "{} as of revision {}, and restored: {shown:?}", path.display(), self.revision);
        }
    }
}

fn below(root: &Path) -> BTreeMap<PathBuf, Item> {
    read(root).into_iter().filter(|(path, _)| !path.as_os_str().is_empty()).collect()
}

/// Fails unless what a receiver keeps for itself of one client is what its catalog knows of: nothing is parked, no
/// instance waits for its place, no step is left to do, and each version is one of the catalog's. Contents that arrived
/// for nothing may wait for their expiry.
#[track_caller]
pub(crate) fn assert_nothing_left_over(own: &Path) {
    assert_eq!(listed(&own.join("parking")), [""; 0], "left over in parking");
    let is_content = |name: &String| ["w-", "p-", "r-"].iter().any(|role| name.starts_with(role));
    let strays: Vec<String> = listed(&own.join("staging")).into_iter().filter(|name| !is_content(name)).collect();
    assert_eq!(strays, [""; 0], "left over in staging");
    let copied = tempfile::tempdir().expect("made");
    let catalog = copy_of_catalog(own, copied.path());
    let all = |query: &str| -> BTreeSet<String> {
        let mut statement = catalog.prepare(query).expect("prepared");
        let rows = statement.query_map([], |row| row.get(0)).expect("queried");
        rows.map(|row| row.expect("a row")).collect()
    };
    assert_eq!(all("SELECT CAST(revision AS TEXT) FROM step"), BTreeSet::new(), "steps of revisions, not done yet");
    let on_disk: BTreeSet<String> = listed(&own.join("versions")).into_iter().collect();
    assert_eq!(on_disk, all("SELECT CAST(id AS TEXT) FROM version"), "versions on disk, and those known");
}

/// A copy, for whoever opens a catalog takes part in it: the last one to close it moves its log into it.
fn copy_of_catalog(own: &Path, to: &Path) -> Connection {
    let catalog = own.join("catalog.db");
    let catalog = fs::read_link(&catalog).unwrap_or(catalog);
    for end in ["", "-wal"] {
        let mut from = catalog.clone().into_os_string();
        from.push(end);
        let copied = fs::copy(from, to.join(format!("catalog.db{end}")));
        assert!(copied.is_ok() || end == "-wal", "{copied:?}");
    }
    Connection::open(to.join("catalog.db")).expect("the catalog opens")
}
