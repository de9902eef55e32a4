//! When what changes by itself stops being evidence.

use protocol::{ContentId, Name, Timestamp};
use seams::fs::FileKind;
use seams::recorded::Trust;

use super::*;
use crate::fingerprint::tests::reading;

const BOTH: Weight = Weight { inode: true, ctime: true };

fn stat() -> Stat {
    let time = Timestamp::from_nanos(5);
    Stat {
        kind: FileKind::File,
        mode: 0o644,
        size: 3,
        mtime: time,
        ctime: time,
        inode: 7,
        device: 1,
        links: 1,
        uid: 0,
        gid: 0,
    }
}

fn row() -> Row {
    let entry = Entry::File { metadata: metadata(&stat()), size: 3, content: ContentId::of(b"") };
    let name = Name::parse(b"a").expect("valid in this test");
    let reading = Some(reading((&stat()).into(), Trust::Proven));
    Row { name, directory: None, acknowledged: Some(entry), inode: None, reading }
}

/// The tally of so many files that were read and found the same, with this stat.
fn tally(files: u64, weight: Weight, now: &Stat) -> Tally {
    let mut tally = Tally::default();
    for _ in 0..files {
        tally.read(weight, &row(), true, now);
    }
    tally
}

#[test]
fn only_equal_bytes_with_one_part_of_the_evidence_changed_show_a_habit() {
    let renumbered = Stat { inode: 8, ..stat() };
    let restamped = Stat { ctime: Timestamp::from_nanos(6), ..stat() };
    let counts = |tally: Tally| (tally.known, tally.renumbered, tally.restamped);
    assert_eq!(counts(tally(1, BOTH, &renumbered)), (1, 1, 0));
    assert_eq!(counts(tally(1, BOTH, &restamped)), (1, 0, 1));
    assert_eq!(counts(tally(1, BOTH, &Stat { inode: 8, ..restamped })), (1, 0, 0), "a restored file");
    assert_eq!(counts(tally(1, BOTH, &Stat { mtime: Timestamp::from_nanos(6), ..renumbered })), (1, 0, 0));
    assert_eq!(counts(tally(1, BOTH, &Stat { mode: 0o600, ..restamped })), (1, 0, 0), "chmod renews a ctime");
    assert_eq!(counts(tally(1, BOTH, &Stat { uid: 5, ..restamped })), (1, 0, 0), "and so does chown");
    let mut edited = Tally::default();
    edited.read(BOTH, &row(), false, &renumbered);
    assert_eq!(counts(edited), (1, 0, 0));
    let no_inodes = Weight { inode: false, ctime: true };
    assert_eq!(counts(tally(1, no_inodes, &Stat { inode: 8, ..restamped })), (1, 0, 1), "inodes do not count there");
}

#[test]
fn a_streak_grows_by_most_files_of_a_round_and_breaks_when_they_hold() {
    let renumbered = tally(17, BOTH, &Stat { inode: 8, ..stat() });
    let habits = |rounds| Habits { inode_rounds: rounds, ctime_rounds: 0 };
    assert_eq!(renumbered.next(habits(0)), habits(1));
    assert_eq!(renumbered.next(habits(1)), habits(2));
    assert_eq!(Tally { known: 17, ..Tally::default() }.next(habits(1)), habits(0), "the inodes held");
    assert_eq!(Tally { known: 15, ..Tally::default() }.next(habits(1)), habits(1), "too few to say anything");
    assert_eq!(tally(15, BOTH, &Stat { inode: 8, ..stat() }).next(habits(1)), habits(1), "too few to say anything");
    assert_eq!(Tally { known: 34, ..renumbered }.next(habits(1)), habits(0), "not more than half of them");
    assert_eq!(Tally { known: 33, ..renumbered }.next(habits(1)), habits(2));
}

#[test]
fn what_is_no_evidence_any_more_stays_so_until_a_full_round() {
    let key = FilesystemKey(b"fuse\0x".to_vec());
    let known = BTreeMap::from([(key.clone(), Habits { inode_rounds: 2, ctime_rounds: 3 })]);
    let observed = || {
        let observed = Observed::default();
        observed.add(key.clone(), Tally { known: 1000, ..Tally::default() });
        observed
    };
    assert_eq!(observed().learned(&known, false), BTreeMap::new());
    assert_eq!(observed().learned(&known, true), BTreeMap::from([(key.clone(), Habits::default())]));
}

#[test]
fn evidence_counts_until_a_habit_a_rule_or_the_kind_of_file_system_speaks_against_it() {
    let identity = FilesystemIdentity { kind: "fuse".to_owned(), id: vec![], local: true, stable_inodes: true };
    let weight = |rules: Rules, inode_rounds, ctime_rounds| {
        let Weight { inode, ctime } = Weight::of(&rules, &identity, Habits { inode_rounds, ctime_rounds });
        (inode, ctime)
    };
    assert_eq!(weight(Rules::default(), 1, 2), (true, true));
    assert_eq!(weight(Rules::default(), 2, 0), (false, true));
    assert_eq!(weight(Rules::default(), 0, 3), (true, false));
    assert_eq!(weight(Rules { ignore_inodes: true, ..Rules::default() }, 0, 0), (false, true));
    assert_eq!(weight(Rules { ignore_ctimes: true, ..Rules::default() }, 0, 0), (true, false));
    let unstable = FilesystemIdentity { stable_inodes: false, ..identity.clone() };
    assert!(!Weight::of(&Rules::default(), &unstable, Habits::default()).inode);
}
