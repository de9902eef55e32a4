//! [`MemoryStore`]: mirrors as values. It is the model that every other store is compared with.
//!
//! Each revision is a whole [`Tree`]; a batch means what [`Tree::apply`] says. Nothing outlives the process.

mod contents;
mod difference;
mod mirror;
mod past;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::limits::MAX_READ_BYTES;
use protocol::wire::{
    ChangesPage, ChangesSince, Check, CheckPage, Chunks, ChunksPage, Claim, Claimed, Commit, Committed, Contact,
    ContactReply, EntriesAt, EntriesPage, Fill, Filled, FoundEntries, ListAt, Mend, Mended, Mirrors, MirrorsPage,
    Propose, Proposed, ReadAt, ReadPage, Revisions, RevisionsPage, TakeOver, TakenOver, Versions, VersionsPage,
};
use protocol::{ClientName, MirrorName, Problem, ProblemCode, StoreId};
use seams::clock::{Clock, SystemClock};

use crate::memory_store::contents::Contents;
use crate::memory_store::mirror::Mirror;
use crate::retention::AtCeiling;
use crate::store::Store;
use crate::store::chunks::{not_held, page_of_chunks};
use crate::store::frame::Frame;
use crate::store::page::page_of_mirrors;
use crate::store::proposal::{FirstUse, Proposal, check_pieces};
use crate::store::rules::{head_moved, judge_writer, no_mirror, unknown_proposal};
use crate::store::versions::page_of_versions;

/// A store that keeps everything in memory.
#[derive(Debug)]
pub struct MemoryStore {
    id: StoreId,
    clock: Arc<dyn Clock>,
    clients: Mutex<BTreeMap<ClientName, Client>>,
}

#[derive(Debug, Default)]
struct Client {
    mirrors: BTreeMap<MirrorName, Mirror>,
    contents: Contents,
}

impl Client {
    fn mirror(&mut self, name: &MirrorName) -> Result<&mut Mirror, Problem> {
        self.mirrors.get_mut(name).ok_or_else(|| no_mirror(name))
    }
}

impl MemoryStore {
    /// A store without mirrors, that goes by the machine's own clock.
    #[must_use]
    pub fn new(id: StoreId) -> Self {
        Self::with_clock(id, Arc::new(SystemClock::new()))
    }

    /// A store without mirrors, that goes by this clock.
    #[must_use]
    pub fn with_clock(id: StoreId, clock: Arc<dyn Clock>) -> Self {
        Self { id, clock, clients: Mutex::default() }
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<ClientName, Client>> {
        self.clients.lock().expect("no holder of this lock panics")
    }

    /// Does something with what a client has; a client nobody heard of has nothing.
    fn with<T>(&self, client: &ClientName, work: impl FnOnce(&mut Client) -> Result<T, Problem>) -> Result<T, Problem> {
        work(self.clients().entry(client.clone()).or_default())
    }
}

impl Store for MemoryStore {
    fn id(&self) -> StoreId {
        self.id
    }

    fn contact(&self, client: &ClientName, request: &Contact) -> Result<ContactReply, Problem> {
        self.with(client, |client| match client.mirrors.get(&request.mirror) {
            Some(mirror) => Ok(mirror.contact(request, self.clock.now())),
            None => Ok(Mirror::nobody_claimed(request)),
        })
    }

    fn claim(&self, client: &ClientName, request: &Claim) -> Result<Claimed, Problem> {
        self.with(client, |client| {
            client.mirrors.entry(request.mirror.clone()).or_insert_with(Mirror::new).claim(request)
        })
    }

    fn take_over(&self, client: &ClientName, request: &TakeOver) -> Result<TakenOver, Problem> {
        self.with(client, |client| client.mirror(&request.mirror)?.take_over(request))
    }

    fn changes_since(&self, client: &ClientName, request: &ChangesSince) -> Result<ChangesPage, Problem> {
        self.with(client, |client| client.mirror(&request.mirror)?.changes_since(request))
    }

    fn list_at(&self, client: &ClientName, request: &ListAt) -> Result<EntriesPage, Problem> {
        self.with(client, |client| client.mirror(&request.mirror)?.list_at(request))
    }

    fn propose(&self, client: &ClientName, request: &Propose) -> Result<Proposed, Problem> {
        let proposal = Proposal::check(request)?;
        self.with(client, |client| {
            let mirror = client.mirrors.get_mut(&request.mirror).ok_or_else(|| no_mirror(&request.mirror))?;
            if mirror.head() == proposal.result {
                return Ok(Proposed::Done { head: proposal.result });
            }
            judge_writer(proposal.base, mirror.superseded_at(proposal.lineage))?;
            if proposal.base == mirror.head() {
                if let Err(refused) = mirror.tree().apply(&proposal.changes) {
                    return Ok(Proposed::Refused { refused });
                }
            } else if !mirror.proposals.would_make(proposal.base) {
                return Err(head_moved(&request.mirror, mirror.head(), proposal.base));
            }
            let missing = client.contents.missing(&proposal)?;
            let digest = proposal.result.digest;
            mirror.proposals.keep(Arc::new(proposal), self.clock.since_boot());
            Ok(Proposed::Open { proposal: digest, missing })
        })
    }

    fn fill(&self, client: &ClientName, request: &Fill) -> Result<Filled, Problem> {
        let frame = Frame::unpack(request)?;
        self.with(client, |client| {
            let open = client.mirror(&request.mirror)?.proposals.find(request.proposal);
            let proposal = open.ok_or_else(|| unknown_proposal(&request.mirror))?;
            check_pieces(&proposal, &request.pieces)?;
            client.contents.fill(&proposal, &frame)
        })
    }

    fn commit(&self, client: &ClientName, request: &Commit, _: AtCeiling) -> Result<Committed, Problem> {
        self.with(client, |client| {
            let mirror = client.mirrors.get_mut(&request.mirror).ok_or_else(|| no_mirror(&request.mirror))?;
            if mirror.head().digest == request.proposal {
                return Ok(Committed::Durable { head: mirror.head(), wanted: Vec::new() });
            }
            let open = mirror.proposals.find(request.proposal);
            let proposal = open.ok_or_else(|| unknown_proposal(&request.mirror))?;
            judge_writer(proposal.base, mirror.superseded_at(request.lineage))?;
            if proposal.base != mirror.head() {
                return Err(head_moved(&request.mirror, mirror.head(), proposal.base));
            }
            let tree = match mirror.tree().apply(&proposal.changes) {
                Ok(tree) => tree,
                Err(refused) => return Ok(Committed::Refused { refused }),
            };
            let missing = client.contents.missing(&proposal)?;
            if !missing.is_empty() {
                return Ok(Committed::Incomplete { missing, mismatched: Vec::new() });
            }
            let mismatched = client.contents.make_all(&proposal)?;
            if !mismatched.is_empty() {
                let wrong = mismatched.iter().map(|mismatch| mismatch.index);
                let literal = mirror.proposals.demand_literals(&proposal, wrong, self.clock.since_boot());
                let missing = client.contents.missing(&literal)?;
                return Ok(Committed::Incomplete { missing, mismatched });
            }
            mirror.append(&proposal, request.lineage, tree, self.clock.now());
            mirror.proposals.close(request.proposal);
            Ok(Committed::Durable { head: proposal.result, wanted: Vec::new() })
        })
    }

    fn read_at(&self, client: &ClientName, request: &ReadAt) -> Result<ReadPage, Problem> {
        self.with(client, |client| {
            let entry = client.mirror(&request.mirror)?.entry_at(request)?;
            let Some((content, _)) = entry.content() else {
                return Err(Problem::new(ProblemCode::Malformed, format!("{} is no file", request.path)));
            };
            let length = request.range.length.min(MAX_READ_BYTES);
            let data = client.contents.read(content, request.range.offset, length);
            Ok(ReadPage { entry, data: data.into(), is_whole: request.suspect.then_some(true) })
        })
    }

    /// What is only known and nowhere else cannot differ from what is known.
    fn check(&self, client: &ClientName, request: &Check) -> Result<CheckPage, Problem> {
        self.with(client, |client| {
            client.mirror(&request.mirror)?;
            Ok(CheckPage::default())
        })
    }

    /// Nothing that is nowhere else can be damaged.
    fn mend(&self, client: &ClientName, request: &Mend) -> Result<Mended, Problem> {
        self.with(client, |client| {
            let mirror = client.mirror(&request.mirror)?;
            judge_writer(mirror.head(), mirror.superseded_at(request.lineage))?;
            let proposal = Proposal::mending(request, |_| FirstUse::default())?.result.digest;
            Ok(Mended { proposal, missing: vec![], mismatched: vec![], places: 0, wanted: vec![], more: false })
        })
    }

    fn chunks(&self, client: &ClientName, request: &Chunks) -> Result<ChunksPage, Problem> {
        self.with(client, |client| {
            client.mirror(&request.mirror)?;
            page_of_chunks(request, |cut, pager| {
                let Some(bytes) = client.contents.whole(cut.content) else { return Ok(Some(not_held())) };
                let read = |buffer: &mut [u8], at| Ok(read_at(bytes, buffer, at));
                Ok(pager.cut(cut, bytes.len() as u64, read).expect("memory can always be read"))
            })
        })
    }

    fn mirrors(&self, client: &ClientName, request: &Mirrors) -> Result<MirrorsPage, Problem> {
        self.with(client, |client| {
            let known = client.mirrors.iter().filter_map(|(name, mirror)| mirror.known(name)).collect();
            Ok(page_of_mirrors(known, request))
        })
    }

    fn revisions(&self, client: &ClientName, request: &Revisions) -> Result<RevisionsPage, Problem> {
        self.with(client, |client| Ok(client.mirror(&request.mirror)?.revisions(request)))
    }

    fn versions(&self, client: &ClientName, request: &Versions) -> Result<VersionsPage, Problem> {
        self.with(client, |client| page_of_versions(client.mirror(&request.mirror)?, request))
    }

    fn entries_at(&self, client: &ClientName, request: &EntriesAt) -> Result<FoundEntries, Problem> {
        self.with(client, |client| client.mirror(&request.mirror)?.entries_at(request))
    }
}

fn read_at(bytes: &[u8], buffer: &mut [u8], at: u64) -> usize {
    let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let length = rest.len().min(buffer.len());
    buffer[..length].copy_from_slice(&rest[..length]);
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::peer::Peer;
    use crate::store::conformance::{
        MANY_COPIES, Walk, a_copied_directory_is_named_and_nothing_of_it_is_asked_for, trees,
    };

    crate::store::conformance::suite!(|| {
        let clock = std::sync::Arc::new(seams::memory::ManualClock::new(SystemClock::new().now()));
        (MemoryStore::with_clock(StoreId::from_bytes([7; 16]), clock.clone()), clock, ())
    });

    #[test]
    fn every_ordered_pair_of_trees_of_three_entries_is_one_batch() {
        let trees = trees(3);
        for (at, hub) in trees.iter().enumerate() {
            let store = MemoryStore::new(StoreId::from_bytes([7; 16]));
            let mut walk = Walk::begin(Peer::new(&store));
            walk.pairs(hub, &trees[at..], &mut |_| {});
            walk.every_revision_is_still_right();
        }
    }

    #[test]
    fn copies_are_named_and_not_asked_for() {
        let store = MemoryStore::new(StoreId::from_bytes([7; 16]));
        a_copied_directory_is_named_and_nothing_of_it_is_asked_for(&store, MANY_COPIES);
    }
}
