//! [`ClientStore`]: everything of one client, with locks of its own.
//!
//! Locks are taken in this order, and none is held while waiting for the network: a mirror's commit, the client's
//! turn, a mirror's steps, a staged content, the catalog. The catalog's is held for one query or transaction at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use protocol::{ClientName, ContentId, MirrorName, Problem, Timestamp};
use seams::clock::Clock;
use seams::fs::Directory;

use crate::catalog::{Catalog, CatalogError, CatalogPlace, Node, VersionId};
use crate::store::rules::no_mirror;
use crate::tree_store::durability::Durability;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::problems::disk;
use crate::tree_store::redo_log;
use crate::tree_store::shelves::Shelves;
use crate::tree_store::staging::Staging;
use crate::tree_store::step::{Step, version_name};

/// How often a client's staging is swept while it proposes.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// One client.
#[derive(Debug)]
pub(super) struct ClientStore {
    /// Its directories.
    pub(super) shelves: Shelves,
    /// What arrives.
    pub(super) staging: Staging,
    /// How its files become durable.
    pub(super) durability: Durability,
    /// What time it is.
    pub(super) clock: Arc<dyn Clock>,
    /// The next numbers; those of a failed commit are left out, and nothing has them.
    next_node: AtomicI64,
    next_version: AtomicI64,
    catalog: Mutex<Catalog>,
    /// When the staging was swept last, since boot.
    swept: Mutex<Duration>,
    mirrors: Mutex<HashMap<MirrorName, Arc<Mirror>>>,
    turn: Mutex<()>,
    /// Held by whoever forgets old history.
    pub(super) upkeep: Mutex<()>,
    /// Held shared from a look at what is held until that is pinned, and alone by whoever lets something go.
    pinning: RwLock<()>,
}

impl ClientStore {
    /// Opens a client, finishes what a crash cut short, and sweeps what it left.
    pub(super) fn open(
        data: &dyn Directory,
        client: &ClientName,
        place: &CatalogPlace,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Problem> {
        let shelves = Shelves::open(data, &client.as_name()).map_err(disk("open the client's folder"))?;
        let catalog = Catalog::open(place)?;
        let (node, version) = catalog.sequences()?;
        let needed = needed_instances(&catalog)?;
        let staging = Staging::open(Arc::clone(&shelves.staging), &needed, clock.now());
        let store = Self {
            durability: Durability::new(Arc::clone(&shelves.staging)),
            staging: staging.map_err(disk("look at what is staged"))?,
            swept: Mutex::new(clock.since_boot()),
            shelves,
            clock,
            next_node: AtomicI64::new(node.0),
            next_version: AtomicI64::new(version.0),
            catalog: Mutex::new(catalog),
            mirrors: Mutex::default(),
            turn: Mutex::default(),
            upkeep: Mutex::default(),
            pinning: RwLock::default(),
        };
        store.redo_all()?;
        store.take_out_of_versions()?;
        Ok(store)
    }

    /// The catalog, for one query or transaction.
    pub(super) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().expect("no holder of this lock panics")
    }

    /// A mirror that somebody claimed.
    pub(super) fn mirror(&self, name: &MirrorName) -> Result<Arc<Mirror>, Problem> {
        let mut mirrors = self.mirrors.lock().expect("no holder of this lock panics");
        if let Some(mirror) = mirrors.get(name) {
            return Ok(Arc::clone(mirror));
        }
        let record = self.catalog().mirror(name)?.ok_or_else(|| no_mirror(name))?;
        let mirror = Arc::new(Mirror::new(record));
        mirrors.insert(name.clone(), Arc::clone(&mirror));
        Ok(mirror)
    }

    /// Sweeps the staging, if that was not done for a while.
    pub(super) fn sweep_if_due(&self) -> Result<(), Problem> {
        let mut swept = self.swept.lock().expect("no holder of this lock panics");
        let uptime = self.clock.since_boot();
        if uptime.saturating_sub(*swept) < SWEEP_INTERVAL {
            return Ok(());
        }
        *swept = uptime;
        let mirrors: Vec<Arc<Mirror>> =
            self.mirrors.lock().expect("no holder of this lock panics").values().cloned().collect();
        mirrors.iter().for_each(|mirror| mirror.proposals().expire(uptime));
        self.staging.sweep(self.now(), &self.pinned()).map_err(disk("sweep what is staged"))
    }

    /// Contents that open proposals put into files or copy from. Whatever removes bytes asks this first: nothing that
    /// a client was told it need not send may vanish before its commit.
    pub(super) fn pinned(&self) -> HashSet<ContentId> {
        let mirrors = self.mirrors.lock().expect("no holder of this lock panics");
        mirrors.values().flat_map(|mirror| mirror.proposals().pins().collect::<Vec<_>>()).collect()
    }

    /// Nothing that is held now is let go before it can be pinned.
    pub(super) fn until_pinned(&self) -> RwLockReadGuard<'_, ()> {
        self.pinning.read().expect("no holder of this lock panics")
    }

    /// Nobody counts on anything that is not among [`Self::pinned`].
    pub(super) fn before_pins_come(&self) -> RwLockWriteGuard<'_, ()> {
        self.pinning.write().expect("no holder of this lock panics")
    }

    /// Waits for the turn to apply a batch. What a commit takes out of staging is neither staged nor held until it is
    /// decided: another mirror's commit that needs the same content must not look meanwhile.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().expect("no holder of this lock panics")
    }

    /// A number for a new node.
    pub(super) fn new_node(&self) -> Node {
        Node(self.next_node.fetch_add(1, Ordering::Relaxed))
    }

    /// A number for something kept. What lies there by a number that the catalog does not know of (it may come from a
    /// backup that is older than the files) keeps it, and is never overwritten.
    pub(super) fn new_version(&self) -> VersionId {
        loop {
            let version = VersionId(self.next_version.fetch_add(1, Ordering::Relaxed));
            if self.shelves.versions.stat(&version_name(version)).is_err() {
                return version;
            }
        }
    }

    /// The numbers that nothing has yet.
    pub(super) fn next_numbers(&self) -> (Node, VersionId) {
        (Node(self.next_node.load(Ordering::Relaxed)), VersionId(self.next_version.load(Ordering::Relaxed)))
    }

    /// The wall clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Staged instances that the redo log still needs.
fn needed_instances(catalog: &Catalog) -> Result<HashSet<String>, CatalogError> {
    let mut needed = HashSet::new();
    for mirror in catalog.mirrors()? {
        if let Some((_, rows)) = catalog.unfinished(mirror.id)? {
            needed.extend(redo_log::from_rows(&rows)?.iter().filter_map(Step::staged).map(str::to_owned));
        }
    }
    Ok(needed)
}
