//! Random histories: after each batch the mirror's real files are the tree.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use proptest::test_runner::{Config, TestRunner};
use seams::memory::{ManualClock, Memory};

use super::world::{DiskWorld, ID, assert_is};
use crate::store::Store;
use crate::store::conformance::histories::{historian, histories, play};
use crate::tree_store::{Catalogs, TreeStore};
use seams::fs::Fs;

fn play_all(cases: u32, store: &dyn Store, root: &dyn Fn(&str) -> Arc<dyn seams::fs::Directory>) {
    let played = Cell::new(0u32);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&histories(), |history| {
        played.set(played.get() + 1);
        let name = format!("m{}", played.get());
        let peer = historian(store, &name);
        play(&peer, &history, |tree| assert_is(&root(&name), tree));
        Ok(())
    });
    result.expect("every history is right");
}

#[test]
fn a_mirror_in_memory_is_the_tree_after_every_batch() {
    let clock = Arc::new(ManualClock::new(protocol::Timestamp::from_parts(1_700_000_000, 5)));
    let fs = Memory::new(clock.clone());
    fs.make_directory(Path::new("/data")).expect("an absolute path");
    let store = TreeStore::open(&fs, Path::new("/data"), ID, Catalogs::InMemory, clock).expect("will do");
    play_all(256, &store, &|name| fs.open_root(&Path::new("/data").join(name).join(name)).expect("the mirror"));
}

#[test]
fn a_mirror_on_disk_is_the_tree_after_every_batch() {
    let world = DiskWorld::new();
    let store = world.open();
    let open = |name: &str| seams::disk::Disk.open_root(&world.path().join(name).join(name)).expect("the mirror");
    play_all(12, &store, &open);
}
