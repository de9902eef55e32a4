//! What is delivered in path order, between the parts of a plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use protocol::wire::Request;
use protocol::{Change, ChangeKind};
use seams::random::SeededRandom;

use crate::test_support::{
    Client, ModelReceiver, Script, Told, World, create, delete, directory, file, moved, path, tree,
};
use crate::{Delivery, NoBases, Outlook, Parted, Recipes, Sizes, Why, in_order, parted};

const TEXTS: &[&str] = &["1", "22", "333", "4444"];

fn of(changes: usize) -> Sizes {
    Sizes { changes, ..Sizes::default() }
}

fn client(receiver: &Arc<ModelReceiver>) -> Client {
    Client::new(1, receiver.clone()).with(TEXTS)
}

/// Delivers parts as a round does.
fn deliver(client: &Client, parts: Parted, between: Vec<Change>, delivery: &mut Delivery) {
    let (caller, recipes) = (client.caller(), Recipes::new(&NoBases));
    let deliverer = client.deliverer(&caller, &recipes);
    let mut outlook = Outlook::default();
    between.iter().filter_map(Change::entry).for_each(|entry| outlook.add(entry));
    deliverer.deliver(parts.before, delivery).expect("delivered");
    deliverer.deliver_in_order(in_order(between.into_iter(), &of(2)), outlook, delivery).expect("delivered");
    deliverer.deliver(parts.after, delivery).expect("delivered");
}

#[test]
fn of_what_comes_in_order_only_how_far_it_came_is_kept() {
    let receiver = ModelReceiver::new();
    let mut delivery = Delivery::default();
    let parts = parted(vec![create("z", file("1"))], &of(9)).expect("no moves");
    let between = ["a", "b", "c", "d", "e"].map(|name| create(name, file("22"))).to_vec();
    deliver(&client(&receiver), parts, between, &mut delivery);
    assert_eq!((delivery.reached, delivery.delivered), (Some(path("e")), vec![create("z", file("1"))]));
    assert_eq!(receiver.tree(), tree(&["a=22", "b=22", "c=22", "d=22", "e=22", "z=1"]));
}

#[test]
fn what_falls_in_one_part_falls_in_the_others_too() {
    let receiver = ModelReceiver::new();
    receiver.state().not_storable = vec![path("bad"), path("c")];
    let mut delivery = Delivery::default();
    let parts = parted(vec![create("bad", directory()), create("good", directory())], &of(9)).expect("no moves");
    let between = ["bad/x", "c", "good/y"].map(|name| create(name, file("22"))).to_vec();
    deliver(&client(&receiver), parts, between, &mut delivery);
    assert_eq!(receiver.tree(), tree(&["good/", "good/y=22"]));
    let fell = delivery.left_out.iter().find(|left| *left.change.path() == path("bad/x")).expect("left out");
    assert!(matches!(fell.why, Why::Dependent));
    assert_eq!(delivery.reached, Some(path("good/y")));
}

#[test]
fn what_was_not_begun_when_somebody_asked_to_stop_was_not_reached() {
    let receiver = ModelReceiver::new();
    let stop = Arc::new(AtomicBool::new(false));
    let pulled = stop.clone();
    let script = Script::new(&receiver, move |request| {
        pulled.fetch_or(matches!(request, Request::Fill(_)), Ordering::Relaxed);
        None
    });
    let client = Client { stop, ..Client::new(1, script).with(TEXTS) };
    let mut delivery = Delivery::default();
    let between = ["a", "b", "c"].map(|name| create(name, file("22"))).to_vec();
    let after = Parted { after: vec![vec![delete("nothing")]], ..Parted::default() };
    deliver(&client, after, between, &mut delivery);
    assert!(delivery.stopped);
    assert_eq!((delivery.reached, receiver.tree()), (Some(path("b")), tree(&["a=22", "b=22"])));
}

#[test]
fn what_is_told_of_batches_that_come_one_by_one_ends_at_what_is_sent() {
    let receiver = ModelReceiver::new();
    let (told, stop) = (Arc::new(Told::default()), Arc::new(AtomicBool::new(false)));
    let pulled = stop.clone();
    let script = Script::new(&receiver, move |request| {
        pulled.fetch_or(matches!(request, Request::Commit(_)), Ordering::Relaxed);
        None
    });
    let client = Client { stop, progress: told.clone(), ..Client::new(1, script).with(TEXTS) };
    let between = ["a", "b", "c", "d", "e", "f"].map(|name| create(name, file("22"))).to_vec();
    deliver(&client, Parted::default(), between, &mut Delivery::default());
    let (to_send, sent) = told.so_far();
    assert_eq!(to_send, sent, "nothing is left to send");
    assert!(sent < 12, "most are another's, or never came: {sent}");
}

#[test]
fn deletes_that_something_waits_for_come_before_the_rest_and_the_others_after() {
    let plan = vec![delete("d"), delete("o"), moved("x", "d", file("x"))];
    let Parted { before, after } = parted(plan, &of(1)).expect("no circle");
    assert_eq!(before.concat(), [delete("d"), moved("x", "d", file("x"))]);
    assert_eq!(after.concat(), [delete("o")]);
}

#[test]
fn a_delete_after_the_rest_is_named_as_earlier_parts_moved_it() {
    let plan = vec![delete("a/gone"), moved("a", "z", directory())];
    let Parted { before, after } = parted(plan, &of(9)).expect("no circle");
    assert_eq!((before.concat(), after.concat()), (vec![moved("a", "z", directory())], vec![delete("z/gone")]));
}

proptest! {
    #[test]
    fn batches_in_order_are_all_of_it_in_order_and_not_too_large(contents in prop::collection::vec(0..40u64, 0..60), most in 1..9usize) {
        let text = |length: &u64| "x".repeat(usize::try_from(*length).expect("small"));
        let changes: Vec<Change> =
            contents.iter().enumerate().map(|(n, length)| create(&format!("{n:02}"), file(&text(length)))).collect();
        let sizes = Sizes { changes: most, content_bytes: 50, ..Sizes::default() };
        let batches: Vec<Vec<Change>> = in_order(changes.iter().cloned(), &sizes).collect();
        prop_assert!(batches.iter().all(|batch| !batch.is_empty() && batch.len() <= most));
        let bytes = |batch: &Vec<Change>| batch.iter().filter_map(|c| Some(c.entry()?.content()?.1)).sum::<u64>();
        prop_assert!(batches.iter().all(|batch| bytes(batch) <= 50));
        prop_assert_eq!(batches.concat(), changes);
    }

    #[test]
    fn the_parts_of_a_plan_give_the_tree_of_the_plan(seed: u64, edits in 1usize..40, changes in 1usize..6) {
        let random = SeededRandom::new(seed);
        let old = World::random(&random, false);
        let mut new = old.clone();
        (0..edits).for_each(|_| new.step(&random));
        if let Ok(Parted { before, after }) = parted(new.plan_since(&old, &random), &of(changes)) {
            let all = before.iter().chain(&after);
            let made = all.fold(old.tree(), |tree, batch| tree.apply(batch).expect("each is a set on what came before"));
            prop_assert_eq!(made, new.tree());
            prop_assert!(after.iter().flatten().all(|change| change.kind() == ChangeKind::Delete));
        }
    }
}
