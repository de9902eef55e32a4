//! A client that has its mirror checked, and sends what is wanted.

use protocol::wire::{Check, CheckFinding, CheckVerdict, Committed, Fill, Mend, Mended, Wanted};
use protocol::{Change, ContentId, ContentPlan, Head, Piece, Problem};

use crate::store::conformance::peer::{Peer, usize_of};

/// Asks a peer's mirror to be checked, all pages.
pub(super) fn check(peer: &Peer<'_>, mend: bool, budget: Option<u64>) -> (Vec<CheckFinding>, usize) {
    try_check(peer, mend, budget).expect("is checked")
}

pub(super) fn try_check(
    peer: &Peer<'_>,
    mend: bool,
    budget: Option<u64>,
) -> Result<(Vec<CheckFinding>, usize), Problem> {
    let (mut findings, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let request = Check { mirror: peer.mirror.clone(), after, read_contents: true, budget, mend };
        let page = peer.store.check(&peer.client, &request)?;
        assert!(page.bytes <= budget.unwrap_or(u64::MAX));
        findings.extend(page.findings);
        pages += 1;
        after = page.next;
        if after.is_none() {
            return Ok((findings, pages));
        }
    }
}

pub(super) fn found(peer: &Peer<'_>) -> Vec<(String, CheckVerdict)> {
    check(peer, false, None).0.into_iter().map(|found| (found.path.to_string(), found.what)).collect()
}

pub(super) fn ask(peer: &Peer<'_>, contents: Vec<ContentPlan>) -> Mended {
    try_ask(peer, contents).expect("is answered")
}

pub(super) fn try_ask(peer: &Peer<'_>, contents: Vec<ContentPlan>) -> Result<Mended, Problem> {
    let request = Mend { mirror: peer.mirror.clone(), lineage: peer.lineage, contents, after: None };
    peer.store.mend(&peer.client, &request)
}

pub(super) fn send(peer: &Peer<'_>, plans: &[ContentPlan], mended: &Mended) -> Result<u64, Problem> {
    let mut sent = 0;
    for (missing, range) in mended.missing.iter().flat_map(|missing| missing.ranges.iter().map(move |r| (missing, r))) {
        let content = &peer.contents[&plans[usize_of(u64::from(missing.index))].content];
        let (from, to) = (usize_of(range.offset), usize_of(range.offset + range.length));
        let request = Fill {
            mirror: peer.mirror.clone(),
            proposal: mended.proposal,
            pieces: vec![Piece { index: missing.index, offset: range.offset, length: range.length }],
            compression: protocol::wire::Compression::None,
            data: content[from..to].to_vec().into(),
        };
        assert_eq!(peer.store.fill(&peer.client, &request)?.mismatched, []);
        sent += range.length;
    }
    Ok(sent)
}

/// Does what a client does: asks what is wanted, sends it, has it put in place. Answers how many bytes it sent.
pub(super) fn mend(peer: &Peer<'_>) -> u64 {
    try_mend(peer).expect("is mended")
}

pub(super) fn try_mend(peer: &Peer<'_>) -> Result<u64, Problem> {
    let mut sent = 0;
    loop {
        let wanted = try_ask(peer, Vec::new())?.wanted;
        if wanted.is_empty() {
            return Ok(sent);
        }
        let plan = |wanted: &Wanted| ContentPlan { content: wanted.content, length: wanted.length, recipe: Vec::new() };
        let plans: Vec<ContentPlan> = wanted.iter().map(plan).collect();
        let open = try_ask(peer, plans.clone())?;
        sent += send(peer, &plans, &open)?;
        assert!(try_ask(peer, plans)?.places > 0, "it gets on");
    }
}

/// Delivers a batch; literals are sent again if asked for.
pub(super) fn deliver(peer: &Peer<'_>, batch: &[Change]) {
    let (base, plans) = (peer.head(), peer.plans(batch));
    peer.fill_missing(base, batch, &plans, &peer.open(batch, plans.clone()));
    if let Ok(Committed::Incomplete { missing, .. }) = peer.commit_on(base, batch) {
        peer.fill_missing(base, batch, &plans, &missing);
        assert!(matches!(peer.commit_on(base, batch), Ok(Committed::Durable { .. })));
    }
}

pub(super) fn wanted(peer: &Peer<'_>) -> Vec<ContentId> {
    peer.contact_at(Head::genesis()).wanted
}
