//! A client without disk: a ledger, contents, and a caller on a clock set by hand.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::wire::{Limits, Round};
use protocol::{
    ByteRange, Change, ContentId, Entry, Head, Lineage, Metadata, MirrorName, RelPath, RevisionDigest, RoundId,
    StoreId, Timestamp, Tree,
};
use seams::memory::ManualClock;
use seams::parallel::Parallel;
use seams::progress::{Progress, Unwatched};
use seams::random::SeededRandom;

use crate::{
    Caller, CompressionLevel, Contacted, ContentError, Contents, DeliverError, Deliverer, Delivery, Ledger, NoBases,
    Recipes, RetryPolicy, Sizes, Standing, Transport, batches, make_contact, take_over,
};

#[derive(Debug)]
pub(crate) struct MemoryLedger(Mutex<Kept>);

#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) standing: Standing,
    pub(crate) tree: Tree,
}

impl MemoryLedger {
    pub(crate) fn new(lineage: u8) -> Self {
        let lineage = Lineage::from_bytes([lineage; 16]);
        let standing = Standing { lineage, head: Head::genesis(), store: None, in_flight: None };
        Self(Mutex::new(Kept { standing, tree: Tree::new() }))
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no test panics while it holds this")
    }
}

impl Ledger for MemoryLedger {
    fn standing(&self) -> io::Result<Standing> {
        Ok(self.kept().standing)
    }

    fn set_lineage(&self, lineage: Lineage) -> io::Result<()> {
        self.kept().standing.lineage = lineage;
        Ok(())
    }

    fn set_store(&self, store: StoreId) -> io::Result<()> {
        self.kept().standing.store = Some(store);
        Ok(())
    }

    fn note_in_flight(&self, digest: RevisionDigest) -> io::Result<()> {
        self.kept().standing.in_flight = Some(digest);
        Ok(())
    }

    fn acknowledge(&self, head: Head, changes: &[Change]) -> io::Result<()> {
        let mut kept = self.kept();
        kept.tree = kept.tree.apply(changes).map_err(|refused| io::Error::other(format!("{refused:?}")))?;
        (kept.standing.head, kept.standing.in_flight) = (head, None);
        Ok(())
    }

    fn replace_acknowledged(
        &self,
        head: Head,
        root: &Metadata,
        entries: &mut dyn Iterator<Item = io::Result<(RelPath, Entry)>>,
    ) -> io::Result<()> {
        let mut tree = Tree::new();
        tree.set_root(root.clone());
        for entry in entries {
            let (path, entry) = entry?;
            tree.insert(path, entry);
        }
        let mut kept = self.kept();
        kept.tree = tree;
        (kept.standing.head, kept.standing.in_flight) = (head, None);
        Ok(())
    }
}

/// Contents by id; one without bytes has changed.
#[derive(Debug, Default)]
pub(crate) struct MemoryContents(pub(crate) BTreeMap<ContentId, io::Result<Vec<u8>>>);

impl Contents for MemoryContents {
    fn read(&self, content: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError> {
        let at = |n: u64| usize::try_from(n).expect("small");
        match self.0.get(content) {
            None => Err(ContentError::Changed),
            Some(Err(error)) => Err(ContentError::Io(io::Error::from(error.kind()))),
            Some(Ok(bytes)) => {
                let end = at(range.offset + range.length);
                into.extend_from_slice(bytes.get(at(range.offset)..end).ok_or(ContentError::Changed)?);
                Ok(())
            }
        }
    }
}

/// One client with its state directory.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) ledger: MemoryLedger,
    pub(crate) contents: MemoryContents,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) mirror: MirrorName,
    pub(crate) parallel: Parallel,
    pub(crate) limits: Limits,
    pub(crate) progress: Arc<dyn Progress>,
}

impl Client {
    pub(crate) fn new(lineage: u8, transport: Arc<dyn Transport>) -> Self {
        Self {
            ledger: MemoryLedger::new(lineage),
            contents: MemoryContents::default(),
            transport,
            clock: Arc::new(ManualClock::new(Timestamp::from_nanos(0))),
            random: Arc::new(SeededRandom::new(u64::from(lineage))),
            stop: Arc::default(),
            mirror: MirrorName::parse(b"docs").expect("a valid name"),
            parallel: Parallel::in_order(),
            limits: Limits { batch_changes: 65_536, frame_bytes: 16, concurrent_requests: 4 },
            progress: Arc::new(Unwatched),
        }
    }

    /// A second client whose state directory is a copy of this one's.
    pub(crate) fn copied(&self, transport: Arc<dyn Transport>) -> Self {
        let copy = Self::new(200, transport);
        *copy.ledger.kept() = self.ledger.kept().clone();
        copy
    }

    pub(crate) fn caller(&self) -> Caller {
        let (transport, random) = (self.transport.clone(), self.random.clone());
        Caller::new(transport, self.clock.clone(), random, RetryPolicy::default(), self.stop.clone())
    }

    pub(crate) fn contact(&self) -> Result<Contacted, DeliverError> {
        make_contact(&self.caller(), &self.mirror, &self.ledger, &*self.random)
    }

    pub(crate) fn take_over(&self) -> Result<Contacted, DeliverError> {
        take_over(&self.caller(), &self.mirror, &self.ledger, &*self.random)
    }

    /// The bytes of files made by `test_support::file`.
    pub(crate) fn with(mut self, texts: &[&str]) -> Self {
        let known = |text: &&str| (ContentId::of(text.as_bytes()), Ok(text.as_bytes().to_vec()));
        self.contents.0.extend(texts.iter().map(known));
        self
    }

    /// Delivers a plan on the present head, in batches of so many changes.
    pub(crate) fn deliver(&self, plan: Vec<Change>, batch: usize) -> (Delivery, Result<(), DeliverError>) {
        self.deliver_with(&Recipes::new(&NoBases), plan, batch)
    }

    /// The same by these recipes.
    pub(crate) fn deliver_with(
        &self,
        recipes: &Recipes<'_>,
        plan: Vec<Change>,
        batch: usize,
    ) -> (Delivery, Result<(), DeliverError>) {
        let sizes = Sizes { changes: batch, ..Sizes::default() };
        let batches = batches(plan, &sizes).expect("no large circle of directories in tests");
        let mut delivery = Delivery::default();
        let ended = self.deliverer(&self.caller(), recipes).deliver(batches, &mut delivery);
        (delivery, ended)
    }

    /// What delivers for it.
    pub(crate) fn deliverer<'a>(&'a self, caller: &'a Caller, recipes: &'a Recipes<'a>) -> Deliverer<'a> {
        Deliverer {
            caller,
            mirror: &self.mirror,
            round: Round { id: RoundId::from_bytes([0; 16]), started: Timestamp::from_nanos(0) },
            ledger: &self.ledger,
            contents: &self.contents,
            recipes,
            parallel: self.parallel,
            processors: 2,
            compression: CompressionLevel::Auto,
            limits: self.limits,
            progress: &*self.progress,
        }
    }

    /// Contact, then all that turns the acknowledged tree into this one.
    pub(crate) fn round(&self, source: &Tree, batch: usize) -> Result<Delivery, DeliverError> {
        self.contact()?;
        let plan = super::difference(&self.ledger.kept().tree, source);
        let (delivery, ended) = self.deliver(plan, batch);
        ended.map(|()| delivery)
    }
}
