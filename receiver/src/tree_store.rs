//! [`TreeStore`]: mirrors as plain files on a local disk, with one SQLite catalog a client.
//!
//! `DATA/CLIENT/MIRROR/` is the mirror itself; `DATA/CLIENT/.roundsman/` holds the client's catalog, staging,
//! versions and parking. A commit is decided by one catalog transaction, the point of no return; what it means on
//! disk are steps that were written down with it ([`step`], [`sequence`], [`executor`]) and are redone after a
//! crash. Clients share nothing, not even a lock.

mod arriving;
mod assemble;
mod at_once;
mod bytes;
mod carry;
mod check;
mod chunks;
mod client;
mod commit;
mod delivery;
mod durability;
mod examine;
mod executor;
mod forgetting;
mod held;
mod instances;
mod mend;
mod mirror;
mod pace;
mod past;
mod plan;
mod prefix;
mod probe;
mod problems;
mod put_right;
mod queries;
mod reading;
mod rebuild;
mod redo;
mod redo_log;
mod rights;
mod room;
mod scrub;
mod sequence;
mod shelves;
mod staged;
mod staging;
mod step;
mod upkeep;

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::wire::{
    ChangesPage, ChangesSince, Check, CheckPage, Chunks, ChunksPage, Claim, Claimed, Commit, Committed, Contact,
    ContactReply, EntriesAt, EntriesPage, Fill, Filled, FoundEntries, ListAt, Mend, Mended, Mirrors, MirrorsPage,
    Propose, Proposed, ReadAt, ReadPage, Revisions, RevisionsPage, TakeOver, TakenOver, Versions, VersionsPage,
};
use protocol::{ClientName, MirrorName, Problem, StoreId};
use seams::clock::Clock;
use seams::fs::{Directory, Fs};
use thiserror::Error;

use crate::catalog::CatalogPlace;
use crate::retention::{AtCeiling, Keeping, Retention};
use crate::store::Store;
use crate::store::rules::no_mirror;
use crate::tree_store::client::ClientStore;
use crate::tree_store::pace::ReadingPace;
use crate::tree_store::shelves::{CATALOG, OWN, is_known};

pub use probe::{Lack, ProbeReport};
pub use rebuild::{RebuildError, Rebuilt, rebuild_catalog};
pub(crate) use upkeep::remove_all;

/// Where catalogs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogs {
    /// In the data directory, beside what they describe.
    OnDisk,
    /// In memory, gone with the store: for tests whose file system is in memory, too.
    InMemory,
}

/// Why a data directory cannot be used as a tree store.
#[derive(Debug, Error)]
pub enum TreeStoreError {
    /// It cannot be opened.
    #[error("cannot open the data directory {}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its file system cannot keep a mirror.
    #[error("the file system of {} cannot keep mirrors: {report}; use another", .path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// What it lacks.
        report: ProbeReport,
    },
}

/// Mirrors as plain files.
#[derive(Debug)]
pub struct TreeStore {
    id: StoreId,
    path: PathBuf,
    data: Arc<dyn Directory>,
    catalogs: Catalogs,
    clock: Arc<dyn Clock>,
    keeping: Keeping,
    /// How far apart a client's old history is looked at.
    pause: Duration,
    /// How fast checks read.
    checks: ReadingPace,
    clients: Mutex<HashMap<ClientName, ClientSlot>>,
}

/// A client, once it was opened. Opening one makes no other wait.
type ClientSlot = Arc<Mutex<Option<Arc<ClientStore>>>>;

impl TreeStore {
    /// Opens a data directory, looks whether its file system will do, and finishes what a crash cut short.
    ///
    /// A client whose catalog cannot be opened is named in the log and in the answers to its requests; the others
    /// are served.
    ///
    /// # Errors
    /// See [`TreeStoreError`].
    pub fn open(
        fs: &dyn Fs,
        path: &Path,
        id: StoreId,
        catalogs: Catalogs,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TreeStoreError> {
        let failed = |source| TreeStoreError::Io { path: path.to_owned(), source };
        let data = fs.open_root(path).map_err(failed)?;
        let report = probe::probe(&*data).map_err(failed)?;
        if !report.is_fit() {
            return Err(TreeStoreError::Unfit { path: path.to_owned(), report });
        }
        let store = Self {
            id,
            path: path.to_owned(),
            data,
            catalogs,
            clock,
            keeping: Keeping::default(),
            pause: Duration::ZERO,
            checks: ReadingPace::default(),
            clients: Mutex::default(),
        };
        store.open_known_clients().map_err(failed)?;
        Ok(store)
    }

    /// The same, that keeps this; and looks for old history so far apart. Without this it forgets nothing.
    #[must_use]
    pub fn keeping(self, keeping: Keeping, pause: Duration) -> Self {
        Self { keeping, pause, ..self }
    }

    /// The same, that reads so many bytes a second at most for those who compare mirrors with what is kept, all together.
    #[must_use]
    pub fn checking_at(self, rate: Option<NonZeroU64>) -> Self {
        Self { checks: ReadingPace::new(rate), ..self }
    }

    fn retention(&self, client: &ClientName) -> Retention {
        self.keeping.history.as_ref().map_or(Retention::FOR_EVER, |retentions| retentions.of(client))
    }

    /// Everybody who has something here.
    fn known_names(&self) -> io::Result<impl Iterator<Item = ClientName>> {
        let text = |name: &protocol::Name| std::str::from_utf8(name.as_bytes()).map(str::to_owned);
        let names = self.data.list()?;
        Ok(names.into_iter().filter_map(move |name| ClientName::parse(&text(&name).ok()?).ok()))
    }

    fn open_known_clients(&self) -> io::Result<()> {
        for client in self.known_names()? {
            if let Err(problem) = self.known(&client) {
                tracing::error!(%client, %problem, "this client cannot be served");
            }
        }
        Ok(())
    }

    /// A client that has something here.
    fn known(&self, client: &ClientName) -> Result<Option<Arc<ClientStore>>, Problem> {
        let slot = self.slot(client);
        let mut opened = slot.lock().expect("no holder of this lock panics");
        if opened.is_none() && !is_known(&*self.data, &client.as_name()) {
            return Ok(None);
        }
        self.opened(client, &mut opened).map(Some)
    }

    /// A client, which from now on has something here.
    fn client(&self, client: &ClientName) -> Result<Arc<ClientStore>, Problem> {
        let slot = self.slot(client);
        self.opened(client, &mut slot.lock().expect("no holder of this lock panics"))
    }

    fn slot(&self, client: &ClientName) -> ClientSlot {
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        Arc::clone(clients.entry(client.clone()).or_default())
    }

    fn opened(&self, client: &ClientName, slot: &mut Option<Arc<ClientStore>>) -> Result<Arc<ClientStore>, Problem> {
        if let Some(opened) = slot {
            return Ok(Arc::clone(opened));
        }
        let place = match self.catalogs {
            Catalogs::OnDisk => CatalogPlace::File(self.path.join(client.as_str()).join(OWN).join(CATALOG)),
            Catalogs::InMemory => CatalogPlace::Memory,
        };
        let opened = Arc::new(ClientStore::open(&*self.data, client, &place, Arc::clone(&self.clock))?);
        Ok(Arc::clone(slot.insert(opened)))
    }

    fn with<T>(
        &self,
        client: &ClientName,
        mirror: &MirrorName,
        work: impl FnOnce(&ClientStore) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let client = self.known(client)?.ok_or_else(|| no_mirror(mirror))?;
        work(&client)
    }
}

impl Store for TreeStore {
    fn id(&self) -> StoreId {
        self.id
    }

    fn contact(&self, client: &ClientName, request: &Contact) -> Result<ContactReply, Problem> {
        match self.known(client)? {
            Some(client) => client.contact(request),
            None => Ok(queries::nobody_claimed(request)),
        }
    }

    fn claim(&self, client: &ClientName, request: &Claim) -> Result<Claimed, Problem> {
        self.client(client)?.claim(request)
    }

    fn take_over(&self, client: &ClientName, request: &TakeOver) -> Result<TakenOver, Problem> {
        self.with(client, &request.mirror, |client| client.take_over(request))
    }

    fn changes_since(&self, client: &ClientName, request: &ChangesSince) -> Result<ChangesPage, Problem> {
        self.with(client, &request.mirror, |client| client.changes_since(request))
    }

    fn list_at(&self, client: &ClientName, request: &ListAt) -> Result<EntriesPage, Problem> {
        self.with(client, &request.mirror, |client| client.list_at(request))
    }

    fn propose(&self, client: &ClientName, request: &Propose) -> Result<Proposed, Problem> {
        self.with(client, &request.mirror, |client| client.propose(request, self.keeping.min_free))
    }

    fn fill(&self, client: &ClientName, request: &Fill) -> Result<Filled, Problem> {
        self.with(client, &request.mirror, |client| client.fill(request))
    }

    fn commit(&self, client: &ClientName, request: &Commit, at_ceiling: AtCeiling) -> Result<Committed, Problem> {
        self.with(client, &request.mirror, |store| store.commit(request, &self.retention(client), at_ceiling))
    }

    fn read_at(&self, client: &ClientName, request: &ReadAt) -> Result<ReadPage, Problem> {
        self.with(client, &request.mirror, |client| client.read_at(request))
    }

    fn check(&self, client: &ClientName, request: &Check) -> Result<CheckPage, Problem> {
        self.with(client, &request.mirror, |client| client.check(request, &self.checks))
    }

    fn chunks(&self, client: &ClientName, request: &Chunks) -> Result<ChunksPage, Problem> {
        self.with(client, &request.mirror, |client| client.chunks(request))
    }

    fn mirrors(&self, client: &ClientName, request: &Mirrors) -> Result<MirrorsPage, Problem> {
        match self.known(client)? {
            Some(client) => client.mirrors(request),
            None => Ok(MirrorsPage { mirrors: Vec::new(), more: false }),
        }
    }

    fn revisions(&self, client: &ClientName, request: &Revisions) -> Result<RevisionsPage, Problem> {
        self.with(client, &request.mirror, |client| client.revisions(request))
    }

    fn versions(&self, client: &ClientName, request: &Versions) -> Result<VersionsPage, Problem> {
        self.with(client, &request.mirror, |client| client.versions(request))
    }

    fn entries_at(&self, client: &ClientName, request: &EntriesAt) -> Result<FoundEntries, Problem> {
        self.with(client, &request.mirror, |client| client.entries_at(request))
    }

    fn keep_up(&self, going: &dyn Fn() -> bool) {
        if self.keeping.history.is_none() {
            return;
        }
        let names = match self.known_names() {
            Ok(names) => names,
            Err(error) => return tracing::error!(%error, "nothing old can be removed now"),
        };
        for client in names.take_while(|_| going()) {
            let opened = self.known(&client);
            let kept = opened.and_then(|store| {
                store.map_or(Ok(()), |store| store.retain(&self.retention(&client), self.pause, going))
            });
            if let Err(problem) = kept {
                tracing::error!(%client, %problem, "nothing old of this client can be removed now");
            }
        }
    }

    fn scrub(&self, every: Duration, tick: Duration, going: &dyn Fn() -> bool) {
        let slots: Vec<(ClientName, ClientSlot)> =
            self.clients.lock().expect("no holder of this lock panics").clone().into_iter().collect();
        for (client, slot) in slots {
            let opened = slot.lock().expect("no holder of this lock panics").clone();
            let Some(opened) = opened.filter(|_| going()) else { continue };
            if let Err(problem) = opened.scrub(every, tick, going) {
                tracing::error!(%client, %problem, "the scrub cannot go on");
            }
        }
    }

    fn mend(&self, client: &ClientName, request: &Mend) -> Result<Mended, Problem> {
        self.with(client, &request.mirror, |client| client.mend(request, self.keeping.min_free))
    }
}

#[cfg(test)]
#[path = "tree_store/tree_store_tests.rs"]
mod tests;
