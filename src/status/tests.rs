//! What `status` says of a mirror, from a snapshot with a little of everything in it.

use std::collections::BTreeMap;

use protocol::{Change, Lineage, MirrorName, RelPath, RoundId};
use seams::known::Postponement;
use snapshot_db::{Decision, HeldDigest, HeldList, Snapshot};

use super::*;
use crate::settings::value::To;
use crate::way::Way;

const NOW: Timestamp = Timestamp::from_nanos(1_767_323_045_000_000_000);

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_nanos(-seconds * 1_000_000_000)
}

fn path(text: &[u8]) -> RelPath {
    RelPath::parse(text).expect("valid")
}

/// A mirror of `/home/u/caf\xe9`, or of `/home/u/photos`.
fn mirror(source: &[u8]) -> OwnMirror {
    use std::os::unix::ffi::OsStrExt;
    let way = Way {
        source: std::ffi::OsStr::from_bytes(source).into(),
        mirror: MirrorName::parse(b"photos").expect("valid"),
        to: To::Directory("/backup".into()),
        filter: scanner::FilterRules::default(),
        one_file_system: false,
        settle: std::time::Duration::ZERO,
        ignore_inodes: false,
        ignore_ctimes: false,
    };
    OwnMirror {
        way,
        snapshot: Snapshot::in_memory(Lineage::from_bytes([1; 16])),
        path: "/state/photos/snapshot.db".into(),
    }
}

fn postponement(kind: PostponedKind, reason: &str) -> Postponement {
    let reason = reason.to_owned();
    Postponement { kind, reason, since: ago(7_200), tries: 3, last_try: ago(60), next_try: ago(-180) }
}

fn held(digest: u8, changes: usize) -> HeldList {
    let change = |number| (Change::Delete { path: path(format!("old/{number:03}").as_bytes()) }, 20);
    HeldList::new(HeldDigest::from_bytes([digest; 32]), ago(3_600), (0..changes).map(change).collect())
}

fn round(number: u8, exit: u8, summary: &Summary) -> RoundRecord {
    let summary = serde_json::to_string(summary).expect("is JSON");
    let at = ago(600 - i64::from(number) * 60);
    RoundRecord { id: RoundId::from_bytes([number; 16]), started: at, finished: at, exit, summary }
}

/// A mirror with a little of everything.
fn busy() -> OwnMirror {
    let mirror = mirror(b"/home/u/photos");
    let snapshot = &mirror.snapshot;
    let postponed = BTreeMap::from([
        (path(b"log\n"), postponement(PostponedKind::Deferred, "it changes while it is read")),
        (path(b"refused\xff"), postponement(PostponedKind::Refused, "no room")),
        (path(b"secret"), postponement(PostponedKind::Problem, "cannot open the directory: Permission denied")),
    ]);
    snapshot.set_postponed(&postponed).expect("writes");
    snapshot.hold(&held(0xab, 12)).expect("writes");
    snapshot.record_round(&round(1, 0, &Summary::default())).expect("writes");
    snapshot.record_round(&round(2, 10, &Summary { failed: true, ..Summary::default() })).expect("writes");
    snapshot.record_round(&round(3, 25, &Summary { created: 2, held: 12, ..Summary::default() })).expect("writes");
    mirror
}

fn told(mirror: &OwnMirror) -> String {
    MirrorStatus::of(mirror).expect("is readable").text(NOW)
}

#[test]
fn a_mirror_with_nothing_to_say_says_so() {
    let expected = "\
/home/u/photos -> /backup/local/photos
  last round         none
  rounds before      none
  mirror             0 files (0 B) at revision 0
  pending            none
  held               none
  problems           none
  deferred           none
  refused            none
  oldest unverified  none
";
    assert_eq!(told(&mirror(b"/home/u/photos")), expected);
}

#[test]
fn people_read_what_happened_what_waits_and_what_to_type() {
    let text = told(&busy());
    for line in [
        "last round         7 minutes ago (2026-01-02T02:57:05Z): exit 25, done, but deletes are held: 2 created, 12 held",
        "rounds before      2026-01-02T02:56:05Z: exit 10, receiver not reachable, try later",
        "                   2026-01-02T02:55:05Z: nothing changed",
        "held               abababababab: 12 changes, 240 files would cease to exist, since 1 hour ago (2026-01-02T02:04:05Z)",
        "                     - old/000 (20 files)",
        "                     and 2 more (--json shows all)",
        "`roundsman approve abababababab`",
        "problems           secret: cannot open the directory: Permission denied, since 2 hours ago (2026-01-02T01:04:05Z)",
        "deferred           log\\n: it changes while it is read, since 2 hours ago (2026-01-02T01:04:05Z), next try in 3 minutes",
        "refused            refused\\xff: no room, since 2 hours ago",
    ] {
        assert!(text.contains(line), "{line}\nin\n{text}");
    }
    assert!(!text.contains("old/010"), "{text}");
}

#[test]
fn a_decision_is_shown_with_what_happens_next() {
    let mirror = busy();
    for (decision, words) in [
        (Decision::Approved, "approved 1 minute ago (2026-01-02T03:03:05Z): the next round lets it go"),
        (Decision::Rejected, "rejected 1 minute ago (2026-01-02T03:03:05Z): it stays at the mirror"),
    ] {
        mirror.snapshot.decide(&held(0xab, 12).digest, decision, ago(60)).expect("writes");
        assert!(told(&mirror).contains(words), "{words} in\n{}", told(&mirror));
    }
}

#[test]
fn programs_read_the_same_under_stable_names() {
    let json = serde_json::to_value(MirrorStatus::of(&busy()).expect("is readable")).expect("is JSON");
    assert_eq!(json["message_type"], "mirror");
    assert_eq!(json["source"], "/home/u/photos");
    assert_eq!(json["rounds"][0]["exit_code"], 25);
    assert_eq!(json["rounds"][0]["summary"]["created"], 2);
    assert_eq!(json["rounds"][0]["finished"], "2026-01-02T02:57:05Z");
    assert_eq!(json["held"][0]["digest"], "abababababab");
    assert_eq!(json["held"][0]["decision"], serde_json::Value::Null);
    assert_eq!(json["held"][0]["changes"].as_array().expect("a list").len(), 12);
    assert_eq!(json["held"][0]["changes"][0]["change"], "deleted");
    assert_eq!(json["refused"][0]["path_base64"], "cmVmdXNlZP8=");
    assert_eq!(json["deferred"][0]["path"], "log\n");
    let fields = "mirror place revision acknowledged files bytes pending problems oldest_unverified";
    for field in fields.split_whitespace() {
        assert!(json.get(field).is_some(), "{field} in {json}");
    }
}

#[test]
fn a_source_that_is_not_utf8_is_escaped_for_people_and_exact_for_programs() {
    let status = MirrorStatus::of(&mirror(b"/caf\xe9")).expect("is readable");
    assert!(status.text(NOW).starts_with("/caf\\xe9 -> "));
    assert_eq!(serde_json::to_value(status).expect("is JSON")["source_base64"], "L2NhZuk=");
}
