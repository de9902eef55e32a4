//! The last rounds, and the last acknowledgement among them.

use super::*;
use crate::testing::{LINEAGE, create, file, head};

fn at(second: i64) -> Timestamp {
    Timestamp::from_parts(second, 0)
}

fn round(number: u8, finished: i64) -> RoundRecord {
    RoundRecord {
        id: RoundId::from_bytes([number; 16]),
        started: at(finished - 1),
        finished: at(finished),
        exit: 25,
        summary: format!(r#"{{"message_type":"summary","created":{number}}}"#),
    }
}

#[test]
fn the_last_hundred_rounds_are_kept_newest_first_also_when_the_clock_went_back() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    for number in 0..=120_u8 {
        snapshot.record_round(&round(number, 1_000_000 - i64::from(number))).expect("recorded");
    }
    let rounds = snapshot.last_rounds(u32::MAX).expect("readable");
    assert_eq!((rounds.len(), rounds[0].clone(), rounds[99].id), (100, round(120, 999_880), round(21, 0).id));
    assert_eq!(snapshot.last_rounds(2).expect("readable"), rounds[..2]);
}

#[test]
fn a_round_recorded_again_is_one_round() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    snapshot.record_round(&round(1, 5)).expect("recorded");
    snapshot.record_round(&RoundRecord { exit: 0, ..round(1, 6) }).expect("recorded");
    assert_eq!(snapshot.last_rounds(9).expect("readable"), [RoundRecord { exit: 0, ..round(1, 6) }]);
}

#[test]
fn the_last_acknowledgement_is_the_end_of_the_round_that_moved_the_head() {
    let snapshot = Snapshot::in_memory(LINEAGE);
    let last = || snapshot.last_acknowledgement().expect("readable");
    snapshot.record_round(&round(1, 5)).expect("recorded");
    assert_eq!(last(), None, "nothing was acknowledged");
    snapshot.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    snapshot.record_round(&round(2, 6)).expect("recorded");
    snapshot.record_round(&round(3, 7)).expect("recorded");
    assert_eq!(last(), Some((head(1), at(6))));
    snapshot.acknowledge(head(2), &[create("b", file("1"))]).expect("fits");
    snapshot.record_round(&round(4, 8)).expect("recorded");
    assert_eq!(last(), Some((head(2), at(8))));
}
