//! A receiver small enough to be seen right, on `protocol::Tree`; and transports that lose, repeat and delay.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::wire::{
    ChangesPage, ChangesSince, Claimed, Commit, Committed, Compression, Contact, ContactReply, EntriesPage, Fill,
    Filled, HelloReply, Limits, ListAt, Listed, Mismatch, Missing, Propose, Proposed, Request, Response, Source,
    TakeOver, TakenOver,
};
use protocol::{
    ByteRange, Change, ContentId, ContentPlan, Entry, Head, Lineage, Problem, ProblemCode, RefusalReason, Refused,
    RelPath, RevisionDigest, StoreId, Tree,
};
use seams::random::{Random, SeededRandom};

use super::difference;
use crate::{Traffic, Transport, TransportError};

/// So few that every test turns pages.
const PAGE: usize = 3;

#[derive(Debug)]
pub(crate) struct ModelReceiver(Mutex<State>);

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) store: StoreId,
    pub(crate) chain: Vec<Revision>,
    pub(crate) superseded: BTreeMap<Lineage, u64>,
    pub(crate) contents: BTreeMap<ContentId, Vec<u8>>,
    pub(crate) routes: Vec<&'static str>,
    pub(crate) protocol: (u32, u32),
    /// As a receiver does that is older than that.
    pub(crate) answers_no_contact_in_hello: bool,
    /// Paths that the disk cannot hold.
    pub(crate) not_storable: Vec<RelPath>,
    /// How many commits from now on find their proposal forgotten.
    pub(crate) forget: u32,
    /// How many commits from now on say that everything is missing.
    pub(crate) incomplete: u32,
    pub(crate) source: Option<Source>,
    open: BTreeMap<RevisionDigest, Open>,
}

#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) head: Head,
    pub(crate) lineage: Option<Lineage>,
    pub(crate) tree: Tree,
    /// How many files ceased to exist by it. No time passes here: all revisions are of the last 24 hours.
    pub(crate) ended_files: u64,
}

#[derive(Debug, Clone)]
struct Open {
    base: Head,
    changes: Vec<Change>,
    plans: Vec<ContentPlan>,
    arrived: Vec<Vec<Option<u8>>>,
}

impl ModelReceiver {
    pub(crate) fn new() -> Arc<Self> {
        let genesis = Revision { head: Head::genesis(), lineage: None, tree: Tree::new(), ended_files: 0 };
        Arc::new(Self(Mutex::new(State {
            store: StoreId::from_bytes([1; 16]),
            chain: vec![genesis],
            superseded: BTreeMap::new(),
            contents: BTreeMap::new(),
            routes: Vec::new(),
            protocol: (1, 1),
            answers_no_contact_in_hello: false,
            not_storable: Vec::new(),
            forget: 0,
            incomplete: 0,
            source: None,
            open: BTreeMap::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }

    pub(crate) fn head(&self) -> Head {
        self.state().newest().head
    }

    pub(crate) fn tree(&self) -> Tree {
        self.state().newest().tree.clone()
    }
}

impl Transport for ModelReceiver {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let mut state = self.state();
        state.routes.push(request.route());
        state.answer(request).map_err(|problem| TransportError::Problem { problem, retry_after: None })
    }

    fn traffic(&self) -> Traffic {
        Traffic { requests: self.state().routes.len() as u64, ..Traffic::default() }
    }
}

fn problem(code: ProblemCode) -> Problem {
    Problem::new(code, format!("{code:?}"))
}

impl State {
    fn newest(&self) -> &Revision {
        self.chain.last().expect("the beginning is always there")
    }

    fn answer(&mut self, request: &Request) -> Result<Response, Problem> {
        Ok(match request {
            Request::Hello(hello) => {
                let contact = hello.contact.as_ref().filter(|_| !self.answers_no_contact_in_hello);
                Response::Hello(HelloReply { contact: contact.map(|contact| self.contact(contact)), ..self.hello() })
            }
            Request::Contact(contact) => Response::Contact(self.contact(contact)),
            Request::Claim(claim) => {
                self.source = Some(claim.source.clone());
                Response::Claim(Claimed {})
            }
            Request::TakeOver(takeover) => Response::TakeOver(self.take_over(takeover)),
            Request::ChangesSince(since) => Response::ChangesSince(self.changes_since(since)?),
            Request::ListAt(list) => Response::ListAt(self.list_at(list)?),
            Request::Propose(propose) => Response::Propose(self.propose(propose)?),
            Request::Fill(fill) => Response::Fill(self.fill(fill)?),
            Request::Commit(commit) => Response::Commit(self.commit(commit)?),
            _ => return Err(problem(ProblemCode::NotFound)),
        })
    }

    fn hello(&self) -> HelloReply {
        let limits = Limits { batch_changes: 65_536, frame_bytes: 16, concurrent_requests: 4 };
        let (protocol_min, protocol_max) = self.protocol;
        let client = "me".to_owned();
        HelloReply {
            protocol_min,
            protocol_max,
            store: self.store,
            client,
            limits,
            features: Vec::new(),
            contact: None,
        }
    }

    fn contact(&self, contact: &Contact) -> ContactReply {
        let newest = self.newest();
        ContactReply {
            head: newest.head,
            head_lineage: newest.lineage,
            in_chain: self.chain.iter().any(|revision| revision.head == contact.head),
            superseded_at: self.superseded.get(&contact.lineage).copied(),
            source: self.source.clone(),
            wanted: Vec::new(),
            is_empty: newest.tree.is_empty(),
            ended_files: self.chain.iter().map(|revision| revision.ended_files).sum(),
            files: newest.tree.files(),
        }
    }

    fn take_over(&mut self, takeover: &TakeOver) -> TakenOver {
        let past_fork = self.chain.iter().filter(|revision| revision.head.number > takeover.fork.number);
        let writers: Vec<Lineage> = past_fork.filter_map(|revision| revision.lineage).chain(takeover.former).collect();
        for lineage in writers.into_iter().filter(|lineage| *lineage != takeover.lineage) {
            self.superseded.entry(lineage).or_insert(takeover.fork.number);
        }
        TakenOver {}
    }

    fn changes_since(&self, asked: &ChangesSince) -> Result<ChangesPage, Problem> {
        let at = |head: Head| self.chain.iter().find(|revision| revision.head == head);
        let since = at(asked.since).ok_or_else(|| problem(ProblemCode::NotFound))?;
        let until = match asked.until {
            Some(number) => self.numbered(number)?,
            None => self.newest(),
        };
        let all = difference(&since.tree, &until.tree);
        let skip = usize::try_from(asked.skip).expect("a small tree");
        let changes: Vec<Change> = all.iter().skip(skip).take(PAGE).cloned().collect();
        Ok(ChangesPage { until: until.head, more: skip + changes.len() < all.len(), changes })
    }

    fn numbered(&self, number: u64) -> Result<&Revision, Problem> {
        self.chain.iter().find(|revision| revision.head.number == number).ok_or_else(|| problem(ProblemCode::NotFound))
    }

    fn list_at(&self, asked: &ListAt) -> Result<EntriesPage, Problem> {
        let revision = match asked.revision {
            Some(number) => self.numbered(number)?,
            None => self.newest(),
        };
        let root = Entry::Directory { metadata: revision.tree.root().clone() };
        let root = Listed { path: RelPath::root(), entry: root };
        let below = revision.tree.iter().map(|(path, entry)| Listed { path: path.clone(), entry: entry.clone() });
        let is_wanted = |listed: &Listed| asked.after.as_ref().is_none_or(|after| listed.path > *after);
        let mut entries: Vec<Listed> = std::iter::once(root).chain(below).filter(is_wanted).collect();
        let more = entries.len() > PAGE;
        entries.truncate(PAGE);
        Ok(EntriesPage { revision: revision.head, entries, more })
    }

    fn propose(&mut self, propose: &Propose) -> Result<Proposed, Problem> {
        let after = propose.base.after(&propose.changes);
        if self.superseded.contains_key(&propose.lineage) {
            return Err(problem(ProblemCode::Fenced));
        }
        let newest = self.newest();
        if newest.head == after {
            return Ok(Proposed::Done { head: after });
        }
        let runs_ahead = self.open.keys().any(|digest| *digest == propose.base.digest);
        if newest.head != propose.base && !runs_ahead {
            return Err(problem(ProblemCode::HeadMoved));
        }
        // On top of a batch that is not there yet, nobody can say what will be refused.
        let refused = if runs_ahead { Vec::new() } else { self.refusals(&propose.changes) };
        if !refused.is_empty() {
            return Ok(Proposed::Refused { refused });
        }
        let arrived = propose.contents.iter().map(|plan| vec![None; usize::try_from(plan.length).expect("small")]);
        let (changes, plans) = (propose.changes.clone(), propose.contents.clone());
        let open = Open { base: propose.base, changes, plans, arrived: arrived.collect() };
        let open = self.open.entry(after.digest).or_insert(open).clone();
        Ok(Proposed::Open { proposal: after.digest, missing: self.missing(&open) })
    }

    fn refusals(&self, changes: &[Change]) -> Vec<Refused> {
        let mut refused = self.newest().tree.apply(changes).err().unwrap_or_default();
        let unstorable = (0..).zip(changes).filter(|(_, change)| self.not_storable.contains(change.path()));
        let reason = RefusalReason::NotStorable("no such name here".to_owned());
        refused.extend(unstorable.map(|(index, _)| Refused { index, reason: reason.clone() }));
        refused
    }

    fn missing(&self, open: &Open) -> Vec<Missing> {
        let wanted = |(index, (plan, arrived)): (u32, (&ContentPlan, &Vec<Option<u8>>))| {
            let is_there =
                self.contents.contains_key(&plan.content) || plan.length > 0 && arrived.iter().all(Option::is_some);
            let first = arrived.iter().position(Option::is_none).unwrap_or(0) as u64;
            let range = ByteRange { offset: first, length: plan.length - first };
            (!is_there).then(|| Missing { index, ranges: vec![range] })
        };
        (0..).zip(open.plans.iter().zip(&open.arrived)).filter_map(wanted).collect()
    }

    fn fill(&mut self, fill: &Fill) -> Result<Filled, Problem> {
        let open = self.open.get_mut(&fill.proposal).ok_or_else(|| problem(ProblemCode::UnknownProposal))?;
        let raw = match fill.compression {
            Compression::None => fill.data.to_vec(),
            Compression::Zstd => zstd::bulk::decompress(&fill.data, 4 << 20).expect("a whole frame"),
        };
        let mut rest = raw.into_iter();
        for piece in &fill.pieces {
            let arrived = &mut open.arrived[piece.index as usize];
            let start = usize::try_from(piece.offset).expect("small");
            for byte in &mut arrived[start..start + usize::try_from(piece.length).expect("small")] {
                *byte = Some(rest.next().expect("as many bytes as the pieces say"));
            }
        }
        assert!(rest.next().is_none(), "more bytes than the pieces say");
        let mut mismatched = Vec::new();
        for (index, (plan, arrived)) in (0..).zip(open.plans.iter().zip(&mut open.arrived)) {
            let Some(bytes) = arrived.iter().copied().collect::<Option<Vec<u8>>>() else { continue };
            if ContentId::of(&bytes) == plan.content {
                self.contents.insert(plan.content, bytes);
            } else {
                arrived.fill(None);
                mismatched.push(Mismatch { index, copied: Vec::new() });
            }
        }
        Ok(Filled { mismatched, ..Filled::default() })
    }

    fn commit(&mut self, commit: &Commit) -> Result<Committed, Problem> {
        if self.newest().head.digest == commit.proposal {
            return Ok(Committed::Durable { head: self.newest().head, wanted: Vec::new() });
        }
        if self.forget > 0 {
            self.forget -= 1;
            self.open.clear();
        }
        let open = self.open.get(&commit.proposal).ok_or_else(|| problem(ProblemCode::UnknownProposal))?.clone();
        if self.superseded.contains_key(&commit.lineage) {
            return Err(problem(ProblemCode::Fenced));
        }
        if self.newest().head != open.base {
            return Err(problem(ProblemCode::HeadMoved));
        }
        let refused = self.refusals(&open.changes);
        if !refused.is_empty() {
            return Ok(Committed::Refused { refused });
        }
        let mut missing = self.missing(&open);
        if self.incomplete > 0 {
            self.incomplete -= 1;
            let everything = (0..).zip(&open.plans);
            missing = everything
                .map(|(index, plan)| Missing { index, ranges: vec![ByteRange { offset: 0, length: plan.length }] })
                .collect();
        }
        if !missing.is_empty() {
            return Ok(Committed::Incomplete { missing, mismatched: Vec::new() });
        }
        let tree = self.newest().tree.apply(&open.changes).expect("was applied to the same base when proposed");
        let head = open.base.after(&open.changes);
        let ended_files = self.newest().tree.ended_by(&open.changes, &tree);
        self.open.remove(&head.digest);
        self.chain.push(Revision { head, lineage: Some(commit.lineage), tree, ended_files });
        Ok(Committed::Durable { head, wanted: Vec::new() })
    }
}

/// Loses requests and answers, sends requests twice, and again much later.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) receiver: Arc<ModelReceiver>,
    pub(crate) random: SeededRandom,
    late: Mutex<Vec<Request>>,
}

impl Flaky {
    pub(crate) fn new(receiver: &Arc<ModelReceiver>, seed: u64) -> Arc<Self> {
        Arc::new(Self { receiver: receiver.clone(), random: SeededRandom::new(seed), late: Mutex::default() })
    }
}

pub(crate) fn interrupted() -> TransportError {
    TransportError::Interrupted { source: "cut".into() }
}

impl Transport for Flaky {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let mut late = self.late.lock().expect("no test panics while it holds this");
        if self.random.below(4) == 0
            && let Some(again) = late.pop()
        {
            drop(self.receiver.call(&again));
        }
        match self.random.below(8) {
            0 => return Err(interrupted()),
            1 => {
                drop(self.receiver.call(request));
                return Err(interrupted());
            }
            2 => drop(self.receiver.call(request)),
            3 => late.push(request.clone()),
            _ => {}
        }
        self.receiver.call(request)
    }

    fn traffic(&self) -> Traffic {
        self.receiver.traffic()
    }
}

type Step = Box<dyn FnMut(&Request) -> Option<Result<Response, TransportError>> + Send>;

/// Asks a script first, then the receiver.
pub(crate) struct Script {
    pub(crate) receiver: Arc<ModelReceiver>,
    script: Mutex<Step>,
    pub(crate) seen: Mutex<VecDeque<Request>>,
}

impl Script {
    pub(crate) fn new(
        receiver: &Arc<ModelReceiver>,
        script: impl FnMut(&Request) -> Option<Result<Response, TransportError>> + Send + 'static,
    ) -> Arc<Self> {
        let script = Mutex::new(Box::new(script) as Step);
        Arc::new(Self { receiver: receiver.clone(), script, seen: Mutex::default() })
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Transport for Script {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        self.seen.lock().expect("no test panics while it holds this").push_back(request.clone());
        let scripted = (self.script.lock().expect("no test panics while it holds this"))(request);
        scripted.unwrap_or_else(|| self.receiver.call(request))
    }

    fn traffic(&self) -> Traffic {
        self.receiver.traffic()
    }
}
