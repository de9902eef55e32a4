//! Batches become revisions, whatever fails on the way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use protocol::wire::{Proposed, Request, Response};
use protocol::{Metadata, RefusalReason, Refused, RevisionDigest, Timestamp, Tree};
use seams::random::{Random, SeededRandom};

use super::*;
use crate::attempt::MAX_FILLS;
use crate::test_support::{
    Client, Flaky, ModelReceiver, Script, World, create, delete, directory, file, interrupted, moved, path, tree,
};
use crate::{CallError, Transport};

const TEXTS: &[&str] = &["", "1", "22", "333", "a text longer than one of the model's tiny frames"];

fn client(receiver: &Arc<ModelReceiver>) -> Client {
    Client::new(1, receiver.clone()).with(TEXTS)
}

fn whys(delivery: &Delivery) -> Vec<String> {
    delivery.left_out.iter().map(|left| format!("{}: {}", left.change.path(), left.why)).collect()
}

fn routes(receiver: &ModelReceiver, route: &str) -> usize {
    receiver.state().routes.iter().filter(|seen| **seen == route).count()
}

fn in_step(client: &Client, receiver: &ModelReceiver) {
    let kept = client.ledger.kept();
    assert_eq!((kept.standing.head, &kept.tree), (receiver.head(), &receiver.tree()));
}

#[test]
fn batches_become_revisions_and_the_ledger_follows() {
    let receiver = ModelReceiver::new();
    let client = client(&receiver);
    let plan =
        vec![create("d", directory()), create("d/x", file(TEXTS[4])), create("y", file("")), create("z", file("1"))];
    let (delivery, ended) = client.deliver(plan.clone(), 2);
    ended.expect("a well receiver");
    assert_eq!(delivery.delivered, plan);
    assert_eq!((delivery.head, delivery.stopped, delivery.left_out.len()), (Some(receiver.head()), false, 0));
    assert_eq!(receiver.head().number, 2);
    assert_eq!(receiver.tree(), tree(&["d/", &format!("d/x={}", TEXTS[4]), "y=", "z=1"]));
    in_step(&client, &receiver);
}

#[test]
fn without_changes_nothing_is_sent() {
    let receiver = ModelReceiver::new();
    let (delivery, ended) = client(&receiver).deliver(Vec::new(), 9);
    ended.expect("nothing to fail");
    assert_eq!(delivery.head, None);
    assert!(receiver.state().routes.is_empty());
}

#[test]
fn what_the_receiver_has_is_not_sent_again_and_small_files_share_frames() {
    let receiver = ModelReceiver::new();
    let client = client(&receiver);
    client.deliver(vec![create("a", file("1")), create("b", file("22")), create("c", file("333"))], 9).1.expect("well");
    assert_eq!(routes(&receiver, "fill"), 1);
    client.deliver(vec![create("copy", file("333")), moved("a", "moved", file("1"))], 9).1.expect("well");
    assert_eq!(routes(&receiver, "fill"), 1);
    in_step(&client, &receiver);
}

#[test]
fn a_digest_is_written_down_before_its_commit_is_sent() {
    let receiver = ModelReceiver::new();
    let lost = Script::new(&receiver, |request| matches!(request, Request::Commit(_)).then(|| Err(interrupted())));
    let client = Client::new(1, lost.clone()).with(TEXTS);
    let plan = vec![create("a", file("1"))];
    let (delivery, ended) = client.deliver(plan.clone(), 9);
    assert!(matches!(ended, Err(DeliverError::Call(CallError::Unreachable(_)))));
    assert_eq!((delivery.head, delivery.delivered.len()), (None, 0));
    let kept = client.ledger.kept();
    assert_eq!(kept.standing.in_flight, Some(Head::genesis().after(&plan).digest));
    assert_eq!(kept.standing.head, Head::genesis(), "unanswered is not acknowledged");
}

#[test]
fn a_refused_change_costs_itself_and_what_depends_on_it() {
    let receiver = ModelReceiver::new();
    receiver.state().not_storable = vec![path("bad")];
    let client = client(&receiver);
    let plan = vec![
        create("bad", directory()),
        create("bad/x", file("1")),
        create("good", file("22")),
        create("bad/y", file("333")),
    ];
    let (delivery, ended) = client.deliver(plan, 2);
    ended.expect("the rest goes on");
    assert_eq!(receiver.tree(), tree(&["good=22"]));
    let refused = delivery.left_out.iter().find(|left| left.change.path() == &path("bad")).expect("left out");
    assert!(matches!(&refused.why, Why::Refused(RefusalReason::NotStorable(_))));
    assert_eq!(
        whys(&delivery)[1..],
        ["bad/x: it depends on a change that was left out", "bad/y: it depends on a change that was left out"]
    );
    in_step(&client, &receiver);
}

#[test]
fn a_file_that_changes_or_cannot_be_read_costs_the_changes_that_name_it() {
    let receiver = ModelReceiver::new();
    let mut client = client(&receiver);
    let unreadable = file("unreadable").content().expect("a file").0;
    client.contents.0.insert(unreadable, Err(io::Error::from(io::ErrorKind::PermissionDenied)));
    let plan = vec![
        create("a", file("gone")),
        create("b", file("1")),
        create("c", file("unreadable")),
        create("d", file("gone")),
    ];
    let (delivery, ended) = client.deliver(plan, 9);
    ended.expect("the rest goes on");
    assert_eq!(receiver.tree(), tree(&["b=1"]));
    assert_eq!(
        whys(&delivery),
        [
            "a: the file changed while it was sent",
            "c: the file cannot be read: permission denied",
            "d: the file changed while it was sent"
        ]
    );
}

#[test]
fn bytes_that_are_not_what_their_id_says_never_arrive() {
    let receiver = ModelReceiver::new();
    let mut client = client(&receiver);
    let torn = file("what it was").content().expect("a file").0;
    client.contents.0.insert(torn, Ok(b"what it is!".to_vec()));
    let (delivery, ended) = client.deliver(vec![create("torn", file("what it was")), create("ok", file("1"))], 9);
    ended.expect("the rest goes on");
    assert_eq!(whys(&delivery), ["torn: the file changed while it was sent"]);
    assert_eq!(receiver.tree(), tree(&["ok=1"]));
}

#[test]
fn a_forgotten_proposal_is_made_again_but_not_for_ever() {
    let receiver = ModelReceiver::new();
    receiver.state().forget = 4;
    let client = client(&receiver);
    client.deliver(vec![create("a", file("1"))], 9).1.expect("remembered at last");
    assert_eq!(receiver.tree(), tree(&["a=1"]));
    receiver.state().forget = u32::MAX;
    let ended = client.deliver(vec![create("b", file("22"))], 9).1;
    assert!(matches!(ended, Err(DeliverError::Call(CallError::Problem(_)))));
}

#[test]
fn an_incomplete_commit_is_filled_again_but_not_for_ever() {
    let receiver = ModelReceiver::new();
    receiver.state().incomplete = MAX_FILLS - 1;
    let client = client(&receiver);
    client.deliver(vec![create("a", file("1"))], 9).1.expect("complete at last");
    assert_eq!(routes(&receiver, "fill"), usize::try_from(MAX_FILLS).expect("small"));
    receiver.state().incomplete = MAX_FILLS;
    let (delivery, ended) = client.deliver(vec![create("b", file("22")), create("d", directory())], 9);
    ended.expect("the rest goes on");
    assert_eq!(whys(&delivery), ["b: the receiver could not put its content together"]);
    assert_eq!(receiver.tree(), tree(&["a=1", "d/"]));
}

#[test]
fn a_head_that_moved_ends_the_round() {
    let receiver = ModelReceiver::new();
    let (one, other) = (client(&receiver), Client::new(2, receiver.clone()).with(TEXTS));
    other.deliver(vec![create("theirs", file("1"))], 9).1.expect("well");
    let ended = one.deliver(vec![create("mine", file("1"))], 9).1;
    assert!(matches!(ended, Err(DeliverError::HeadMoved)));
    assert_eq!(receiver.tree(), tree(&["theirs=1"]));
}

#[test]
fn asked_to_stop_the_batch_in_flight_is_finished_and_no_other_begun() {
    let receiver = ModelReceiver::new();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let pulled = stop.clone();
    let script = Script::new(&receiver, move |request| {
        pulled.fetch_or(matches!(request, Request::Fill(_)), Ordering::Relaxed);
        None
    });
    let client = Client { stop, ..Client::new(1, script).with(TEXTS) };
    let (delivery, ended) = client.deliver(vec![create("a", file("1")), create("b", file("22"))], 1);
    ended.expect("in good order");
    assert!(delivery.stopped);
    assert_eq!((delivery.delivered.len(), receiver.tree()), (1, tree(&["a=1"])));
    in_step(&client, &receiver);
}

#[test]
fn a_receiver_that_reckons_another_digest_is_not_believed() {
    let receiver = ModelReceiver::new();
    let wrong = receiver.clone();
    let script = Script::new(&receiver, move |request| {
        let Request::Propose(_) = request else { return None };
        let mut answer = wrong.call(request);
        if let Ok(Response::Propose(Proposed::Open { proposal, .. })) = &mut answer {
            *proposal = RevisionDigest::from_bytes([9; 32]);
        }
        Some(answer)
    });
    let ended = Client::new(1, script).with(TEXTS).deliver(vec![create("a", file("1"))], 9).1;
    assert!(matches!(ended, Err(DeliverError::Protocol(_))));
}

#[test]
fn a_refusal_that_names_nothing_ends_the_round_instead_of_going_in_circles() {
    for refused in [vec![], vec![Refused { index: 1, reason: RefusalReason::Missing }]] {
        let receiver = ModelReceiver::new();
        let script = Script::new(&receiver, move |request| {
            let answer = Response::Propose(Proposed::Refused { refused: refused.clone() });
            matches!(request, Request::Propose(_)).then_some(Ok(answer))
        });
        let ended = Client::new(1, script).with(TEXTS).deliver(vec![create("a", file("1"))], 9).1;
        assert!(matches!(ended, Err(DeliverError::Protocol(_))));
    }
}

#[test]
fn several_threads_fill_what_one_would() {
    let receiver = ModelReceiver::new();
    let client = Client { parallel: Parallel::new(4), ..client(&receiver) };
    let texts: Vec<String> = (0..200).map(|n| format!("the text of file {n}")).collect();
    let client = client.with(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let plan: Vec<Change> = texts.iter().enumerate().map(|(n, text)| create(&format!("f{n:03}"), file(text))).collect();
    let (delivery, ended) = client.deliver(plan.clone(), 1000);
    ended.expect("a well receiver");
    assert_eq!(delivery.delivered.len(), plan.len());
    assert_eq!(receiver.tree().len(), plan.len());
}

#[test]
fn a_failed_fill_begins_no_further_frames() {
    let receiver = ModelReceiver::new();
    let script = Script::new(&receiver, |request| {
        let cut = || Err(crate::TransportError::Protocol("cut".to_owned()));
        matches!(request, Request::Fill(_)).then(cut)
    });
    let client = Client::new(1, script.clone()).with(TEXTS);
    let ended = client.deliver(vec![create("a", file(TEXTS[4]))], 9).1;
    assert!(matches!(ended, Err(DeliverError::Call(CallError::Protocol(_)))));
    let seen = script.seen.lock().expect("not poisoned");
    assert_eq!(seen.iter().filter(|request| matches!(request, Request::Fill(_))).count(), 1);
}

/// A small random tree.
fn random_tree(random: &SeededRandom) -> Tree {
    let mut tree = Tree::new();
    tree.set_root(Metadata { mtime: Timestamp::from_nanos(random.below(3).cast_signed()), ..Metadata::default() });
    for name in ["a", "b", "c", "d"] {
        match random.below(4) {
            0 => {}
            1 => tree.insert(path(name), file(TEXTS[usize::try_from(random.below(5)).expect("small")])),
            _ => {
                tree.insert(path(name), directory());
                for below in ["x", "y"] {
                    if random.below(2) == 0 {
                        let text = TEXTS[usize::try_from(random.below(5)).expect("small")];
                        tree.insert(path(&format!("{name}/{below}")), file(text));
                    }
                }
            }
        }
    }
    tree
}

fn converges(seed: u64, batch: usize) {
    let receiver = ModelReceiver::new();
    let client = Client::new(1, Flaky::new(&receiver, seed)).with(TEXTS);
    let random = SeededRandom::new(seed);
    for _ in 0..4 {
        let source = random_tree(&random);
        let attempts = (0..50).find(|_| client.round(&source, batch).is_ok());
        assert!(attempts.is_some(), "no round came through");
        assert_eq!(receiver.tree(), source);
        in_step(&client, &receiver);
    }
    let numbers: Vec<u64> = receiver.state().chain.iter().map(|revision| revision.head.number).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "each batch took effect once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn over_a_network_that_loses_repeats_and_delays_it_converges(seed: u64, batch in 1usize..6) {
        converges(seed, batch);
    }

    #[test]
    fn whatever_is_refused_no_file_that_the_source_still_has_leaves_the_mirror(seed: u64, edits in 1usize..30, batch in 1usize..6) {
        keeps_what_stays(seed, edits, batch);
    }

    #[test]
    fn whatever_moves_or_is_copied_only_what_the_mirror_never_had_is_read_and_sent(seed: u64, edits in 1usize..30, batch in 1usize..6) {
        sends_only_what_is_new(seed, edits, batch);
    }
}

/// Delivers a history in which equal contents are common, from a source that has no bytes of what the mirror has.
fn sends_only_what_is_new(seed: u64, edits: usize, batch: usize) {
    let random = SeededRandom::new(seed);
    let old = World::random(&random, false);
    let mut new = old.clone();
    (0..edits).for_each(|_| new.step(&random));
    let receiver = ModelReceiver::new();
    let mut client = client(&receiver).with(&["0", "1", "2"]);
    client.round(&old.tree(), 100).expect("a well receiver");
    for content in old.tree().iter().filter_map(|(_, entry)| entry.content()) {
        client.contents.0.remove(&content.0);
    }
    let (delivery, ended) = client.deliver(new.plan_since(&old, &random), batch);
    ended.expect("a well receiver");
    assert_eq!(whys(&delivery), [""; 0]);
    assert_eq!(receiver.tree(), new.tree());
}

/// A plan, short.
fn lines(plan: &[Change]) -> String {
    let line = |change: &Change| match change {
        Change::Move { from, to, .. } => format!("R {from} -> {to}\n"),
        other => format!("{:?} {}\n", other.kind(), other.path()),
    };
    plan.iter().map(line).collect()
}

/// Delivers a history of moves while the receiver refuses some paths.
fn keeps_what_stays(seed: u64, edits: usize, batch: usize) {
    let random = SeededRandom::new(seed);
    let old = World::random(&random, true);
    let mut new = old.clone();
    (0..edits).for_each(|_| new.step(&random));
    let plan = new.plan_since(&old, &random);
    let receiver = ModelReceiver::new();
    let texts: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let client = client(&receiver).with(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    client.round(&old.tree(), 100).expect("a well receiver");
    receiver.state().not_storable = new.paths().into_iter().filter(|_| random.below(6) == 0).collect();
    let (delivery, ended) = client.deliver(plan.clone(), batch);
    ended.expect("the rest goes on");
    assert_eq!(delivery.delivered.len() + delivery.left_out.len(), plan.len());
    in_step(&client, &receiver);
    let there: Vec<_> = receiver.tree().iter().filter_map(|(_, entry)| Some(entry.content()?.0)).collect();
    for content in new.contents_kept_since(&old) {
        assert!(there.contains(&content), "{content:?} is gone: {} {:?}", lines(&plan), whys(&delivery));
    }
    receiver.state().not_storable.clear();
    client.round(&new.tree(), 100).expect("the next round heals");
    assert_eq!(receiver.tree(), new.tree());
}

#[test]
fn a_delete_is_delivered_after_what_moved_out() {
    let receiver = ModelReceiver::new();
    let client = client(&receiver);
    client.deliver(vec![create("d", directory()), create("d/x", file("1"))], 9).1.expect("well");
    client.deliver(vec![delete("d"), moved("d/x", "x", file("1"))], 1).1.expect("well");
    assert_eq!(receiver.tree(), tree(&["x=1"]));
    in_step(&client, &receiver);
}
