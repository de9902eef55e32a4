//! A crash or an error at any operation of a check that mends, and of what follows from it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use protocol::{ContentId, Name, Tree};

use super::crashes::{EIO, ERRORS, Fault, fail_with};
use super::damage::noise;
use super::mending_peer::{check, found, mend, try_check, try_mend};
use super::world::{MemoryWorld, assert_is};
use crate::store::conformance::peer::{Peer, create, directory, file, link};

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("valid")
}

#[test]
fn a_crash_or_an_error_at_any_operation_of_a_repair_leaves_a_mirror_that_is_put_right_later() {
    for errno in ERRORS {
        repair_survives(Fault::Once, errno);
    }
    repair_survives(Fault::FromThenOn, EIO);
}

fn repair_survives(fault: impl Fn(u64) -> Fault, errno: i32) {
    let bytes: Vec<Vec<u8>> = (1..6).map(|seed| noise(3_000, seed)).collect();
    for cut in 0.. {
        let world = MemoryWorld::new(&["laptop"]);
        let batch = [
            create("d", directory()),
            create("d/a", file(&bytes[0])),
            create("d/b", file(&bytes[1])),
            create("d/l", link("t")),
            create("gone", directory()),
            create("gone/c", file(&bytes[2])),
        ];
        let contents: BTreeMap<_, _> = bytes.iter().map(|bytes| (ContentId::of(bytes), bytes.clone())).collect();
        let count;
        {
            let store = world.open();
            let mut peer = Peer::new(&store);
            peer.contents.clone_from(&contents);
            peer.deliver(&batch);
            let root = world.root(&peer);
            let d = root.open_directory(&name("d")).expect("there");
            d.open_file_for_writing(&name("a")).and_then(|file| file.write_all_at(b"!", 7)).expect("written");
            d.remove_file(&name("b")).expect("there");
            d.remove_file(&name("l")).expect("there");
            root.open_directory(&name("gone")).and_then(|gone| gone.remove_file(&name("c"))).expect("there");
            root.remove_directory(&name("gone")).expect("empty");
            root.create_file(&name("theirs")).expect("made");
            count = fail_with(&world, fault(cut), errno);
            drop(try_check(&peer, true, None).and_then(|_| try_mend(&peer)));
        }
        let was_cut = count.load(Ordering::Relaxed) > cut;
        world.fs.set_fault_hook(None);
        let store = world.open();
        let mut peer = Peer::stranger(&store);
        peer.contents.clone_from(&contents);
        check(&peer, true, None);
        mend(&peer);
        assert_eq!(found(&peer), [], "cut at {cut}");
        let tree = Tree::new().apply(&batch).expect("a good batch");
        assert_is(&world.root(&peer), &tree);
        assert_eq!((world.own(&peer, "staging"), world.own(&peer, "parking")), (vec![], vec![]), "cut at {cut}");
        if !was_cut {
            assert!(cut > 20, "there is something to cut");
            return;
        }
    }
}
