//! What runs ahead: the next batch is prepared while one is committed, and nothing goes wrong by it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use protocol::Change;
use protocol::wire::{Limits, Request};
use seams::parallel::Parallel;

use crate::test_support::{Client, ModelReceiver, Script, Told, create, directory, file, path, tree};
use crate::{CallError, DeliverError, Volume};

const TEXTS: &[&str] = &["1", "22", "333", "4444"];

fn client(receiver: &Arc<ModelReceiver>) -> Client {
    Client::new(1, receiver.clone()).with(TEXTS)
}

fn files(names: &[&str]) -> Vec<Change> {
    names.iter().zip(TEXTS).map(|(name, text)| create(name, file(text))).collect()
}

#[test]
fn the_next_batch_is_proposed_and_filled_before_one_is_committed_and_commits_stay_in_order() {
    let receiver = ModelReceiver::new();
    let (delivery, ended) = client(&receiver).deliver(files(&["a", "b", "c"]), 1);
    ended.expect("a well receiver");
    assert_eq!(delivery.delivered.len(), 3);
    let routes = receiver.state().routes.clone();
    let expected = ["propose", "fill", "propose", "fill", "propose", "commit", "fill", "commit", "commit"];
    assert_eq!(routes, expected, "nothing is said twice");
}

/// Answers the first fill only when the second proposal is answered.
#[derive(Debug)]
struct Behindhand {
    receiver: Arc<ModelReceiver>,
    proposals: Mutex<usize>,
    second: (Mutex<mpsc::Sender<()>>, Mutex<mpsc::Receiver<()>>),
}

impl crate::Transport for Behindhand {
    fn call(&self, request: &Request) -> Result<protocol::wire::Response, crate::TransportError> {
        let is_first_fill = matches!(request, Request::Fill(_)) && !self.receiver.state().routes.contains(&"fill");
        if is_first_fill {
            let second = self.second.1.lock().expect("not poisoned").recv_timeout(Duration::from_secs(60));
            second.expect("the next batch is proposed while this one is filled");
        }
        let answer = self.receiver.call(request);
        if matches!(request, Request::Propose(_)) {
            let mut proposals = self.proposals.lock().expect("not poisoned");
            *proposals += 1;
            if *proposals == 2 {
                self.second.0.lock().expect("not poisoned").send(()).expect("somebody waits");
            }
        }
        answer
    }

    fn traffic(&self) -> crate::Traffic {
        self.receiver.traffic()
    }
}

#[test]
fn a_batch_is_proposed_while_the_one_before_is_filled_and_what_both_need_is_sent_once() {
    let receiver = ModelReceiver::new();
    let (tell, told) = mpsc::channel();
    let second = (Mutex::new(tell), Mutex::new(told));
    let behindhand = Behindhand { receiver: receiver.clone(), proposals: Mutex::default(), second };
    let client = Client { parallel: Parallel::new(2), ..Client::new(1, Arc::new(behindhand)).with(TEXTS) };
    let plan = vec![create("a", file("1")), create("b", file("1"))];
    client.deliver(plan, 1).1.expect("a well receiver");
    assert_eq!(receiver.tree(), tree(&["a=1", "b=1"]));
    let routes = receiver.state().routes.clone();
    assert_eq!(routes.iter().filter(|route| **route == "fill").count(), 1, "{routes:?}");
}

#[test]
fn the_next_batch_travels_while_one_is_committed() {
    let receiver = ModelReceiver::new();
    // The commit of the first batch is answered only once the second batch's contents have arrived.
    let met = Arc::new(Barrier::new(2));
    let (mut fills, mut commits) = (0, 0);
    let gate = met.clone();
    let counted = Mutex::new(move |request: &Request| match request {
        Request::Fill(_) => {
            fills += 1;
            fills == 2
        }
        Request::Commit(_) => {
            commits += 1;
            commits == 1
        }
        _ => false,
    });
    let both = Gated { receiver: receiver.clone(), is_met: Box::new(counted), gate };
    let client = Client { parallel: Parallel::new(2), ..Client::new(1, Arc::new(both)).with(TEXTS) };
    client.deliver(files(&["a", "b"]), 1).1.expect("both meet");
    assert_eq!(receiver.tree(), tree(&["a=1", "b=22"]));
}

type Meets = Box<Mutex<dyn FnMut(&Request) -> bool + Send>>;

/// Lets two requests wait for each other before they are answered.
struct Gated {
    receiver: Arc<ModelReceiver>,
    is_met: Meets,
    gate: Arc<Barrier>,
}

impl std::fmt::Debug for Gated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gated")
    }
}

impl crate::Transport for Gated {
    fn call(&self, request: &Request) -> Result<protocol::wire::Response, crate::TransportError> {
        let meets = (self.is_met.lock().expect("not poisoned"))(request);
        if meets {
            self.gate.wait();
        }
        self.receiver.call(request)
    }

    fn traffic(&self) -> crate::Traffic {
        self.receiver.traffic()
    }
}

#[test]
fn a_batch_is_acknowledged_before_the_next_one_is_committed() {
    let receiver = ModelReceiver::new();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let ledger = Arc::new(Mutex::new(None::<Arc<Client>>));
    let known = ledger.clone();
    let script = Script::new(&receiver, move |request| {
        if let (Request::Commit(_), Some(client)) = (request, &*known.lock().expect("not poisoned")) {
            seen.lock().expect("not poisoned").push(client.ledger.kept().standing.head.number);
        }
        None
    });
    let client = Arc::new(Client::new(1, script).with(TEXTS));
    *ledger.lock().expect("not poisoned") = Some(client.clone());
    client.deliver(files(&["a", "b", "c"]), 1).1.expect("a well receiver");
    assert_eq!(*heads.lock().expect("not poisoned"), [0, 1, 2], "the head that the ledger has at each commit");
}

#[test]
fn what_was_prepared_on_a_batch_that_is_partly_refused_is_proposed_anew_and_not_sent_again() {
    let receiver = ModelReceiver::new();
    let refuse = receiver.clone();
    // The second batch is prepared on all of the first; of that, `b` is refused only when it is committed.
    let script = Script::new(&receiver, move |request| {
        if matches!(request, Request::Commit(_)) {
            refuse.state().not_storable = vec![path("b")];
        }
        None
    });
    let client = Client { transport: script, ..client(&receiver) };
    let plan = files(&["a", "b", "c", "d"]);
    let (delivery, ended) = client.deliver(plan, 2);
    ended.expect("the rest goes on");
    assert_eq!(receiver.tree(), tree(&["a=1", "c=333", "d=4444"]));
    assert_eq!((delivery.delivered.len(), delivery.left_out.len()), (3, 1));
    assert_eq!(client.ledger.kept().tree, receiver.tree());
    let routes = receiver.state().routes.clone();
    assert_eq!(routes.iter().filter(|route| **route == "fill").count(), 2, "{routes:?}");
}

#[test]
fn what_is_refused_only_when_it_is_committed_costs_itself_alone() {
    let receiver = ModelReceiver::new();
    let client = client(&receiver);
    let refuse = receiver.clone();
    // From the first commit on `c` cannot be stored: its batch was proposed ahead by then.
    let script = Script::new(&receiver, move |request| {
        if matches!(request, Request::Commit(_)) {
            refuse.state().not_storable = vec![path("c")];
        }
        None
    });
    let client = Client { transport: script, ..client };
    let (delivery, ended) = client.deliver(files(&["a", "b", "c", "d"]), 2);
    ended.expect("the rest goes on");
    assert_eq!(receiver.tree(), tree(&["a=1", "b=22", "d=4444"]));
    assert_eq!(delivery.left_out.len(), 1);
    assert_eq!(client.ledger.kept().tree, receiver.tree());
}

#[test]
fn a_proposal_that_is_forgotten_while_it_runs_ahead_is_made_again() {
    let receiver = ModelReceiver::new();
    receiver.state().forget = 2;
    let client = client(&receiver);
    client.deliver(files(&["a", "b", "c"]), 1).1.expect("remembered at last");
    assert_eq!(receiver.tree(), tree(&["a=1", "b=22", "c=333"]));
    assert_eq!(client.ledger.kept().tree, receiver.tree());
}

#[test]
fn a_commit_that_ends_the_round_ends_what_runs_ahead() {
    let receiver = ModelReceiver::new();
    let script = Script::new(&receiver, |request| {
        let cut = || Err(crate::TransportError::Protocol("cut".to_owned()));
        matches!(request, Request::Commit(_)).then(cut)
    });
    let client = Client::new(1, script).with(TEXTS);
    let (delivery, ended) = client.deliver(files(&["a", "b"]), 1);
    assert!(matches!(ended, Err(DeliverError::Call(CallError::Protocol(_)))));
    assert_eq!((delivery.delivered.len(), client.ledger.kept().standing.head.number), (0, 0));
}

#[test]
fn nothing_is_prepared_ahead_once_somebody_asked_to_stop() {
    let receiver = ModelReceiver::new();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let pulled = stop.clone();
    let script = Script::new(&receiver, move |request| {
        pulled.fetch_or(matches!(request, Request::Fill(_)), Ordering::Relaxed);
        None
    });
    let client = Client { stop, ..Client::new(1, script).with(TEXTS) };
    client.deliver(files(&["a", "b"]), 1).1.expect("in good order");
    assert_eq!(receiver.state().routes, ["propose", "fill", "commit"]);
}

#[test]
fn twenty_thousand_small_files_travel_in_few_full_requests() {
    let receiver = ModelReceiver::new();
    let texts: Vec<String> = (0..20_000).map(|n| format!("{n:0500}")).collect();
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    let limits = Limits { batch_changes: 65_536, frame_bytes: 4 << 20, concurrent_requests: 32 };
    let client = Client { limits, parallel: Parallel::new(4), ..client(&receiver) }.with(&all);
    let plan: Vec<Change> = (0..).zip(&all).map(|(n, text)| create(&format!("f{n}"), file(text))).collect();
    let (delivery, ended) = client.deliver(plan, 10_000);
    ended.expect("a well receiver");
    assert_eq!(delivery.delivered.len(), 20_000);
    // Two batches of 5 MB: each is proposed, sent in a frame for each transfer, and committed.
    let routes = receiver.state().routes.clone();
    assert_eq!(routes.len(), 12, "{routes:?}");
    assert_eq!(delivery.volume.sent, 20_000 * 500);
    assert!(delivery.volume.packed < delivery.volume.sent / 10, "{:?}", delivery.volume);
}

#[test]
fn what_is_left_to_send_shrinks_by_what_the_receiver_has_and_ends_at_nothing() {
    let receiver = ModelReceiver::new();
    receiver.state().incomplete = 1;
    let told = Arc::new(Told::default());
    let client = Client { progress: told.clone(), ..client(&receiver) };
    client.deliver(files(&["a", "b"]), 9).1.expect("complete at last");
    // Three bytes, all of which the receiver asked for twice.
    assert_eq!(told.so_far(), (6, 6));
    let copies = vec![create("copy", file("22")), create("new", file("333")), create("gone", file("not there"))];
    let (delivery, ended) = client.deliver(copies, 1);
    ended.expect("the rest goes on");
    assert_eq!(delivery.volume, Volume { reused: 2, sent: 3, packed: 3 });
    assert_eq!(told.so_far(), (9, 9), "neither the copy nor what is gone is left to send");
    client.deliver(vec![create("d", directory())], 1).1.expect("well");
    assert_eq!(told.so_far(), (9, 9));
}
