//! Decisions about lists in real state directories.

use std::path::PathBuf;

use protocol::{Change, Lineage, MirrorName, RelPath};
use snapshot_db::HeldList;

use super::*;
use crate::settings::value::To;
use crate::way::Way;

const NOW: Timestamp = Timestamp::from_nanos(1_767_323_045_000_000_000);

fn list(digest: [u8; 2]) -> HeldList {
    let mut bytes = [7; 32];
    bytes[2..4].copy_from_slice(&digest);
    let change = Change::Delete { path: RelPath::parse(b"old").expect("valid") };
    HeldList::new(HeldDigest::from_bytes(bytes), NOW, vec![(change, 300)])
}

/// A state directory with a mirror that holds this list.
fn holding(state: &Path, name: &str, list: &HeldList) -> PathBuf {
    let path = state.join(name).join("snapshot.db");
    std::fs::create_dir(state.join(name)).expect("creates");
    let snapshot = Snapshot::open(&path, Lineage::from_bytes([7; 16])).expect("opens").snapshot;
    let way = Way {
        source: format!("/{name}").into(),
        mirror: MirrorName::parse(b"photos").expect("valid"),
        to: To::Directory("/backup".into()),
        filter: scanner::FilterRules::default(),
        one_file_system: false,
        settle: std::time::Duration::ZERO,
        ignore_inodes: false,
        ignore_ctimes: false,
    };
    snapshot.set_way(&way.encode()).expect("writes");
    snapshot.hold(list).expect("writes");
    path
}

/// What is decided, as the one round that holds this list would be told.
fn decided(state: &Path, digits: &str, decision: Decision) -> Result<String, String> {
    let found = OwnMirrors::find(state).expect("lists");
    let prefix = digits.parse().expect("digits");
    let candidates = candidates(&found.mirrors, &prefix).expect("readable");
    let digest = only(&candidates).map_err(|several| match several.as_slice() {
        [] => unknown(&prefix, &found).report(),
        several => ambiguous(&prefix, several).report(),
    })?;
    let verdict = decide_about(candidates[0].0, digest, decision, NOW).map_err(|failure| failure.report())?;
    Ok(verdict.text(NOW))
}

#[test]
fn approving_twice_is_harmless_and_says_so() {
    let state = tempfile::tempdir().expect("a directory");
    holding(state.path(), "a", &list([1, 2]));
    let first = decided(state.path(), "07070102", Decision::Approved).expect("is held");
    assert!(
        first.starts_with(
            "070701020707 is approved: the next round lets exactly these go: 1 change, by which 300 files"
        )
    );
    assert!(first.ends_with("\n  /a -> /backup/local/photos\n"), "{first}");
    let second = decided(state.path(), "07070102", Decision::Approved).expect("is harmless");
    assert!(second.starts_with("070701020707 was approved just now (2026-01-02T03:04:05Z) already: "), "{second}");
}

#[test]
fn what_was_let_go_is_known_and_cannot_be_rejected_any_more() {
    let state = tempfile::tempdir().expect("a directory");
    let path = holding(state.path(), "a", &list([1, 2]));
    decided(state.path(), "07070102", Decision::Approved).expect("is held");
    let snapshot = Snapshot::open_beside(&path).expect("opens").expect("is there");
    snapshot.drop_held(&list([1, 2]).digest).expect("writes");
    let again = decided(state.path(), "07070102", Decision::Approved).expect("is harmless");
    assert!(again.contains("already: it has been let go"), "{again}");
    let too_late = decided(state.path(), "07070102", Decision::Rejected).expect_err("is too late");
    assert!(too_late.contains("has been let go"), "{too_late}");
}

#[test]
fn a_rejected_list_is_not_approved_until_it_changes() {
    let state = tempfile::tempdir().expect("a directory");
    holding(state.path(), "a", &list([1, 2]));
    decided(state.path(), "070701", Decision::Approved).expect("is held");
    let rejected = decided(state.path(), "070701", Decision::Rejected).expect("is held");
    assert!(rejected.contains("is rejected: 1 change, 300 files: all stays"), "{rejected}");
    let refusal = decided(state.path(), "070701", Decision::Approved).expect_err("was rejected");
    assert!(refusal.contains("was rejected") && refusal.contains("when what is held has changed"), "{refusal}");
}

#[test]
fn an_unknown_digest_is_answered_with_what_is_held() {
    let state = tempfile::tempdir().expect("a directory");
    let refusal = decided(state.path(), "ffffff", Decision::Approved).expect_err("is unknown");
    assert!(refusal.contains("Hint: nothing is held"), "{refusal}");
    holding(state.path(), "a", &list([1, 2]));
    let refusal = decided(state.path(), "ffffff", Decision::Approved).expect_err("is unknown");
    assert!(refusal.contains("no held list is called ffffff"), "{refusal}");
    assert!(refusal.contains("Hint: held: 070701020707 of /a -> /backup/local/photos"), "{refusal}");
}

#[test]
fn a_beginning_of_several_digests_decides_nothing() {
    let state = tempfile::tempdir().expect("a directory");
    let lists = [list([1, 2]), list([1, 3])];
    let paths = [holding(state.path(), "a", &lists[0]), holding(state.path(), "b", &lists[1])];
    let refusal = decided(state.path(), "070701", Decision::Approved).expect_err("is either");
    assert!(refusal.contains("070701020707, 070701030707"), "{refusal}");
    for path in paths {
        let snapshot = Snapshot::open_read_only(&path).expect("opens").expect("is there");
        assert!(snapshot.held_lists().expect("readable").iter().all(|list| list.decision.is_none()));
    }
    decided(state.path(), "07070103", Decision::Approved).expect("is one of them");
}
