//! What `why` says of paths of a small source on disk, as its snapshot knows them.

use std::path::Path;
use std::time::Duration;

use protocol::{Change, ContentId, Entry, Head, Lineage, Metadata, MirrorName};
use scanner::FilterRules;
use seams::clock::BootId;
use seams::disk::Disk;
use seams::known::{PostponedKind, Postponement};
use seams::memory::ManualClock;
use seams::recorded::{Evidence, Fingerprint, Moment as SeenAt, Reading, Trust};
use snapshot_db::{HeldDigest, HeldList, Snapshot};
use tempfile::TempDir;

use super::*;
use crate::settings::value::To;
use crate::way::Way;

/// Long after the test files were made.
const NOW: Timestamp = Timestamp::from_nanos(9_000_000_000_000_000_000);

/// A source with the file `a` in it, acknowledged and read as it is.
struct Known {
    source: TempDir,
    mirror: OwnMirror,
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid")
}

fn evidence(file: &Path) -> Evidence {
    use std::os::unix::fs::MetadataExt;
    let stat = std::fs::metadata(file).expect("is there");
    let moment = |seconds, nanos: i64| Timestamp::from_parts(seconds, u32::try_from(nanos).expect("below 10^9"));
    Evidence {
        size: stat.size(),
        mtime: moment(stat.mtime(), stat.mtime_nsec()),
        ctime: moment(stat.ctime(), stat.ctime_nsec()),
        inode: stat.ino(),
    }
}

impl Known {
    fn new(exclude: &[&str]) -> Self {
        let source = tempfile::tempdir().expect("a directory");
        std::fs::write(source.path().join("a"), "12345").expect("writes");
        let way = Way {
            source: source.path().into(),
            mirror: MirrorName::parse(b"photos").expect("valid"),
            to: To::Directory("/backup".into()),
            filter: FilterRules {
                exclude: exclude.iter().map(ToString::to_string).collect(),
                ..FilterRules::default()
            },
            one_file_system: false,
            settle: Duration::ZERO,
            ignore_inodes: false,
            ignore_ctimes: false,
        };
        let snapshot = Snapshot::in_memory(Lineage::from_bytes([1; 16]));
        let known = Self { source, mirror: OwnMirror { way, snapshot, path: "/state/p/snapshot.db".into() } };
        known.acknowledge();
        known
    }

    fn acknowledge(&self) {
        use std::os::unix::fs::MetadataExt;
        let stat = std::fs::metadata(self.source.path().join("a")).expect("is there");
        let evidence = evidence(&self.source.path().join("a"));
        let mode = u16::try_from(stat.mode() & 0o7777).expect("twelve bits");
        let (uid, gid) = (stat.uid(), stat.gid());
        let metadata = Metadata { mode, mtime: evidence.mtime, uid, gid, attributes: Vec::new() };
        let content = ContentId::of(b"12345");
        let create = Change::Create { path: path("a"), entry: Entry::File { metadata, size: 5, content } };
        let head = Head { number: 1, ..Head::genesis() };
        self.mirror.snapshot.acknowledge(head, &[create]).expect("fits");
        let seen = SeenAt { boot: BootId([3; 16]), since_boot: Duration::ZERO };
        let reading = Reading {
            evidence,
            fingerprint: Fingerprint([1; 16]),
            content,
            first_seen: seen,
            trust: Trust::Proven,
            verified: NOW.plus_nanos(-60_000_000_000),
        };
        self.mirror.snapshot.record_readings(&[(path("a"), reading)]).expect("writes");
    }

    fn why(&self, about: &str) -> Why {
        Why::of(&self.mirror, &path(about), &Disk, &ManualClock::new(NOW)).expect("can be told")
    }
}

#[track_caller]
fn assert_says(why: &Why, lines: &[&str]) {
    let text = why.text(NOW);
    for line in lines {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn an_unchanged_file_says_what_is_recorded_and_why_it_is_believed() {
    let why = Known::new(&[]).why("a");
    assert_eq!((why.verdict, why.differing.len()), ("unchanged", 0));
    let content = &ContentId::of(b"12345").to_hex()[..12];
    assert_says(
        &why,
        &[
            "a in /",
            " -> /backup/local/photos\n",
            "verdict            unchanged\n",
            "filter             none\n",
            &format!("at the mirror      file, 5 B, content {content}, mode 0"),
            "last read          1 minute ago (",
            "trust              proven: ",
            "now                file, 5 B, mode 0",
            "differs in         none\n",
            "waits              none\n",
            "held               none\n",
        ],
    );
}

#[test]
fn a_file_whose_evidence_moved_would_be_read_and_the_parts_are_named() {
    let known = Known::new(&[]);
    std::fs::write(known.source.path().join("a"), "123456").expect("writes");
    let why = known.why("a");
    assert_eq!(why.verdict, "to_be_read");
    assert!(why.differing.contains(&"size".to_owned()), "{:?}", why.differing);
}

#[test]
fn what_is_gone_new_or_nowhere_is_told_apart() {
    let known = Known::new(&[]);
    std::fs::rename(known.source.path().join("a"), known.source.path().join("b")).expect("renames");
    assert_eq!(["a", "b", "c"].map(|about| known.why(about).verdict), ["gone", "to_be_read", "nowhere"]);
}

#[test]
fn a_rule_that_leaves_it_out_is_named() {
    let why = Known::new(&["/a"]).why("a");
    assert_eq!(why.verdict, "left_out");
    assert_says(&why, &["filter             left out by `/a` in --exclude"]);
}

#[test]
fn what_waits_or_is_held_says_until_when_and_by_what() {
    let known = Known::new(&[]);
    let waits = Postponement {
        kind: PostponedKind::Refused,
        reason: "no room".to_owned(),
        since: NOW.plus_nanos(-7_200_000_000_000),
        tries: 3,
        last_try: NOW,
        next_try: NOW.plus_nanos(240_000_000_000),
    };
    known.mirror.snapshot.set_postponed(&[(path("d/e"), waits)].into()).expect("writes");
    let held = HeldList::new(HeldDigest::from_bytes([0xab; 32]), NOW, vec![(Change::Delete { path: path("d") }, 9)]);
    known.mirror.snapshot.hold(&held).expect("writes");
    assert_says(
        &known.why("d/e"),
        &[
            "waits              no room, since 2 hours ago (",
            "tried 3 times, next in 4 minutes (",
            "by the list abababababab",
        ],
    );
    assert_eq!(known.why("a").held, None);
}

#[test]
fn a_source_that_cannot_be_opened_is_the_answer_and_what_is_recorded_is_told_all_the_same() {
    let mut known = Known::new(&[]);
    known.mirror.way.source = "/no/such/source".into();
    let why = known.why("a");
    assert_eq!(why.verdict, "unknown");
    assert_says(&why, &["cannot be looked at: ", "at the mirror      file, 5 B", "now                none"]);
}

#[test]
fn programs_read_the_same_under_stable_names() {
    let json = serde_json::to_value(Known::new(&[]).why("a")).expect("is JSON");
    assert_eq!(
        (&json["message_type"], &json["path"], &json["verdict"]),
        (&"why".into(), &"a".into(), &"unchanged".into())
    );
    assert_eq!(json["at_mirror"]["size"], 5);
    assert_eq!(json["last_read"]["trusted"], true);
    assert_eq!(json["now"]["kind"], "file");
    assert_eq!(json["last_read"]["mtime_ns"], json["now"]["mtime_ns"]);
    let fields = "source place reason filter differing waits held revision acknowledged";
    for field in fields.split_whitespace() {
        assert!(json.get(field).is_some(), "{field} in {json}");
    }
}
