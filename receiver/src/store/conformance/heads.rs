//! Claims, heads, lineages: who may write what, and when.

use protocol::limits::MAX_OPEN_PROPOSALS;
use protocol::wire::{Claim, Committed, Proposed, Source, TakeOver};
use protocol::{ClientName, Head, ProblemCode, RevisionDigest};

use crate::store::Store;
use crate::store::conformance::peer::{Peer, code, create, directory, lineage, source};

pub(crate) fn an_unknown_mirror_stands_at_genesis(store: &dyn Store) {
    let reply = Peer::stranger(store).contact_at(Head::genesis());
    assert_eq!((reply.head, reply.head_lineage, reply.source), (Head::genesis(), None, None));
    assert!(reply.in_chain && reply.is_empty);
}

pub(crate) fn the_first_claim_makes_the_mirror_and_another_source_is_refused(store: &dyn Store) {
    let peer = Peer::new(store);
    store.claim(&peer.client, &peer.claim("/source", None)).expect("the same claim changes nothing");
    let problem = store.claim(&peer.client, &peer.claim("/other", None)).expect_err("another source");
    assert_eq!(problem.code, ProblemCode::OtherSource);
    assert!(problem.detail.contains("/source") && problem.detail.contains("/other"), "{problem}");
    assert_eq!(code(store.claim(&peer.client, &peer.claim("/other", Some("/third")))), ProblemCode::OtherSource);
    store.claim(&peer.client, &peer.claim("/other", Some("/source"))).expect("a person accepted it");
    assert_eq!(peer.contact_at(Head::genesis()).source, Some(source("/other")));
}

pub(crate) fn a_second_source_of_the_same_name_is_refused_and_nothing_is_touched(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let file = peer.file("of the first");
    let head = peer.deliver(&[create("f", file)]);
    let tree = peer.tree_at(head.number);
    let second = Source { host: "other host".to_owned(), ..source("/mnt/source") };
    let claim = Claim { source: second.clone(), ..peer.claim("/mnt/source", None) };
    let problem = store.claim(&peer.client, &claim).expect_err("another source");
    assert_eq!(problem.code, ProblemCode::OtherSource);
    assert!(problem.detail.contains("copy of /source on host, not of /mnt/source on other host"), "{problem}");
    assert!(problem.hint.is_some(), "what to do");
    let reply = peer.contact_at(head);
    assert_eq!((reply.source, reply.head), (Some(source("/source")), head));
    assert_eq!(peer.tree_at(head.number), tree);
    let adopted = Claim { replaces: Some(source("/source")), ..claim };
    store.claim(&peer.client, &adopted).expect("a person accepted it");
    let reply = peer.contact_at(head);
    assert_eq!((reply.source, reply.head, reply.files), (Some(second), head, 1));
}

pub(crate) fn another_directory_at_the_same_path_is_told_apart(store: &dyn Store) {
    let peer = Peer::new(store);
    let replaced = Source { identity: b"fs 2 inode 2".to_vec().into(), ..source("/source") };
    let claim = Claim { source: replaced, ..peer.claim("/source", None) };
    let problem = store.claim(&peer.client, &claim).expect_err("another disk is mounted there");
    assert_eq!(problem.code, ProblemCode::OtherSource);
    assert!(problem.detail.contains("another directory that was at /source on host before"), "{problem}");
}

pub(crate) fn a_proposal_on_another_base_is_refused(store: &dyn Store) {
    let peer = Peer::new(store);
    let elsewhere = Head { number: 1, digest: RevisionDigest::from_bytes([9; 32]) };
    assert_eq!(code(peer.propose_on(elsewhere, &[create("a", directory())])), ProblemCode::HeadMoved);
    peer.deliver(&[create("a", directory())]);
    assert_eq!(code(peer.propose_on(Head::genesis(), &[create("b", directory())])), ProblemCode::HeadMoved);
    assert!(!peer.contact_at(elsewhere).in_chain);
}

pub(crate) fn a_mirror_nobody_claimed_takes_no_proposals(store: &dyn Store) {
    let peer = Peer::stranger(store);
    assert_eq!(code(peer.propose_on(Head::genesis(), &[])), ProblemCode::NotFound);
    assert_eq!(code(peer.commit_on(Head::genesis(), &[create("a", directory())])), ProblemCode::NotFound);
}

pub(crate) fn a_repeated_commit_is_durable_again(store: &dyn Store) {
    let peer = Peer::new(store);
    let changes = [create("a", directory())];
    let head = peer.deliver(&changes);
    let again = peer.commit_on(Head::genesis(), &changes);
    assert!(matches!(again, Ok(Committed::Durable { head: now, .. }) if now == head), "{again:?}");
    let reply = peer.contact_at(Head::genesis());
    assert_eq!((reply.head, reply.head_lineage, reply.is_empty), (head, Some(peer.lineage), false));
    assert!(reply.in_chain, "the genesis lies in every chain");
}

pub(crate) fn a_proposal_of_what_is_the_head_already_is_done(store: &dyn Store) {
    let peer = Peer::new(store);
    let changes = [create("a", directory())];
    let head = peer.deliver(&changes);
    assert_eq!(peer.propose_on(Head::genesis(), &changes), Ok(Proposed::Done { head }));
}

pub(crate) fn the_oldest_proposal_gives_way_and_is_unknown(store: &dyn Store) {
    let peer = Peer::new(store);
    let batches: Vec<_> = (0..=MAX_OPEN_PROPOSALS).map(|n| [create(&format!("d{n}"), directory())]).collect();
    for batch in &batches {
        peer.propose_on(Head::genesis(), batch).expect("opens");
    }
    assert_eq!(code(peer.commit_on(Head::genesis(), &batches[0])), ProblemCode::UnknownProposal);
    assert!(peer.commit_on(Head::genesis(), &batches[1]).is_ok());
    assert_eq!(code(peer.commit_on(Head::genesis(), &batches[2])), ProblemCode::HeadMoved);
}

pub(crate) fn a_proposal_may_run_ahead_of_the_commit_before_it(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let first = [create("d", directory())];
    let entry = peer.file("early");
    let second = [create("d/f", entry)];
    let between = Head::genesis().after(&first);
    peer.propose_on(Head::genesis(), &first).expect("opens");
    let Ok(Proposed::Open { missing, .. }) = peer.propose_on(between, &second) else { panic!("must open") };
    peer.fill_missing(between, &second, &peer.plans(&second), &missing);
    assert_eq!(code(peer.commit_on(between, &second)), ProblemCode::HeadMoved);
    assert!(matches!(peer.commit_on(Head::genesis(), &first), Ok(Committed::Durable { .. })));
    assert!(matches!(peer.commit_on(between, &second), Ok(Committed::Durable { .. })));
    assert_eq!(peer.read(2, "d/f").expect("is there"), b"early");
}

fn take_over(peer: &Peer<'_>, new: u8, former: Option<u8>, fork: Head) -> Result<(), ProblemCode> {
    let (lineage, former) = (lineage(new), former.map(lineage));
    let request = TakeOver { mirror: peer.mirror.clone(), lineage, former, fork };
    peer.store.take_over(&peer.client, &request).map(|_| ()).map_err(|problem| problem.code)
}

pub(crate) fn a_superseded_lineage_is_fenced(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let fork = peer.deliver(&[create("a", directory())]);
    let open = [create("b", directory())];
    peer.propose_on(fork, &open).expect("opens before the takeover");
    take_over(&peer, 2, Some(1), fork).expect("the fork is in the chain");
    assert_eq!(peer.contact_at(fork).superseded_at, Some(1));
    assert_eq!(code(peer.commit_on(fork, &open)), ProblemCode::Fenced);
    peer.lineage = lineage(2);
    assert_eq!(peer.contact_at(fork).superseded_at, None);
    let head = peer.deliver(&[create("c", directory())]);
    peer.lineage = lineage(1);
    assert_eq!(code(peer.propose_on(head, &open)), ProblemCode::Fenced);
    assert_eq!(take_over(&peer, 1, Some(2), head), Err(ProblemCode::Fenced), "only a new lineage takes over");
    take_over(&peer, 2, Some(1), fork).expect("a repeated takeover is the same");
    assert_eq!(peer.contact_at(fork).superseded_at, Some(1));
}

pub(crate) fn a_takeover_supersedes_whoever_wrote_past_the_fork(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let fork = peer.deliver(&[create("a", directory())]);
    peer.lineage = lineage(2);
    peer.deliver(&[create("b", directory())]);
    take_over(&peer, 3, None, fork).expect("the fork is in the chain");
    assert_eq!(peer.contact_at(fork).superseded_at, Some(1));
    peer.lineage = lineage(1);
    assert_eq!(peer.contact_at(fork).superseded_at, None, "it wrote nothing past the fork and was not named");
}

pub(crate) fn a_takeover_needs_a_fork_in_the_chain(store: &dyn Store) {
    let peer = Peer::new(store);
    let elsewhere = Head { number: 1, digest: RevisionDigest::from_bytes([9; 32]) };
    assert_eq!(take_over(&peer, 2, None, elsewhere), Err(ProblemCode::HeadMoved));
    assert_eq!(take_over(&Peer::stranger(store), 2, None, Head::genesis()), Ok(()), "the mirror is there by now");
}

pub(crate) fn clients_share_nothing(store: &dyn Store) {
    let mut mine = Peer::new(store);
    let changes = [create("secret", mine.file("secret"))];
    mine.deliver(&changes);
    let mut other = Peer::stranger(store);
    other.client = ClientName::parse("other").expect("a valid name");
    assert_eq!(other.contact_at(Head::genesis()).head, Head::genesis());
    assert_eq!(code(other.read(1, "secret")), ProblemCode::NotFound);
    store.claim(&other.client, &other.claim("/source", None)).expect("a mirror of its own");
    let missing = other.open(&changes, other.plans(&changes));
    assert_eq!(missing.len(), 1, "what another client holds is missing here");
}
