//! What a round notes for the next one.

use crate::place::Place;
use crate::testing::{create, file, head, path};

use super::*;

#[test]
fn notes_are_kept_and_not_written_twice() {
    let place = Place::new();
    let snapshot = place.open().snapshot;
    assert_eq!((snapshot.way().expect("readable"), snapshot.scrub_balance().expect("readable")), (None, None));
    let at = Timestamp::from_nanos(-1);
    snapshot.set_way("{\"to\":\"here\"}").expect("noted");
    snapshot.set_scrub_balance(at, i64::MIN).expect("noted");

    let busy = place.busy();
    assert_eq!(busy.way().expect("readable").as_deref(), Some("{\"to\":\"here\"}"));
    assert_eq!(busy.scrub_balance().expect("readable"), Some((at, i64::MIN)));
    busy.set_way("{\"to\":\"here\"}").expect("nothing to write");
    busy.set_scrub_balance(at, i64::MIN).expect("nothing to write");
    busy.set_way("elsewhere").expect_err("would be written");
    busy.set_scrub_balance(at, 0).expect_err("would be written");
}

/// All that `status` and `why` ask for.
fn ask_everything(snapshot: &Snapshot) {
    assert!(snapshot.row_at(&path("a")).expect("readable").is_some());
    snapshot.known().expect("readable");
    snapshot.held_lists().expect("readable");
    snapshot.let_go().expect("readable");
    snapshot.released_since(Timestamp::from_nanos(0), Timestamp::from_nanos(1)).expect("readable");
    snapshot.last_rounds(10).expect("readable");
    snapshot.last_acknowledgement().expect("readable");
    snapshot.scrub_balance().expect("readable");
    snapshot.way().expect("readable");
    snapshot.pending().expect("readable");
    snapshot.oldest_verified().expect("readable");
    snapshot.counts().expect("readable");
}

#[test]
fn all_that_people_ask_for_is_read_without_making_a_file_beside_a_round_or_alone() {
    let place = Place::new();
    let writer = place.open().snapshot;
    writer.acknowledge(head(1), &[create("a", file("1"))]).expect("fits");
    let look = || {
        let before = place.listing();
        ask_everything(&place.look());
        assert_eq!(place.listing(), before);
        before.len()
    };
    assert_eq!(look(), 3, "beside a round, its log is read as well");
    drop(writer);
    assert_eq!(look(), 1);
}
