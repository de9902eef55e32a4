//! What was damaged, removed or added behind the receiver's back is found by a check and put right: by itself where
//! nobody is needed, else by contents that the client sends again. No revision is made, and nothing of theirs is lost.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;

use protocol::wire::{Check, CheckFinding, CheckVerdict, Mend};
use protocol::{Change, ContentId, ContentPlan, Entry, RelPath, Segment, Tree};
use seams::random::{Random, SeededRandom};

use super::damage::noise;
use super::mending_peer::{ask, check, deliver, found, mend, send, wanted};
use super::world::{DiskWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, file, link, modify, moved, path, usize_of};

/// A mirror on the real disk.
struct Mirror {
    world: DiskWorld,
    store: crate::TreeStore,
    contents: BTreeMap<ContentId, Vec<u8>>,
}

impl Mirror {
    fn of(changes: &[(Change, Option<Vec<u8>>)]) -> (Self, Tree) {
        let world = DiskWorld::new();
        let store = world.open();
        let contents =
            changes.iter().filter_map(|(_, bytes)| bytes.clone()).map(|bytes| (ContentId::of(&bytes), bytes));
        let mirror = Self { store, contents: contents.collect(), world };
        let batch: Vec<Change> = changes.iter().map(|(change, _)| change.clone()).collect();
        let mut peer = Peer::new(&mirror.store);
        peer.contents.clone_from(&mirror.contents);
        peer.deliver(&batch);
        (mirror, Tree::new().apply(&batch).expect("a good batch"))
    }

    fn peer(&self) -> Peer<'_> {
        let mut peer = Peer::stranger(&self.store);
        peer.contents.clone_from(&self.contents);
        peer
    }

    fn at(&self, path: &str) -> PathBuf {
        let peer = self.peer();
        self.world.path().join(peer.client.as_str()).join(peer.mirror.as_str()).join(path)
    }

    fn kept(&self) -> Vec<Vec<u8>> {
        let versions = fs::read_dir(self.world.path().join("laptop/.roundsman/versions")).expect("our own directory");
        versions.filter_map(|entry| fs::read(entry.expect("listed").path()).ok()).collect()
    }

    #[track_caller]
    fn is(&self, tree: &Tree) {
        let peer = self.peer();
        assert_eq!(found(&peer), []);
        assert_is(&self.world.root(&peer), tree);
        assert_eq!(wanted(&peer), []);
    }
}

fn flip(at: &PathBuf, offset: u64) {
    let file = fs::File::options().write(true).read(true).open(at).expect("is in the mirror");
    let mtime = file.metadata().and_then(|found| found.modified()).expect("has an mtime");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("is there");
    file.write_all_at(&[byte[0] ^ 1], offset).expect("can be written");
    file.set_modified(mtime).expect("can be set back");
}

const FILES: u64 = 240;

/// A mirror of many files, of which some are large, some equal, some empty; with directories and links between them.
fn large_mirror() -> (Mirror, Tree) {
    let mut changes = vec![(create("e", directory()), None), (create("e/empty", directory()), None)];
    for number in 0..10 {
        changes.push((create(&format!("d{number}"), directory()), None));
        changes.push((create(&format!("d{number}/link"), link(&format!("target {number}"))), None));
    }
    for number in 0..FILES {
        let length = [1, 900, 70_000, 5][usize_of(number % 4)];
        let bytes = noise(length, u32::try_from(number / 2).expect("small") + 1);
        changes.push((create(&format!("d{}/f{number}", number % 10), file(&bytes)), Some(bytes)));
    }
    Mirror::of(&changes)
}

#[test]
fn two_hundred_flips_truncations_extras_and_absences_are_found_and_put_right() {
    let (mirror, tree) = large_mirror();
    let random = SeededRandom::new(7);
    let mut planted = BTreeMap::new();
    for number in 0..200u64 {
        let name = format!("d{}/f{number}", number % 10);
        let (at, size) = (mirror.at(&name), fs::metadata(mirror.at(&name)).expect("is there").len());
        let what = match number / 10 % 4 {
            0 => {
                flip(&at, random.below(size));
                CheckVerdict::Damaged
            }
            1 => {
                fs::File::options().write(true).open(&at).expect("there").set_len(random.below(size)).expect("cut");
                CheckVerdict::Damaged
            }
            2 => {
                fs::write(mirror.at(&format!("d{}/x{number}", number % 10)), format!("extra {number}")).expect("put");
                CheckVerdict::Extra
            }
            _ => {
                fs::remove_file(&at).expect("is there");
                CheckVerdict::Missing
            }
        };
        let place = if what == CheckVerdict::Extra { name.replace("/f", "/x") } else { name };
        planted.insert(place, what);
    }
    let peer = mirror.peer();
    let head = peer.head();
    // Only a check that mends touches anything but the list of what is wanted.
    let files = |findings: Vec<CheckFinding>| -> BTreeMap<String, CheckVerdict> {
        let named = findings.into_iter().filter(|found| found.what != CheckVerdict::Metadata);
        named.map(|found| (found.path.to_string(), found.what)).collect()
    };
    assert_eq!(files(check(&peer, false, None).0), planted);
    assert_eq!(files(check(&peer, true, None).0), planted);
    mend(&peer);
    mirror.is(&tree);
    assert_eq!(peer.head(), head, "nothing logical changed");
    let kept = mirror.kept();
    let extras = planted.values().filter(|what| **what == CheckVerdict::Extra).count();
    assert_eq!(kept.iter().filter(|bytes| bytes.starts_with(b"extra ")).count(), extras, "nothing of theirs is lost");
}

#[test]
fn what_needs_no_content_is_put_right_at_once_and_only_where_that_is_asked_for() {
    let (mirror, tree) = large_mirror();
    fs::set_permissions(mirror.at("d1"), fs::Permissions::from_mode(0o555)).expect("set");
    fs::set_permissions(mirror.at("d2/f2"), fs::Permissions::from_mode(0o640)).expect("set");
    fs::remove_file(mirror.at("d3/link")).expect("is there");
    fs::remove_file(mirror.at("d4/link")).expect("is there");
    std::os::unix::fs::symlink("elsewhere", mirror.at("d4/link")).expect("made");
    fs::remove_dir_all(mirror.at("e")).expect("is there");
    fs::create_dir_all(mirror.at("mine/inner")).expect("made");
    let peer = mirror.peer();
    let planted = found(&peer);
    assert_eq!(found(&peer), planted, "looking changes nothing");
    assert!(check(&peer, true, None).0.iter().all(|found| found.mended));
    mirror.is(&tree);
}

#[test]
fn a_directory_or_a_link_in_a_files_place_and_a_file_in_a_directorys_go_to_the_versions() {
    let (mirror, tree) = large_mirror();
    fs::remove_file(mirror.at("d0/f0")).expect("is there");
    fs::create_dir(mirror.at("d0/f0")).expect("made");
    fs::write(mirror.at("d0/f0/inner"), "theirs").expect("put");
    fs::remove_file(mirror.at("d1/f1")).expect("is there");
    std::os::unix::fs::symlink("/etc", mirror.at("d1/f1")).expect("made");
    fs::remove_dir_all(mirror.at("d2")).expect("is there");
    fs::write(mirror.at("d2"), "no directory").expect("put");
    let peer = mirror.peer();
    check(&peer, true, None);
    assert!(mend(&peer) > 0);
    mirror.is(&tree);
    assert!(mirror.kept().contains(&b"no directory".to_vec()));
}

#[test]
fn a_mirror_that_was_taken_away_whole_comes_again() {
    let (mirror, tree) = large_mirror();
    fs::remove_dir_all(mirror.at("")).expect("is there");
    let peer = mirror.peer();
    check(&peer, true, None);
    mend(&peer);
    mirror.is(&tree);
}

#[test]
fn a_content_that_lies_whole_elsewhere_is_not_sent() {
    let bytes = noise(50_000, 3);
    let twins = ["a", "b", "c"].map(|name| (create(name, file(&bytes)), Some(bytes.clone())));
    let (mirror, tree) = Mirror::of(&twins);
    flip(&mirror.at("a"), 5);
    fs::remove_file(mirror.at("c")).expect("is there");
    let peer = mirror.peer();
    assert_eq!(found(&peer).len(), 3, "the root's mtime, a and c");
    let mended = ask(&peer, Vec::new());
    assert_eq!((mended.places, mended.wanted), (2, vec![]));
    mirror.is(&tree);
    assert_eq!(peer.open(&[create("d", file(&bytes))], peer.plans(&[create("d", file(&bytes))])), [], "held again");
}

#[test]
fn of_a_large_damaged_file_only_bad_ranges_are_sent() {
    let bytes = noise(400_000, 3);
    let (mirror, tree) = Mirror::of(&[(create("a", file(&bytes)), Some(bytes.clone()))]);
    flip(&mirror.at("a"), 250_000);
    let peer = mirror.peer();
    found(&peer);
    let piece =
        |number: u64| Segment::Copy { content: ContentId::of(&bytes), offset: number * 100_000, length: 100_000 };
    let mut plan = ContentPlan { content: ContentId::of(&bytes), length: 400_000, recipe: (0..4).map(piece).collect() };
    let first = ask(&peer, vec![plan.clone()]);
    let [mismatch] = &first.mismatched[..] else { panic!("{first:?}") };
    let good = |copied: &protocol::wire::CopiedRange| {
        let from = usize::try_from(copied.range.offset).expect("small");
        copied.digest == ContentId::of(&bytes[from..from + 100_000])
    };
    assert_eq!(mismatch.copied.iter().map(good).collect::<Vec<_>>(), [true, true, false, true]);
    plan.recipe[2] = Segment::Literal { length: 100_000 };
    let open = ask(&peer, vec![plan.clone()]);
    assert_eq!(send(&peer, &[plan.clone()], &open), Ok(100_000));
    assert_eq!(ask(&peer, vec![plan]).places, 1);
    mirror.is(&tree);
}

#[test]
fn a_damaged_version_is_put_right_too_where_somebody_still_has_its_content() {
    let (old, new) = (noise(9_000, 1), noise(9_000, 2));
    let (mirror, _) = Mirror::of(&[(create("a", file(&old)), Some(old.clone())), (create("d", directory()), None)]);
    let mut peer = mirror.peer();
    peer.knows(&new);
    peer.deliver(&[modify("a", file(&new))]);
    let versions = mirror.world.path().join("laptop/.roundsman/versions");
    let kept = fs::read_dir(versions).expect("ours").next().expect("one").expect("listed").path();
    flip(&kept, 77);
    // A copy of it finds the damage; its own content comes with that.
    deliver(&peer, &[create("d/again", file(&old))]);
    assert_eq!(wanted(&peer).len(), 1);
    assert_eq!(ask(&peer, Vec::new()).places, 1);
    assert_eq!(fs::read(&kept).expect("is there"), old);
    assert_eq!(peer.read(1, "a").expect("kept"), old);
    assert_eq!(wanted(&peer), []);
}

#[test]
fn damage_goes_along_with_a_move_and_ends_with_a_new_content_or_a_delete() {
    let (one, two) = (noise(5_000, 1), noise(5_000, 2));
    for batch in [
        vec![moved("d/a", "b", file(&one))],
        vec![modify("d/a", file(&two))],
        vec![delete("d/a")],
        vec![delete("d")],
        vec![Change::Metadata { path: path("d/a"), metadata: crate::store::conformance::peer::metadata(5) }],
    ] {
        let first = [(create("d", directory()), None), (create("d/a", file(&one)), Some(one.clone()))];
        let (mirror, tree) = Mirror::of(&first);
        flip(&mirror.at("d/a"), 5);
        let mut peer = mirror.peer();
        peer.knows(&two);
        found(&peer);
        assert_eq!(wanted(&peer), [ContentId::of(&one)]);
        deliver(&peer, &batch);
        let tree = tree.apply(&batch).expect("a good batch");
        let is_there = tree.iter().any(|(_, entry)| *entry != file(&two) && entry.content().is_some());
        assert_eq!(!wanted(&peer).is_empty(), is_there, "{batch:?}");
        mend(&peer);
        mirror.is(&tree);
    }
}

#[test]
fn a_large_file_is_checked_in_many_short_requests_and_again_when_it_changed_meanwhile() {
    let bytes = noise(3_000_000, 1);
    let small = noise(10, 1);
    let (mirror, tree) = Mirror::of(&[
        (create("a", file(&bytes)), Some(bytes.clone())),
        (create("b", file(&small)), Some(small.clone())),
    ]);
    let peer = mirror.peer();
    let (none, pages) = check(&peer, false, Some(100_000));
    assert_eq!((none, pages), (vec![], 31));
    assert_eq!(check(&peer, false, None).1, 3, "the receiver's own limit is a MiB here");
    let mut request =
        Check { mirror: peer.mirror.clone(), after: None, read_contents: true, budget: Some(2_000_000), mend: false };
    let first = mirror.store.check(&peer.client, &request).map(|page| (page.next, page.bytes, page.entries));
    drop(mirror.store.check(&peer.client, &request));
    let first = first.expect("is checked");
    assert_eq!((&first.0, first.2), (&Some(RelPath::root()), 0), "it is not through with the first file");
    request.after = first.0;
    flip(&mirror.at("a"), 10);
    let (found, _) = check(&peer, false, Some(500_000));
    assert_eq!(found.len(), 1, "what had been read before the flip is not believed: {found:?}");
    mend(&peer);
    mirror.is(&tree);
}

#[test]
fn who_was_superseded_mends_nothing_and_what_nobody_wants_is_not_taken() {
    let bytes = noise(1_000, 1);
    let (mirror, _) = Mirror::of(&[(create("a", file(&bytes)), Some(bytes))]);
    let mut peer = mirror.peer();
    let other = noise(1_000, 2);
    let plan = ContentPlan { content: peer.knows(&other), length: 1_000, recipe: vec![] };
    assert_eq!(ask(&peer, vec![plan]).missing, []);
    let fork = peer.head();
    let heir = crate::store::conformance::peer::lineage(9);
    let take =
        protocol::wire::TakeOver { mirror: peer.mirror.clone(), lineage: heir, former: Some(peer.lineage), fork };
    peer.store.take_over(&peer.client, &take).expect("taken over");
    let request = Mend { mirror: peer.mirror.clone(), lineage: peer.lineage, contents: vec![], after: None };
    let refused = peer.store.mend(&peer.client, &request).expect_err("fenced");
    assert_eq!(refused.code, protocol::ProblemCode::Fenced);
}

#[test]
fn entries_of_findings_say_what_should_be_there() {
    let bytes = noise(100, 1);
    let (mirror, _) = Mirror::of(&[(create("a", file(&bytes)), Some(bytes.clone()))]);
    flip(&mirror.at("a"), 1);
    fs::write(mirror.at("b"), "extra").expect("put");
    let peer = mirror.peer();
    let entries: Vec<Option<Entry>> =
        check(&peer, false, None).0.into_iter().skip(1).map(|found| found.entry).collect();
    assert_eq!(entries, [Some(file(&bytes)), None]);
}
