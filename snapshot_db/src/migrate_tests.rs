//! A database that version 1 wrote, brought up to date. `fixtures/V1.db` was made by that version's own code, and is
//! never made again.

use std::fs;

use protocol::{ContentId, Head, Lineage, Metadata, RevisionDigest, StoreId};
use rusqlite::params;

use super::*;
use crate::place::Place;
use crate::testing::{directory, file, head, moved, path, reading, sound_rows};
use crate::{Pending, Snapshot, Standing};

const V1: &[u8] = include_bytes!("../fixtures/V1.db");

fn version_1() -> Place {
    let place = Place::new();
    fs::write(place.database(), V1).expect("written");
    place
}

#[test]
fn a_database_of_version_1_keeps_all_it_knew() {
    let place = version_1();
    let opened = place.open();
    assert_eq!(opened.set_aside, None);
    let snapshot = opened.snapshot;
    let expected = Standing {
        lineage: Lineage::from_bytes([7; 16]),
        head: head(1),
        store: Some(StoreId::from_bytes([2; 16])),
        in_flight: Some(RevisionDigest::from_bytes([9; 32])),
    };
    assert_eq!(snapshot.standing().expect("readable"), expected);
    assert_eq!(snapshot.granularity(b"ext4\0uuid").expect("readable"), Some(4_000_000));
    assert_eq!(snapshot.root_record().expect("readable").as_deref(), Some(&b"root"[..]));
    let root = Metadata { mode: 0o750, ..Metadata::default() };
    assert_eq!(snapshot.root_metadata().expect("readable"), Some(root));
    let rows = sound_rows(&snapshot);
    let paths = ["d", "d/a", "d/e", "d/e/b", "link", "new", "new/c"].map(path);
    assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), paths);
    assert_eq!(rows[&path("d/a")].acknowledged, Some(file("1")));
    assert_eq!(rows[&path("d/e/b")].reading, Some(reading("333", 6)));
    assert_eq!(rows[&path("d/e")].inode, Some(3));
    assert_eq!(rows[&path("new/c")].reading.as_ref().map(|read| read.content), Some(ContentId::of(b"4444")));
}

#[test]
fn a_database_of_version_1_takes_all_that_version_2_keeps() {
    let place = version_1();
    let snapshot = place.open().snapshot;
    assert_eq!(snapshot.pending().expect("readable"), Pending { files: 2, bytes: 7 });
    assert_eq!(snapshot.known().expect("readable"), seams::known::Known::default());
    assert_eq!(snapshot.held_lists().expect("readable"), []);
    let key = seams::known::FilesystemKey(b"ext4\0uuid".to_vec());
    snapshot.record_mounts(&[(path("d/e"), Some(key.clone()))]).expect("recorded");
    let habits = seams::known::Habits { inode_rounds: 1, ctime_rounds: 2 };
    snapshot.record_habits(&[(key.clone(), habits)].into()).expect("recorded");
    snapshot.acknowledge(Head { number: 2, ..Head::genesis() }, &[moved("d", "f", directory())]).expect("fits");
    drop(snapshot);

    let again = place.look();
    let known = again.known().expect("readable");
    assert_eq!(known.habits.get(&key), Some(&habits));
    let number = again.row_at(&path("f/e")).expect("readable").and_then(|row| row.directory).expect("a directory");
    assert_eq!(known.mounts, [(number, key)].into());
    assert_eq!(again.granularity(b"ext4\0uuid").expect("readable"), Some(4_000_000));
}

#[test]
fn whoever_makes_no_round_leaves_a_database_of_version_1_as_it_is() {
    let place = version_1();
    for error in [
        Snapshot::open_read_only(&place.database()).expect_err("is older"),
        Snapshot::open_beside(&place.database()).expect_err("is older"),
    ] {
        assert!(matches!(error, SnapshotError::Older { found: 1, .. }), "{error:?}");
    }
    assert_eq!(fs::read(place.database()).expect("readable"), V1);
    assert_eq!(place.listing().len(), 1);
}

#[test]
fn a_migrated_database_has_the_schema_of_a_new_one() {
    let schema = |place: &Place| {
        let snapshot = place.open().snapshot;
        let writer = snapshot.writer();
        let mut statement = writer.prepare("SELECT sql FROM sqlite_schema ORDER BY name").expect("readable");
        let all = statement.query_map(params![], |row| row.get::<_, Option<String>>(0)).expect("readable");
        all.collect::<Result<Vec<_>, _>>().expect("readable")
    };
    assert_eq!(schema(&version_1()), schema(&Place::new()));
}
