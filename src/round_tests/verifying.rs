//! What `verify` says of a mirror, a snapshot and a source, in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::{Head, Lineage, Metadata, Name};
use receiver::{Catalogs, TreeStore};
use seams::clock::Clock;
use seams::fs::Fs;
use seams::parallel::Parallel;
use seams::progress::Unwatched;
use snapshot_db::{Snapshot, SnapshotError};
use uploader::{CompressionLevel, Rate};

use super::world::{Kind, SOURCE, World, remove, write, write_bytes};
use crate::report::RoundError;
use crate::verify::{Verified, Verify, Wrong};

/// How a verify is made.
#[derive(Default, Clone, Copy)]
struct How<'a> {
    repair: bool,
    read_source: bool,
    rate: Option<Rate>,
    /// Another snapshot than the world's.
    snapshot: Option<&'a Snapshot>,
    unknown: bool,
}

type Outcome = (Verified, BTreeMap<String, Wrong>);

fn try_verify(world: &World, how: How<'_>) -> Result<Outcome, RoundError> {
    let caller = world.caller();
    let mirror = World::mirror();
    let verify = Verify {
        caller: &caller,
        mirror: &mirror,
        fs: &world.fs,
        source: Path::new(SOURCE),
        snapshot: how.snapshot.unwrap_or(&world.snapshot),
        is_known: !how.unknown,
        clock: &*world.clock,
        random: &*world.random,
        repair: how.repair,
        is_ours: how.repair,
        read_source: how.read_source,
        rate: how.rate,
        transfers: Parallel::in_order(),
        processors: 1,
        compression: CompressionLevel::Auto,
        progress: &Unwatched,
    };
    let (mut verified, mut found) = (Verified::default(), BTreeMap::new());
    verify.run(&mut verified, &mut |finding| {
        found.insert(finding.path.to_string(), finding.wrong);
    })?;
    Ok((verified, found))
}

fn verify(world: &World, how: How<'_>) -> Outcome {
    try_verify(world, how).expect("comes to its end")
}

const REPAIR: How<'static> = How { repair: true, read_source: false, rate: None, snapshot: None, unknown: false };

fn mirrored() -> World {
    let world = World::with(1, Kind::Tree);
    for number in 0..40 {
        write(&world, &format!("d{}/f{number}", number % 4), &format!("content {number}"));
    }
    world.good_round();
    world
}

fn meddle(world: &World) {
    world.clock.advance(Duration::from_secs(5));
    let open = |path: &str| world.fs.open_root(Path::new(path)).expect("there");
    let name = |text: &str| Name::parse(text.as_bytes()).expect("valid");
    let d0 = open("/data/local/source/d0");
    d0.remove_file(&name("f0")).expect("there");
    d0.open_file_for_writing(&name("f4")).and_then(|file| file.write_all_at(b"X", 2)).expect("written");
    d0.create_file(&name("theirs")).expect("made");
    open("/data/local/source/d1").open_file(&name("f1")).and_then(|file| file.set_mode(0o640)).expect("set");
}

#[test]
fn a_right_mirror_is_right_in_a_few_requests_and_few_bytes() {
    let world = mirrored();
    world.transport.trace.lock().expect("not poisoned").clear();
    world.transport.bytes.store(0, Ordering::Relaxed);
    let (verified, found) = verify(&world, How::default());
    assert_eq!(found, BTreeMap::new());
    assert_eq!((verified.entries, verified.changed, verified.left()), (44, 0, 0));
    assert!(verified.bytes_checked >= 40 * 9);
    let requests = world.transport.trace.lock().expect("not poisoned").len();
    assert_eq!(requests, 3, "hello, one page checked, one page listed");
    assert!(world.transport.bytes.load(Ordering::Relaxed) < 10_000);
}

#[test]
fn what_is_wrong_is_named_and_repair_puts_it_right_without_a_revision() {
    let world = mirrored();
    meddle(&world);
    let (verified, found) = verify(&world, How::default());
    let wrong = [
        ("d0", Wrong::Metadata),
        ("d0/f0", Wrong::Missing),
        ("d0/f4", Wrong::Damaged),
        ("d0/theirs", Wrong::Extra),
        ("d1/f1", Wrong::Metadata),
    ];
    assert_eq!(found, wrong.map(|(path, wrong)| (path.to_owned(), wrong)).into());
    assert_eq!((verified.left(), verified.repaired), (5, 0));
    let head = world.snapshot.standing().expect("readable").head;
    let (repaired, found) = verify(&world, REPAIR);
    assert_eq!((found.len(), repaired.left(), repaired.repaired), (5, 0, 5));
    let (again, found) = verify(&world, How::default());
    assert_eq!((found, again.revision), (BTreeMap::new(), head.number));
    assert_eq!(world.on_disk("/data/local/source"), world.in_source());
}

#[test]
fn what_changed_since_the_last_round_is_no_damage() {
    let world = mirrored();
    write(&world, "d0/f0", "another");
    write(&world, "new", "file");
    remove(&world, "d1/f1");
    let (verified, found) = verify(&world, How { read_source: true, ..How::default() });
    assert_eq!((found, verified.left()), (BTreeMap::new(), 0));
    assert!(verified.changed >= 2, "{verified:?}");
}

#[test]
fn silent_damage_of_the_source_is_found_only_where_it_is_read_and_nothing_repairs_it() {
    let world = mirrored();
    world.fs.write_silently(Path::new("/source/d2/f2"), b"?", 0).expect("written");
    assert_eq!(verify(&world, How::default()).1, BTreeMap::new());
    for how in [How { read_source: true, ..How::default() }, How { read_source: true, ..REPAIR }] {
        let (verified, found) = verify(&world, how);
        assert_eq!((found, verified.left()), ([("d2/f2".to_owned(), Wrong::Source)].into(), 1));
    }
}

#[test]
fn a_snapshot_that_disagrees_is_named_and_rebuilt_and_one_that_is_behind_is_only_told() {
    let world = mirrored();
    let other = Snapshot::in_memory(Lineage::from_bytes([1; 16]));
    let head = world.snapshot.standing().expect("readable").head;
    let nothing = std::iter::empty::<Result<_, SnapshotError>>();
    other.replace_acknowledged(head, &Metadata::default(), nothing).expect("an empty tree");
    let how = How { snapshot: Some(&other), ..How::default() };
    let (verified, found) = verify(&world, how);
    assert_eq!((found.len(), verified.left()), (45, 45), "each entry, and that there are too few");
    let (repaired, _) = verify(&world, How { repair: true, ..how });
    assert_eq!(repaired.left(), 0);
    assert_eq!(verify(&world, how).1, BTreeMap::new());

    let behind = Snapshot::in_memory(Lineage::from_bytes([1; 16]));
    let (verified, found) = verify(&world, How { snapshot: Some(&behind), ..How::default() });
    assert_eq!((found, verified.snapshot_revision), (BTreeMap::new(), Some(Head::genesis().number)));
}

#[test]
fn nothing_need_be_remembered_and_no_source_be_there() {
    let world = mirrored();
    meddle(&world);
    let nothing = Snapshot::in_memory(Lineage::from_bytes([9; 16]));
    let how = How { snapshot: Some(&nothing), unknown: true, ..REPAIR };
    let (verified, found) = verify(&world, how);
    assert_eq!((found.len(), verified.left(), verified.snapshot_revision), (5, 0, None));
    assert_eq!(world.on_disk("/data/local/source"), world.in_source());

    meddle(&world);
    let aside = world.fs.open_root(Path::new("/")).expect("there");
    let name = |text: &str| Name::parse(text.as_bytes()).expect("valid");
    aside.rename(&name("source"), &*aside, &name("aside")).expect("moved");
    let (verified, _) = verify(&world, how);
    assert!(verified.without_source);
    assert_eq!(verified.left(), 2, "what needs the source's contents stays damaged, and is named");
}

#[test]
fn a_rate_is_kept_by_waiting_between_requests() {
    let world = World::with(1, Kind::Tree);
    write_bytes(&world.fs, "large", &vec![7; 400_000]);
    world.good_round();
    let rate = Rate::new(50_000).expect("not too slow");
    let before = world.clock.since_boot();
    let (verified, _) = verify(&world, How { rate: Some(rate), ..How::default() });
    assert_eq!(verified.bytes_checked, 400_000);
    let took = world.clock.since_boot().saturating_sub(before);
    assert!(took >= Duration::from_secs(7), "{took:?}");
}

#[test]
fn a_receivers_own_pace_is_kept_by_waiting_between_requests() {
    let mut world = World::with(1, Kind::Tree);
    world.fs.make_directory(Path::new("/paced")).expect("made");
    let clock = std::sync::Arc::clone(&world.clock) as std::sync::Arc<dyn Clock>;
    let id = protocol::StoreId::from_bytes([8; 16]);
    let store = TreeStore::open(&world.fs, Path::new("/paced"), id, Catalogs::InMemory, clock).expect("a store");
    world.attach(std::sync::Arc::new(store.checking_at(NonZeroU64::new(50_000))));
    write_bytes(&world.fs, "large", &vec![7; 400_000]);
    world.good_round();
    let before = world.clock.since_boot();
    let (verified, _) = verify(&world, How::default());
    assert_eq!(verified.bytes_checked, 400_000);
    let took = world.clock.since_boot().saturating_sub(before);
    assert!(took >= Duration::from_secs(7) && took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn a_mirror_that_there_is_not_is_a_mistake() {
    let world = World::with(1, Kind::Tree);
    assert!(matches!(try_verify(&world, How::default()), Err(RoundError::NoMirror { .. })));
}
