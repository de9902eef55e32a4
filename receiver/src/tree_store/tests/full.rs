//! A disk without room: what is there stays as it is, what fits is taken, and more room is all that is ever needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::wire::Proposed;
use protocol::{Change, Head, ProblemCode, RefusalReason, Tree};
use seams::memory::{FaultHook, OperationKind};

use super::crashes::try_deliver;
use super::world::{MemoryWorld, assert_is};
use crate::retention::Keeping;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, modify, moved, path};

const ENOSPC: i32 = 28;

fn small(world: &MemoryWorld, min_free: u64) -> crate::tree_store::TreeStore {
    world.open().keeping(Keeping { min_free, ..Keeping::default() }, std::time::Duration::ZERO)
}

fn propose(peer: &Peer<'_>, changes: &[Change]) -> Result<Proposed, protocol::Problem> {
    peer.store.propose(&peer.client, &peer.proposal(peer.head(), changes, peer.plans(changes)))
}

fn fails(world: &MemoryWorld, kind: OperationKind, errno: i32) {
    let hook: FaultHook =
        Arc::new(move |operation| (operation.kind == kind).then(|| io::Error::from_raw_os_error(errno)));
    world.fs.set_fault_hook(Some(hook));
}

#[test]
fn a_batch_without_room_is_refused_with_numbers_and_deletes_go_on() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = small(&world, 1_000);
    let mut peer = Peer::new(&store);
    let [a, b, c] = [1, 2, 3].map(|byte| peer.file([byte; 600]));
    peer.deliver(&[create("a", a.clone())]);
    let _full = world.fs.clone().with_capacity(1_800);
    let problem =
        propose(&peer, &[create("b", b.clone()), create("c", c)]).expect_err("600 are there, 1088 can be used");
    assert_eq!(problem.code, ProblemCode::NoSpace);
    assert!(problem.detail.contains("needs 1200") && problem.detail.contains("of which 112"), "{problem}");
    peer.deliver(&[create("b", b)]);
    let _full = world.fs.clone().with_capacity(0);
    peer.deliver(&[moved("a", "d", a)]);
    peer.deliver(&[delete("b")]);
    assert_eq!(peer.read(4, "d").expect("is there"), [1; 600]);
}

#[test]
fn a_file_that_alone_finds_no_room_is_refused_by_name_and_the_rest_is_taken() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = small(&world, 1_000);
    let mut peer = Peer::new(&store);
    let (huge, fits) = (peer.file([1; 5_000]), peer.file([2; 500]));
    let _full = world.fs.clone().with_capacity(4_000);
    let changes = [create("fits", fits), create("huge", huge)];
    let Ok(Proposed::Refused { refused }) = propose(&peer, &changes) else { panic!("must be refused") };
    assert_eq!(refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1]);
    let RefusalReason::NotStorable(reason) = &refused[0].reason else { panic!("{refused:?}") };
    assert!(reason.contains("5000") && reason.contains("3750"), "{reason}");
    peer.deliver(&changes[..1]);
}

#[test]
fn what_no_disk_like_this_can_hold_is_refused_by_name() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let peer = Peer::new(&store);
    let huge = protocol::Entry::File {
        metadata: crate::store::conformance::peer::metadata(1),
        size: 1 << 43,
        content: protocol::ContentId::of(b"huge"),
    };
    let cases = [
        (OperationKind::CreateSymlink, 36, create("l", link(&"x".repeat(2_000)))),
        (OperationKind::SetLength, 27, create("f", huge)),
    ];
    for (kind, errno, change) in cases {
        fails(&world, kind, errno);
        let answer = propose(&peer, std::slice::from_ref(&change));
        assert!(
            matches!(&answer, Ok(Proposed::Refused { refused })
            if matches!(refused[..], [protocol::Refused { index: 0, reason: RefusalReason::NotStorable(_) }])),
            "{answer:?}"
        );
        world.fs.set_fault_hook(None);
        assert_eq!(world.own(&peer, "staging"), [], "what was tried is gone");
    }
    peer.deliver(&[create("l", link(&"x".repeat(2_000)))]);
}

/// Two batches of which the second replaces, moves and makes things.
fn batches(peer: &mut Peer<'_>) -> (Vec<Change>, Vec<Change>) {
    let [a, b, c, d] = [1u8, 2, 3, 4].map(|byte| peer.file(vec![byte; 300 * usize::from(byte)]));
    let first = vec![create("a", a.clone()), create("d", directory()), create("d/b", b)];
    let second = vec![modify("d/b", c), moved("a", "d/a", a), create("e", directory()), create("e/d", d)];
    (first, second)
}

#[test]
fn a_disk_that_is_full_at_any_operation_harms_nothing_and_room_is_enough_to_go_on() {
    for n in 0.. {
        let world = MemoryWorld::new(&["laptop"]);
        let store = world.open();
        let mut peer = Peer::new(&store);
        let (first, second) = batches(&mut peer);
        let base = peer.deliver(&first);
        let old = Tree::new().apply(&first).expect("a good batch");
        let new = old.apply(&second).expect("a good batch");
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        // Whatever takes room fails from then on, as on a disk that nobody makes room on.
        let hook: FaultHook = Arc::new(move |operation| {
            let takes_room = matches!(
                operation.kind,
                OperationKind::CreateFile
                    | OperationKind::CreateDirectory
                    | OperationKind::CreateSymlink
                    | OperationKind::Write
                    | OperationKind::SetLength
                    | OperationKind::Link
                    | OperationKind::Rename
                    | OperationKind::Sync
                    | OperationKind::SyncFilesystem
            );
            (takes_room && counted.fetch_add(1, Ordering::Relaxed) >= n).then(|| io::Error::from_raw_os_error(ENOSPC))
        });
        world.fs.set_fault_hook(Some(hook));
        let mut last = None;
        for _ in 0..3 {
            last = try_deliver(&peer, base, &second);
        }
        world.fs.set_fault_hook(None);
        if count.load(Ordering::Relaxed) <= n {
            assert_eq!(last, Some(base.after(&second)));
            assert!(n > 10, "only {n} operations take room");
            break;
        }
        let head = peer.head();
        assert!(head == base || head == base.after(&second));
        assert_eq!(peer.read(1, "d/b").expect("the old content is untouched"), vec![2; 600]);
        assert_eq!(try_deliver(&peer, base, &second), Some(base.after(&second)), "{n}");
        assert_is(&world.root(&peer), &new);
    }
}

#[test]
fn a_disk_of_any_size_holds_the_old_or_the_new_tree_and_grows_out_of_it() {
    for capacity in (0..4_000).step_by(73) {
        let world = MemoryWorld::new(&["laptop"]);
        let store = small(&world, 0);
        let mut peer = Peer::new(&store);
        let (first, second) = batches(&mut peer);
        let base = peer.deliver(&first);
        let old = Tree::new().apply(&first).expect("a good batch");
        let _full = world.fs.clone().with_capacity(capacity);
        for _ in 0..3 {
            let delivered =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| try_deliver(&peer, base, &second)));
            if delivered.is_ok_and(|head| head.is_some()) {
                break;
            }
            assert_is(&world.root(&peer), &old);
        }
        let _roomy = world.fs.clone().with_capacity(1 << 30);
        assert_eq!(try_deliver(&peer, base, &second), Some(base.after(&second)), "{capacity}");
        assert_is(&world.root(&peer), &old.apply(&second).expect("a good batch"));
    }
}

#[test]
fn a_directory_that_cannot_be_opened_any_more_gets_its_rights_back() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (one, two, three) = (peer.file("one"), peer.file("two"), peer.file("three"));
    peer.deliver(&[create("d", directory()), create("d/e", directory()), create("d/e/f", one)]);
    // The memory enforces no bits: the hook does, until the mode is set again.
    let name = path("d").name().expect("one name");
    world.root(&peer).set_mode(&name, 0).expect("somebody did that");
    let forbidding = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&forbidding);
    let hook: FaultHook = Arc::new(move |operation| {
        if operation.kind == OperationKind::SetMode {
            seen.store(1, Ordering::Relaxed);
        }
        let path = &operation.path;
        let is_into = path.ends_with(b"/d") || path.windows(3).any(|part| part == b"/d/");
        let denied = operation.kind == OperationKind::OpenDirectory && is_into;
        (denied && seen.load(Ordering::Relaxed) == 0).then(|| io::Error::from_raw_os_error(13))
    });
    world.fs.set_fault_hook(Some(hook));
    peer.deliver(&[modify("d/e/f", two), create("d/g", three)]);
    assert_eq!(forbidding.load(Ordering::Relaxed), 1);
    assert_eq!(peer.read(2, "d/e/f").expect("is there"), b"two");
    assert_eq!(peer.head(), Head { number: 2, ..peer.head() });
}
