//! Checks keep the receiver's own pace, get into what nobody may look into, and a restore that got other bytes than it
//! should has them looked at.

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{Check, CheckVerdict, ReadAt};
use protocol::{ByteRange, ContentId, ProblemCode};
use seams::fs::Directory;
use seams::memory::{FaultHook, OperationKind};

use super::damage::noise;
use super::mending_peer::{ask, check, found, wanted};
use super::world::{DiskWorld, MemoryWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, directory, modify, path};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_receiver_that_reads_at_a_rate_says_how_long_to_wait_and_all_who_check_share_it() {
    let world = MemoryWorld::new(&["laptop", "other"]);
    let store = world.open().checking_at(NonZeroU64::new(100_000));
    let mut peers = ["laptop", "other"].map(|name| {
        let mut peer = Peer::stranger(&store);
        peer.client = protocol::ClientName::parse(name).expect("a valid name");
        peer
    });
    for peer in &mut peers {
        store.claim(&peer.client, &peer.claim("/source", None)).expect("a mirror of its own");
        let file = peer.file(noise(1_000_000, 1));
        peer.deliver(&[create("f", file)]);
    }
    let asked = |peer: &Peer<'_>, budget| {
        let mirror = peer.mirror.clone();
        let request = Check { mirror, after: None, read_contents: true, budget, mend: false };
        let page = store.check(&peer.client, &request).expect("is checked");
        (page.bytes, page.pause_millis)
    };
    let [one, other] = &peers;
    assert_eq!(asked(one, None), (100_000, 1_000), "a second's worth, and then a second of rest");
    assert_eq!(asked(other, None), (100_000, 2_000), "the disk is one");
    world.clock.advance(SECOND * 2);
    assert_eq!(asked(one, Some(10_000)), (10_000, 100), "time that passed is not saved up");
    world.clock.advance(SECOND * 60);
    assert_eq!(asked(other, None), (100_000, 1_000));
    let unhurried = world.open();
    let request =
        Check { mirror: one.mirror.clone(), after: None, read_contents: true, budget: Some(500_000), mend: false };
    let page = unhurried.check(&one.client, &request).expect("is checked");
    assert_eq!((page.bytes, page.pause_millis), (500_000, 0));
}

/// Nobody may open a directory or file of this name until its mode is set.
fn shut(world: &MemoryWorld, peer: &Peer<'_>, name: &'static str) {
    let root = world.root(peer);
    root.set_mode(&path(name).name().expect("one name"), 0).expect("somebody did that");
    let (fs, client) = (world.fs.clone(), world.path().join(peer.client.as_str()).join(peer.mirror.as_str()));
    let is_shut = move || {
        let root: Arc<dyn Directory> = seams::fs::Fs::open_root(&fs, &client).expect("is there");
        root.stat(&path(name).name().expect("one name")).is_ok_and(|stat| stat.mode & 0o700 == 0)
    };
    let (end, inside) = (format!("/{name}").into_bytes(), format!("/{name}/").into_bytes());
    let hook: FaultHook = Arc::new(move |operation| {
        let opens = matches!(operation.kind, OperationKind::OpenDirectory | OperationKind::OpenFile);
        let path = &operation.path;
        let is_it = path.ends_with(&end) || path.windows(inside.len()).any(|part| part == inside);
        (opens && is_it && is_shut()).then(|| io::Error::from_raw_os_error(13))
    });
    world.fs.set_fault_hook(Some(hook));
}

#[test]
fn a_directory_that_nobody_may_look_into_is_named_and_put_right_with_what_is_in_it() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("d", directory()), create("d/e", directory()), create("d/e/f", one), create("g", two)]);
    let tree = peer.tree_at(1);
    for name in ["d", "g"] {
        if name == "d" {
            let below = world.root(&peer).open_below(&path("d/e")).expect("is there");
            below.create_file(&path("theirs").name().expect("one name")).expect("somebody did that, too");
        }
        shut(&world, &peer, name);
        let verdict = if name == "d" { CheckVerdict::Damaged } else { CheckVerdict::Metadata };
        assert_eq!(found(&peer), [(name.to_owned(), verdict)], "what is in it is not said to be lost");
        assert_eq!(wanted(&peer), [], "nothing of it need be sent again");
        let (findings, _) = check(&peer, true, None);
        assert!(findings.iter().all(|finding| finding.mended), "{findings:?}");
        assert_eq!(found(&peer), [], "{name}");
        assert_is(&world.root(&peer), &tree);
        world.fs.set_fault_hook(None);
    }
}

fn look_again(peer: &Peer<'_>, revision: u64, at: &str) -> Result<Option<bool>, ProblemCode> {
    let range = ByteRange { offset: 0, length: 0 };
    let request =
        ReadAt { mirror: peer.mirror.clone(), revision: Some(revision), path: path(at), range, suspect: true };
    let page = peer.store.read_at(&peer.client, &request).map_err(|problem| problem.code)?;
    assert!(page.data.is_empty());
    Ok(page.is_whole)
}

#[test]
fn what_a_restore_found_damaged_is_looked_at_noted_and_asked_for_where_the_head_has_it() {
    let world = DiskWorld::new();
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (long, old, new) = (noise(3_500_000, 1), noise(9_000, 2), noise(9_000, 3));
    let [long_file, old_file, new_file] = [&long, &old, &new].map(|bytes| peer.file(bytes));
    peer.deliver(&[create("long", long_file), create("a", old_file.clone())]);
    peer.deliver(&[modify("a", new_file)]);
    // The receiver's own limit is a MiB here.
    let goes: Vec<_> = (0..4).map(|_| look_again(&peer, 1, "long")).collect();
    assert_eq!(goes, [Ok(Some(false)), Ok(Some(false)), Ok(Some(false)), Ok(Some(true))]);
    assert_eq!(look_again(&peer, 1, "a"), Ok(Some(true)));
    let client = store.known(&peer.client).expect("can be opened").expect("is there");
    assert_eq!(client.catalog().count("damage"), 0);

    for (at, revision) in [(".roundsman/versions/1", 1), ("Bücher/a", 2)] {
        let file = world.path().join(peer.client.as_str()).join(at);
        let file = std::fs::File::options().write(true).open(file).expect("is there");
        let mtime = file.metadata().and_then(|stat| stat.modified()).expect("has a time");
        std::os::unix::fs::FileExt::write_all_at(&file, b"damage", 100).expect("written");
        file.set_modified(mtime).expect("set back");
        assert_eq!(look_again(&peer, revision, "a"), Err(ProblemCode::NotFound));
    }
    assert_eq!(client.catalog().count("damage"), 2);
    assert_eq!(wanted(&peer), [ContentId::of(&new)], "what only the past has nobody can be asked for");
    peer.deliver(&[create("again", old_file)]);
    assert_eq!(ask(&peer, Vec::new()).places, 1, "it came again, and the version is whole");
    assert_eq!(look_again(&peer, 1, "a"), Ok(Some(true)));
}
