//! What first contact means, for each way in which two heads can stand to each other.

use protocol::{Lineage, RevisionDigest};

use super::*;

const MINE: Lineage = Lineage::from_bytes([1; 16]);
const OTHER: Lineage = Lineage::from_bytes([2; 16]);
const STORE: StoreId = StoreId::from_bytes([7; 16]);
const OTHER_STORE: StoreId = StoreId::from_bytes([8; 16]);
const GENESIS: Head = Head::genesis();

fn digest(byte: u8) -> RevisionDigest {
    RevisionDigest::from_bytes([byte; 32])
}

/// A head whose digest tells its number and branch apart.
fn head(number: u8, branch: u8) -> Head {
    Head { number: u64::from(number), digest: digest(number * 16 + branch) }
}

fn at(mine: Head) -> Standing {
    let store = (mine != GENESIS).then_some(STORE);
    Standing { lineage: MINE, head: mine, store, in_flight: None }
}

fn reply(theirs: Head, head_lineage: Lineage, in_chain: bool) -> ContactReply {
    let head_lineage = (theirs != GENESIS).then_some(head_lineage);
    ContactReply {
        head: theirs,
        head_lineage,
        in_chain,
        superseded_at: None,
        source: None,
        wanted: vec![],
        is_empty: false,
        ended_files: 0,
        files: 0,
    }
}

fn superseded(at: u64, reply: ContactReply) -> ContactReply {
    ContactReply { superseded_at: Some(at), ..reply }
}

fn take_over(fork: Head, then: Then) -> Next {
    Next::TakeOver { fork, then }
}

#[test]
fn the_same_head_goes_on_whoever_wrote_it() {
    assert_eq!(decide(&at(head(5, 0)), STORE, &reply(head(5, 0), MINE, true)), Next::GoOn);
    assert_eq!(decide(&at(head(5, 0)), STORE, &reply(head(5, 0), OTHER, true)), Next::GoOn);
    assert_eq!(decide(&at(GENESIS), STORE, &reply(GENESIS, MINE, true)), Next::GoOn);
}

#[test]
fn a_commit_that_never_arrived_changes_nothing() {
    let standing = Standing { in_flight: Some(digest(99)), ..at(head(5, 0)) };
    assert_eq!(decide(&standing, STORE, &reply(head(5, 0), MINE, true)), Next::GoOn);
}

#[test]
fn the_digest_in_flight_as_head_is_the_acknowledgement() {
    let standing = Standing { in_flight: Some(head(6, 0).digest), ..at(head(5, 0)) };
    let acknowledged = Next::Acknowledged { head: head(6, 0) };
    assert_eq!(decide(&standing, STORE, &reply(head(6, 0), MINE, true)), acknowledged);
    let first = Standing { in_flight: Some(head(1, 0).digest), ..at(GENESIS) };
    assert_eq!(decide(&first, STORE, &reply(head(1, 0), MINE, true)), Next::Acknowledged { head: head(1, 0) });
}

#[test]
fn revisions_past_mine_that_i_did_not_write_down_are_taken_over_and_caught_up() {
    for lineage in [MINE, OTHER] {
        let next = decide(&at(head(5, 0)), STORE, &reply(head(7, 0), lineage, true));
        assert_eq!(next, take_over(head(5, 0), Then::CatchUp));
    }
    let overtaken = Standing { in_flight: Some(head(6, 0).digest), ..at(head(5, 0)) };
    let next = decide(&overtaken, STORE, &reply(head(7, 0), OTHER, true));
    assert_eq!(next, take_over(head(5, 0), Then::CatchUp), "my batch arrived, and more after it");
}

#[test]
fn a_new_state_directory_takes_over_a_mirror_and_reads_its_manifest() {
    for in_chain in [true, false] {
        let next = decide(&at(GENESIS), STORE, &reply(head(7, 0), OTHER, in_chain));
        assert_eq!(next, take_over(GENESIS, Then::Reconcile));
    }
}

#[test]
fn a_superseded_client_that_wrote_past_the_fork_is_fenced_whatever_else_holds() {
    let mine = at(head(6, 0));
    for theirs in [head(6, 0), head(9, 1), head(3, 1), GENESIS] {
        for in_chain in [true, false] {
            let reply = superseded(5, reply(theirs, OTHER, in_chain));
            assert_eq!(decide(&mine, STORE, &reply), Next::Fenced { at: 5 }, "{theirs:?}");
            assert_eq!(decide(&mine, OTHER_STORE, &reply), Next::Fenced { at: 5 }, "{theirs:?}");
        }
    }
    let in_flight = Standing { in_flight: Some(head(6, 0).digest), ..at(head(5, 0)) };
    let reply = superseded(5, reply(head(6, 0), MINE, true));
    assert_eq!(decide(&in_flight, STORE, &reply), Next::Fenced { at: 5 }, "its batch past the fork had arrived");
}

#[test]
fn a_superseded_client_that_wrote_nothing_since_the_fork_may_take_over_in_its_turn() {
    let same = superseded(5, reply(head(5, 0), OTHER, true));
    assert_eq!(decide(&at(head(5, 0)), STORE, &same), take_over(head(5, 0), Then::GoOn));
    let ahead = superseded(5, reply(head(8, 0), OTHER, true));
    assert_eq!(decide(&at(head(5, 0)), STORE, &ahead), take_over(head(5, 0), Then::CatchUp));
    assert_eq!(decide(&at(head(4, 0)), STORE, &ahead), take_over(head(4, 0), Then::CatchUp));
    let apart = superseded(9, reply(head(5, 1), MINE, false));
    assert_eq!(decide(&at(head(8, 0)), STORE, &apart), take_over(GENESIS, Then::Reconcile));
}

#[test]
fn a_receiver_restored_from_a_backup_is_reconciled_without_takeover() {
    assert_eq!(decide(&at(head(8, 0)), STORE, &reply(head(5, 0), MINE, false)), Next::Reconcile);
}

#[test]
fn an_emptied_or_new_mirror_is_reconciled_without_takeover() {
    assert_eq!(decide(&at(head(8, 0)), STORE, &reply(GENESIS, MINE, false)), Next::Reconcile);
    assert_eq!(decide(&at(head(8, 0)), OTHER_STORE, &reply(GENESIS, MINE, false)), Next::Reconcile);
}

#[test]
fn a_diverged_mirror_is_taken_over_from_the_beginning() {
    for (theirs, lineage) in [(head(5, 1), OTHER), (head(8, 1), MINE), (head(9, 1), MINE), (head(9, 1), OTHER)] {
        let next = decide(&at(head(8, 0)), STORE, &reply(theirs, lineage, false));
        assert_eq!(next, take_over(GENESIS, Then::Reconcile), "{theirs:?} {lineage:?}");
    }
}

#[test]
fn another_store_shares_no_chain_with_me() {
    let next = |theirs, lineage| decide(&at(head(5, 0)), OTHER_STORE, &reply(theirs, lineage, true));
    assert_eq!(next(head(5, 0), OTHER), take_over(GENESIS, Then::Reconcile));
    assert_eq!(next(head(7, 0), MINE), take_over(GENESIS, Then::Reconcile));
    assert_eq!(next(head(3, 0), MINE), Next::Reconcile, "an older copy of my own");
}

#[test]
fn a_chain_that_holds_my_head_but_ends_before_it_is_not_believed() {
    let next = decide(&at(head(8, 0)), STORE, &reply(head(5, 0), OTHER, true));
    assert_eq!(next, take_over(GENESIS, Then::Reconcile));
}

#[test]
fn the_takeover_command_takes_over_also_where_fenced() {
    let fenced = superseded(5, reply(head(9, 0), OTHER, false));
    assert_eq!(seize(&at(head(6, 0)), STORE, &fenced), take_over(GENESIS, Then::Reconcile));
    let same = reply(head(6, 0), MINE, true);
    assert_eq!(seize(&at(head(6, 0)), STORE, &same), take_over(head(6, 0), Then::GoOn));
    let ahead = superseded(3, reply(head(9, 0), OTHER, true));
    assert_eq!(seize(&at(head(6, 0)), STORE, &ahead), take_over(head(6, 0), Then::CatchUp));
    assert_eq!(seize(&at(GENESIS), STORE, &reply(GENESIS, MINE, true)), Next::GoOn);
    assert_eq!(seize(&at(head(6, 0)), STORE, &reply(GENESIS, MINE, false)), Next::Reconcile);
}
