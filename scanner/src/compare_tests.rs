//! Verdicts on names, from listings and rows.

use protocol::{ContentId, LinkTarget};
use seams::recorded::{DirectoryId, Reading, Trust};

use super::*;
use crate::fingerprint::tests::reading;
use crate::habits::Weight;
use crate::trust::{Margins, Stamps};

const STAMPS: Stamps =
    Stamps { margins: Margins::USUAL, fine: true, local: true, weight: Weight { inode: true, ctime: true } };
const NOW: Timestamp = Timestamp::from_nanos(1_000_000_000_000);

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("valid in this test")
}

fn stat(kind: FileKind) -> Stat {
    let time = Timestamp::from_nanos(5);
    Stat { kind, mode: 0o644, size: 3, mtime: time, ctime: time, inode: 7, device: 1, links: 1, uid: 0, gid: 0 }
}

fn there(text: &str, stat: Stat) -> Listed {
    let target = (stat.kind == FileKind::Symlink).then(|| LinkTarget::parse(b"t").expect("valid"));
    Listed { name: name(text), look: Look::There { stat, stamps: STAMPS, target } }
}

fn file_entry(stat: &Stat) -> Entry {
    Entry::File { metadata: metadata(stat), size: stat.size, content: ContentId::of(b"") }
}

fn row(text: &str, acknowledged: Option<Entry>, reading: Option<Reading>) -> Row {
    Row { name: name(text), directory: None, acknowledged, inode: None, reading }
}

fn read_row(text: &str, stat: &Stat, trust: Trust) -> Row {
    row(text, Some(file_entry(stat)), Some(reading(stat.into(), trust)))
}

/// The verdict on one listed name with one row.
fn verdict(listed: Option<Listed>, row: Option<&Row>, complete: bool) -> Option<String> {
    let listing: Vec<Listed> = listed.into_iter().collect();
    let rows: Vec<Row> = row.into_iter().cloned().collect();
    let verdicts = compare(&listing, &rows, Terms { complete, full: false, now: NOW });
    verdicts.first().map(|(_, verdict)| {
        let text = format!("{verdict:?}");
        text.split([' ', '{']).next().expect("a name").to_owned()
    })
}

fn is(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn equal_and_trusted_evidence_means_not_opened() {
    let stat = stat(FileKind::File);
    assert_eq!(verdict(Some(there("a", stat)), Some(&read_row("a", &stat, Trust::Proven)), true), is("Same"));
    assert_eq!(verdict(Some(there("a", stat)), Some(&read_row("a", &stat, Trust::Unproven)), true), is("Unread"));
}

#[test]
fn each_part_of_the_evidence_causes_a_read_by_itself() {
    let old = stat(FileKind::File);
    let row = read_row("a", &old, Trust::Proven);
    let later = Timestamp::from_nanos(6);
    let changed =
        [Stat { size: 4, ..old }, Stat { mtime: later, ..old }, Stat { ctime: later, ..old }, Stat { inode: 8, ..old }];
    for new in changed {
        assert_eq!(verdict(Some(there("a", new)), Some(&row), true), is("Unread"), "{new:?}");
    }
    let remounted = Stat { device: 2, ..old };
    assert_eq!(verdict(Some(there("a", remounted)), Some(&row), true), is("Same"), "the device is no evidence");
}

#[test]
fn other_metadata_with_the_same_evidence_is_known_without_reading() {
    let old = stat(FileKind::File);
    let new = Stat { uid: 5, ..old };
    assert_eq!(verdict(Some(there("a", new)), Some(&read_row("a", &old, Trust::Proven)), true), is("Differs"));
}

#[test]
fn what_was_read_and_not_delivered_is_not_read_again() {
    let stat = stat(FileKind::File);
    let pending = row("a", None, Some(reading((&stat).into(), Trust::Proven)));
    assert_eq!(verdict(Some(there("a", stat)), Some(&pending), true), is("Differs"));
}

#[test]
fn only_a_complete_listing_makes_a_row_missing() {
    let row = read_row("a", &stat(FileKind::File), Trust::Proven);
    assert_eq!(verdict(None, Some(&row), true), is("Missing"));
    assert_eq!(verdict(None, Some(&row), false), None);
}

#[test]
fn what_is_excluded_or_unknown_is_neither_delivered_nor_deleted() {
    let row = read_row("a", &stat(FileKind::File), Trust::Proven);
    for look in [Look::Excluded, Look::Unknown] {
        assert_eq!(verdict(Some(Listed { name: name("a"), look }), Some(&row), true), None);
    }
}

#[test]
fn what_vanished_is_looked_for_again() {
    let row = read_row("a", &stat(FileKind::File), Trust::Proven);
    let vanished = || Listed { name: name("a"), look: Look::Vanished };
    assert_eq!(verdict(Some(vanished()), Some(&row), true), is("Missing"));
    assert_eq!(verdict(Some(vanished()), None, true), is("Flown"));
}

#[test]
fn directories_symlinks_and_special_files_are_never_read() {
    for (kind, expected) in
        [(FileKind::Directory, "Differs"), (FileKind::Symlink, "Differs"), (FileKind::Special, "Special")]
    {
        assert_eq!(verdict(Some(there("a", stat(kind))), None, true), is(expected));
    }
    let stat = stat(FileKind::Directory);
    let known =
        Row { directory: Some(DirectoryId(1)), ..row("a", Some(Entry::Directory { metadata: metadata(&stat) }), None) };
    assert_eq!(verdict(Some(there("a", stat)), Some(&known), true), is("Same"));
}

#[test]
fn listing_and_rows_are_merged_by_name() {
    let stat = stat(FileKind::File);
    let listing = [there("a", stat), there("c", stat), there("d", stat)];
    let rows =
        [read_row("b", &stat, Trust::Proven), read_row("c", &stat, Trust::Proven), read_row("e", &stat, Trust::Proven)];
    let names: Vec<String> = compare(&listing, &rows, Terms { complete: true, full: false, now: NOW })
        .iter()
        .map(|(name, verdict)| format!("{name} {}", shown(verdict)))
        .collect();
    assert_eq!(names, ["a Unread", "b Missing", "c Same", "d Unread", "e Missing"]);
}

fn shown(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Same { .. } => "Same",
        Verdict::Differs { .. } => "Differs",
        Verdict::Unread { .. } => "Unread",
        Verdict::Missing { .. } => "Missing",
        Verdict::Flown => "Flown",
        Verdict::Special { .. } => "Special",
    }
}
