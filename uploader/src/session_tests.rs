//! A session from first contact to the last acknowledgement, with a model of a receiver.

use std::sync::Arc;

use protocol::wire::{ListAt, Request, Response};

use super::*;
use crate::test_support::{Client, ModelReceiver, Script, create, file, tree};
use crate::{CallError, Transport, TransportError};

const TEXTS: &[&str] = &["1", "2", "3", "4"];

fn client(lineage: u8, receiver: &Arc<ModelReceiver>) -> Client {
    Client::new(lineage, receiver.clone()).with(TEXTS)
}

/// A client that has delivered three revisions.
fn established(receiver: &Arc<ModelReceiver>) -> Client {
    let client = client(1, receiver);
    let source = tree(&["a=1", "b=2", "c=3"]);
    let delivery = client.round(&source, 1).expect("a well receiver");
    assert_eq!(delivery.head, Some(receiver.head()));
    assert_eq!(receiver.head().number, 3);
    client
}

fn in_step(client: &Client, receiver: &ModelReceiver) {
    let kept = client.ledger.kept();
    assert_eq!((kept.standing.head, &kept.tree), (receiver.head(), &receiver.tree()));
    assert_eq!(kept.standing.in_flight, None);
}

#[test]
fn first_contact_with_a_new_mirror_learns_who_answers() {
    let receiver = ModelReceiver::new();
    let client = client(1, &receiver);
    let contacted = client.contact().expect("a well receiver");
    assert_eq!((contacted.how, contacted.is_empty, contacted.source), (Next::GoOn, true, None));
    assert_eq!(client.ledger.kept().standing.store, Some(contacted.store));
    assert_eq!(receiver.state().routes, ["hello"]);
}

#[test]
fn a_receiver_that_answers_no_contact_in_its_hello_is_asked_by_itself() {
    let receiver = ModelReceiver::new();
    receiver.state().answers_no_contact_in_hello = true;
    let client = client(1, &receiver);
    assert_eq!(client.contact().expect("a well receiver").how, Next::GoOn);
    assert_eq!(receiver.state().routes, ["hello", "contact"]);
}

#[test]
fn a_claim_is_told_at_the_next_contact() {
    let receiver = ModelReceiver::new();
    let client = client(1, &receiver);
    let source = Source { path: b"/home".to_vec().into(), identity: b"fs 1".to_vec().into(), host: "here".to_owned() };
    claim(&client.caller(), &client.mirror, source.clone(), None).expect("nobody else claimed it");
    assert_eq!(client.contact().expect("a well receiver").source, Some(source));
}

#[test]
fn contact_tells_how_many_files_there_are_and_how_many_ended() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    client.round(&tree(&["a=1"]), 9).expect("a well receiver");
    let contacted = client.contact().expect("a well receiver");
    assert_eq!((contacted.ended_files, contacted.files), (2, 1));
}

#[test]
fn a_meeting_shows_whose_copy_the_mirror_is_before_anything_is_taken_over() {
    let receiver = ModelReceiver::new();
    let owner = established(&receiver);
    let source = Source { path: b"/a".to_vec().into(), identity: b"1".to_vec().into(), host: "here".to_owned() };
    claim(&owner.caller(), &owner.mirror, source.clone(), None).expect("nobody else claimed it");
    let stranger = client(9, &receiver);
    let caller = stranger.caller();
    let meeting = meet(&caller, &stranger.mirror, &stranger.ledger).expect("a well receiver");
    assert_eq!(meeting.source(), Some(&source));
    drop(meeting);
    assert!(receiver.state().superseded.is_empty());
    assert_eq!(owner.contact().expect("nobody took over").how, Next::GoOn);
}

#[test]
fn a_lost_answer_to_a_commit_is_an_acknowledgement_at_the_next_contact() {
    let receiver = ModelReceiver::new();
    let deaf = receiver.clone();
    let lost = Script::new(&receiver, move |request| match request {
        Request::Commit(_) => {
            deaf.call(request).expect("a well receiver");
            Some(Err(TransportError::Interrupted { source: "cut".into() }))
        }
        _ => None,
    });
    let mut client = Client::new(1, lost).with(TEXTS);
    let (_, ended) = client.deliver(vec![create("a", file("1")), create("b", file("2"))], 9);
    assert!(matches!(ended, Err(DeliverError::Call(CallError::Unreachable(_)))), "{ended:?}");
    assert_eq!(client.ledger.kept().standing.head, Head::genesis());
    client.transport = receiver.clone();
    assert_eq!(client.contact().expect("well again").how, Next::Acknowledged { head: receiver.head() });
    in_step(&client, &receiver);
    assert!(receiver.state().superseded.is_empty());
}

#[test]
fn a_state_directory_rolled_back_takes_over_and_catches_up() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    let old = client.ledger.kept().clone();
    client.round(&tree(&["a=2", "c=3", "d=4"]), 1).expect("a well receiver");
    *client.ledger.kept() = old.clone();
    let contacted = client.contact().expect("a well receiver");
    assert_eq!(contacted.how, Next::TakeOver { fork: old.standing.head, then: Then::CatchUp });
    in_step(&client, &receiver);
    let lineage = client.ledger.kept().standing.lineage;
    assert_ne!(lineage, old.standing.lineage);
    assert!(receiver.state().superseded.contains_key(&old.standing.lineage));
    client.round(&tree(&["a=1"]), 9).expect("it writes under its new lineage");
    assert_eq!(receiver.tree(), tree(&["a=1"]));
}

#[test]
fn a_lost_state_directory_is_rebuilt_from_the_manifest() {
    let receiver = ModelReceiver::new();
    established(&receiver);
    let anew = client(9, &receiver);
    let contacted = anew.contact().expect("a well receiver");
    assert_eq!(contacted.how, Next::TakeOver { fork: Head::genesis(), then: Then::Reconcile });
    in_step(&anew, &receiver);
    assert_eq!(anew.contact().expect("a well receiver").how, Next::GoOn);
}

#[test]
fn of_two_clients_with_one_state_the_one_left_behind_is_fenced_until_a_person_decides() {
    let receiver = ModelReceiver::new();
    let first = established(&receiver);
    let second = first.copied(receiver.clone()).with(TEXTS);
    first.round(&tree(&["a=1"]), 9).expect("it is the one");
    second.round(&tree(&["a=4"]), 9).expect("to it, the other's revision is lost state");
    assert!(matches!(first.contact(), Err(DeliverError::Fenced { at: 3 })));
    assert_eq!(receiver.tree(), tree(&["a=4"]), "the fenced one wrote nothing");

    let contacted = first.take_over().expect("a person decided");
    assert!(matches!(contacted.how, Next::TakeOver { .. }));
    in_step(&first, &receiver);
    first.round(&tree(&["a=1"]), 9).expect("it writes again");
    assert!(matches!(second.contact(), Err(DeliverError::Fenced { .. })));
}

#[test]
fn a_receiver_restored_from_a_backup_is_reconciled_and_nobody_fenced() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    receiver.state().chain.truncate(2);
    assert_eq!(client.contact().expect("a well receiver").how, Next::Reconcile);
    in_step(&client, &receiver);
    assert!(receiver.state().superseded.is_empty());
    client.round(&tree(&["a=1", "b=2", "c=3"]), 9).expect("what is missing is delivered again");
    assert_eq!(receiver.tree(), tree(&["a=1", "b=2", "c=3"]));
}

#[test]
fn an_emptied_receiver_is_reconciled_without_asking_for_a_manifest() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    let emptied = ModelReceiver::new();
    emptied.state().store = StoreId::from_bytes([2; 16]);
    let client = Client { transport: emptied.clone(), ..client };
    assert_eq!(client.contact().expect("a well receiver").how, Next::Reconcile);
    in_step(&client, &emptied);
    assert_eq!(emptied.state().routes, ["hello"]);
}

#[test]
fn a_manifest_that_breaks_off_changes_nothing() {
    let receiver = ModelReceiver::new();
    established(&receiver);
    let mut pages = 0;
    let cut = Script::new(&receiver, move |request| match request {
        Request::ListAt(_) if pages == 1 => Some(Err(TransportError::Protocol("half a page".to_owned()))),
        Request::ListAt(_) => {
            pages += 1;
            None
        }
        _ => None,
    });
    let anew = Client::new(9, cut);
    assert!(matches!(anew.contact(), Err(DeliverError::Call(CallError::Protocol(_)))));
    let kept = anew.ledger.kept();
    assert!(kept.tree.is_empty());
    assert_eq!(kept.standing.head, Head::genesis());
}

#[test]
fn pages_of_a_manifest_that_do_not_belong_together_are_refused() {
    let receiver = ModelReceiver::new();
    established(&receiver);
    let moving = receiver.clone();
    let script = Script::new(&receiver, move |request| {
        let Request::ListAt(ListAt { after: Some(_), .. }) = request else { return None };
        let mut answer = moving.call(request);
        if let Ok(Response::ListAt(page)) = &mut answer {
            page.revision.number += 1;
        }
        Some(answer)
    });
    assert!(matches!(Client::new(9, script).contact(), Err(DeliverError::Protocol(_))));
}

#[test]
fn changes_that_do_not_fit_the_snapshot_rebuild_it() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    let old = client.ledger.kept().clone();
    client.round(&tree(&["a=1"]), 9).expect("a well receiver");
    *client.ledger.kept() = crate::test_support::Kept { tree: tree(&["nonsense=1"]), ..old };
    client.contact().expect("healed");
    in_step(&client, &receiver);
}

#[test]
fn a_receiver_of_another_age_is_refused_by_its_versions() {
    let receiver = ModelReceiver::new();
    receiver.state().protocol = (2, 3);
    assert!(matches!(client(1, &receiver).contact(), Err(DeliverError::Version { min: 2, max: 3 })));
    receiver.state().protocol = (1, 3);
    assert!(client(1, &receiver).contact().is_ok());
}

#[test]
fn a_takeover_whose_answer_was_lost_is_made_again() {
    let receiver = ModelReceiver::new();
    let client = established(&receiver);
    let old = client.ledger.kept().clone();
    client.round(&tree(&["a=1"]), 9).expect("a well receiver");
    *client.ledger.kept() = old;
    let deaf = receiver.clone();
    let lost = Script::new(&receiver, move |request| match request {
        Request::TakeOver(_) => {
            deaf.call(request).expect("a well receiver");
            Some(Err(TransportError::Interrupted { source: "cut".into() }))
        }
        _ => None,
    });
    let client = Client { transport: lost, ..client };
    assert!(client.contact().is_err());
    let client = Client { transport: receiver.clone(), ..client };
    client.contact().expect("it wrote nothing past the fork");
    in_step(&client, &receiver);
    client.round(&tree(&["a=2"]), 9).expect("and may write");
}
