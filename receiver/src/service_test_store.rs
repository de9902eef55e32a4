//! A store that only counts, waits or panics, and one request for each route: what the tests of this side need.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use protocol::wire::{
    ChangesPage, ChangesSince, Check, CheckPage, Chunks, ChunksPage, Claim, Claimed, Commit, Committed, Compression,
    Contact, ContactReply, EntriesAt, EntriesPage, Fill, Filled, FoundEntries, Hello, ListAt, Mend, Mended, Mirrors,
    MirrorsPage, Propose, Proposed, ReadAt, ReadPage, Request, Revisions, RevisionsPage, Round, Source, TakeOver,
    TakenOver, Versions, VersionsPage,
};
use protocol::{
    ByteRange, Change, ClientName, ContentId, ContentPlan, Head, Lineage, MirrorName, Piece, Problem, ProblemCode,
    RelPath, RevisionDigest, RoundId, StoreId, Timestamp,
};

use crate::retention::AtCeiling;
use crate::store::Store;

/// Counts what it is asked. Its commits can be held back, it can be told a listing, and its check panics.
#[derive(Debug, Default)]
pub(crate) struct TestStore {
    asked: AtomicUsize,
    gate: Mutex<Option<Gate>>,
    listing: Mutex<Option<EntriesPage>>,
    at_ceiling: Mutex<Option<AtCeiling>>,
}

#[derive(Debug)]
struct Gate {
    arrived: mpsc::Sender<()>,
    open: mpsc::Receiver<()>,
}

impl TestStore {
    /// How many requests came through to it.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The next commit says when it has begun, and ends when told.
    pub(crate) fn hold_next_commit(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (arrived, has_arrived) = mpsc::channel();
        let (opener, open) = mpsc::channel();
        *self.gate.lock().expect("not poisoned") = Some(Gate { arrived, open });
        (has_arrived, opener)
    }

    /// What the last commit was to do where history has no room.
    pub(crate) fn at_ceiling(&self) -> Option<AtCeiling> {
        *self.at_ceiling.lock().expect("not poisoned")
    }

    /// From now on it lists this.
    pub(crate) fn set_listing(&self, page: EntriesPage) {
        *self.listing.lock().expect("not poisoned") = Some(page);
    }

    fn count<T>(&self) -> Result<T, Problem> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Err(Problem::new(ProblemCode::NotFound, "this store holds nothing"))
    }
}

impl Store for TestStore {
    fn id(&self) -> StoreId {
        StoreId::from_bytes([7; 16])
    }

    fn contact(&self, _: &ClientName, _: &Contact) -> Result<ContactReply, Problem> {
        self.count()
    }

    fn claim(&self, _: &ClientName, _: &Claim) -> Result<Claimed, Problem> {
        self.count()
    }

    fn take_over(&self, _: &ClientName, _: &TakeOver) -> Result<TakenOver, Problem> {
        self.count()
    }

    fn changes_since(&self, _: &ClientName, _: &ChangesSince) -> Result<ChangesPage, Problem> {
        self.count()
    }

    fn list_at(&self, _: &ClientName, _: &ListAt) -> Result<EntriesPage, Problem> {
        let page = self.listing.lock().expect("not poisoned").clone();
        page.map_or_else(|| self.count(), Ok)
    }

    fn propose(&self, _: &ClientName, _: &Propose) -> Result<Proposed, Problem> {
        self.count()
    }

    fn fill(&self, _: &ClientName, _: &Fill) -> Result<Filled, Problem> {
        self.count()
    }

    fn commit(&self, _: &ClientName, _: &Commit, at_ceiling: AtCeiling) -> Result<Committed, Problem> {
        *self.at_ceiling.lock().expect("not poisoned") = Some(at_ceiling);
        if let Some(gate) = self.gate.lock().expect("not poisoned").take() {
            gate.arrived.send(()).expect("the test waits for it");
            gate.open.recv().expect("the test opens it");
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Committed::Durable { head: Head::genesis(), wanted: Vec::new() })
    }

    fn read_at(&self, _: &ClientName, _: &ReadAt) -> Result<ReadPage, Problem> {
        self.count()
    }

    fn check(&self, _: &ClientName, _: &Check) -> Result<CheckPage, Problem> {
        panic!("a test's own panic");
    }

    fn chunks(&self, _: &ClientName, _: &Chunks) -> Result<ChunksPage, Problem> {
        self.count()
    }

    fn mend(&self, _: &ClientName, _: &Mend) -> Result<Mended, Problem> {
        self.count()
    }

    fn mirrors(&self, _: &ClientName, _: &Mirrors) -> Result<MirrorsPage, Problem> {
        self.count()
    }

    fn revisions(&self, _: &ClientName, _: &Revisions) -> Result<RevisionsPage, Problem> {
        self.count()
    }

    fn versions(&self, _: &ClientName, _: &Versions) -> Result<VersionsPage, Problem> {
        self.count()
    }

    fn entries_at(&self, _: &ClientName, _: &EntriesAt) -> Result<FoundEntries, Problem> {
        self.count()
    }
}

/// One request for each route, in the order of the table.
pub(crate) fn samples() -> Vec<Request> {
    let mirror = MirrorName::parse(b"docs").expect("a valid name");
    let (lineage, proposal) = (Lineage::from_bytes([2; 16]), RevisionDigest::from_bytes([4; 32]));
    let source = Source { path: b"/home/u/docs".to_vec().into(), identity: vec![1].into(), host: "laptop".to_owned() };
    let round = Round { id: RoundId::from_bytes([3; 16]), started: Timestamp::from_nanos(5) };
    let path = RelPath::parse(b"a/b").expect("a valid path");
    let range = ByteRange { offset: 0, length: 10 };
    let contents = vec![ContentPlan { content: ContentId::of(b"x"), length: 1, recipe: Vec::new() }];
    let changes = vec![Change::Delete { path: path.clone() }];
    let (m, head) = (|| mirror.clone(), Head::genesis());
    let pieces = vec![Piece { index: 0, offset: 0, length: 1 }];
    vec![
        Request::Hello(Hello::new(1, 1)),
        Request::Contact(Contact { mirror: m(), lineage, head }),
        Request::Claim(Claim { mirror: m(), source, replaces: None }),
        Request::TakeOver(TakeOver { mirror: m(), lineage, former: None, fork: head }),
        Request::ChangesSince(ChangesSince { mirror: m(), since: head, until: None, skip: 0 }),
        Request::ListAt(ListAt { mirror: m(), revision: None, after: None }),
        Request::Propose(Propose { mirror: m(), base: head, lineage, round, changes, contents }),
        Request::Fill(Fill {
            mirror: m(),
            proposal,
            pieces,
            compression: Compression::None,
            data: b"x".to_vec().into(),
        }),
        commit(),
        Request::ReadAt(ReadAt { mirror: m(), revision: None, path: path.clone(), range, suspect: false }),
        Request::Check(Check { mirror: m(), after: None, read_contents: false, budget: None, mend: false }),
        Request::Chunks(Chunks { mirror: m(), wanted: Vec::new() }),
        Request::Mend(Mend { mirror: m(), lineage, contents: Vec::new(), after: None }),
        Request::Mirrors(Mirrors { after: None }),
        Request::Revisions(Revisions { mirror: m(), after: None, as_of: None }),
        Request::Versions(Versions { mirror: m(), path: path.clone(), until: None, along: None }),
        Request::EntriesAt(EntriesAt { mirror: m(), revision: None, paths: vec![path.clone()] }),
    ]
}

/// The sample for `commit`, which this store answers.
pub(crate) fn commit() -> Request {
    let mirror = MirrorName::parse(b"docs").expect("a valid name");
    let (lineage, proposal) = (Lineage::from_bytes([2; 16]), RevisionDigest::from_bytes([4; 32]));
    Request::Commit(Commit { mirror, proposal, lineage })
}

#[test]
fn there_is_a_sample_for_every_route() {
    assert_eq!(samples().iter().map(Request::route).collect::<Vec<_>>(), Request::ROUTES);
}
