//! States that went back, went away or were copied, on either side, at random points of random histories: every pair of
//! them converges without a person, or stops with a named reason; no file that either side had is lost on the way.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::Check;
use protocol::{ClientName, ContentId, Lineage, StoreId};
use receiver::{Catalogs, TreeStore};
use seams::clock::Clock;
use seams::disk::Disk;
use seams::random::Random;
use snapshot_db::{Snapshot, set_aside};
use tempfile::TempDir;
use uploader::{CallError, DeliverError};

use super::world::{Kind, World, remove, size, write};
use crate::report::RoundError;
use crate::round::Report;

/// What happened to the client's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Untouched,
    Lost,
    Old,
    Corrupt,
    /// It belongs to another mirror of another machine.
    Foreign,
    /// Another machine woke up with a copy of it, and made a round of its own.
    Cloned,
}

/// What happened to the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiver {
    Untouched,
    Old,
    Emptied,
    /// The catalog is older than the files.
    OldCatalog,
    /// The files are older than the catalog.
    OldFiles,
}

const CLIENTS: [Client; 6] =
    [Client::Untouched, Client::Lost, Client::Old, Client::Corrupt, Client::Foreign, Client::Cloned];
const RECEIVERS: [Receiver; 5] =
    [Receiver::Untouched, Receiver::Old, Receiver::Emptied, Receiver::OldCatalog, Receiver::OldFiles];

/// A world whose receiver and snapshot are on a disk, so that they can be put back.
struct Backed {
    world: World,
    place: TempDir,
}

impl Backed {
    fn new(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let place = place.expect("a temporary directory");
        for directory in ["data", "state"] {
            fs::create_dir(place.path().join(directory)).expect("made");
        }
        let mut backed = Self { world: World::with(seed, Kind::Model), place };
        backed.open();
        backed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn close(&mut self) {
        self.world.snapshot = Snapshot::in_memory(Lineage::from_bytes([0; 16]));
        self.world.attach(Arc::new(receiver::MemoryStore::new(StoreId::from_bytes([0; 16]))));
    }

    fn open(&mut self) {
        let clock = Arc::clone(&self.world.clock) as Arc<dyn Clock>;
        let id = StoreId::from_bytes([7; 16]);
        let store = TreeStore::open(&Disk, &self.path("data"), id, Catalogs::OnDisk, clock);
        self.world.attach(Arc::new(store.expect("a store")));
        self.open_snapshot();
    }

    fn open_snapshot(&mut self) {
        let lineage = self.world.random.below(u64::MAX).to_be_bytes();
        let lineage = Lineage::from_bytes([lineage, lineage].concat().try_into().expect("sixteen bytes"));
        let opened = Snapshot::open(&self.path("state/snapshot.db"), lineage);
        self.world.snapshot = opened.expect("opened, or set aside").snapshot;
    }

    fn back_up(&mut self) {
        self.close();
        copy(&self.path("data"), &self.path("old-data"));
        copy(&self.path("state"), &self.path("old-state"));
        self.open();
    }

    fn put_back(&self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        drop(fs::remove_dir_all(&to));
        copy(&from, &to);
    }

    fn edit(&self, edits: u64) {
        for _ in 0..edits {
            self.world.clock.advance(Duration::from_millis(self.world.random.below(3_000)));
            self.world.edit();
        }
    }

    /// A round; a snapshot that turns out damaged is put aside, as the command does.
    fn round(&mut self) -> Report {
        self.world.clock.advance(Duration::from_secs(61 * 60));
        let report = self.world.round();
        if report.failure.as_ref().is_some_and(RoundError::is_damaged_snapshot) {
            self.world.snapshot = Snapshot::in_memory(Lineage::from_bytes([0; 16]));
            set_aside(&self.path("state/snapshot.db")).expect("put aside");
            self.open_snapshot();
        }
        report
    }

    fn damage(&mut self, client: Client, receiver: Receiver) {
        self.close();
        match receiver {
            Receiver::Untouched => {}
            Receiver::Old => self.put_back("old-data", "data"),
            Receiver::Emptied => {
                fs::remove_dir_all(self.path("data")).expect("there");
                fs::create_dir(self.path("data")).expect("made");
            }
            Receiver::OldCatalog => {
                for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
                    let name = format!("local/.roundsman/{name}");
                    drop(fs::remove_file(self.path("data").join(&name)));
                    drop(fs::copy(self.path("old-data").join(&name), self.path("data").join(&name)));
                }
            }
            Receiver::OldFiles => self.put_back("old-data/local/source", "data/local/source"),
        }
        match client {
            Client::Untouched | Client::Cloned => {}
            Client::Lost => {
                fs::remove_dir_all(self.path("state")).expect("there");
                fs::create_dir(self.path("state")).expect("made");
            }
            Client::Old => self.put_back("old-state", "state"),
            Client::Corrupt => {
                let file = fs::File::options().write(true).open(self.path("state/snapshot.db")).expect("there");
                let pages = file.metadata().expect("there").len() / 4_096;
                let page = self.world.random.below(pages.max(1));
                file.write_all_at(&[0xa5; 4_096], page * 4_096).expect("written");
            }
            Client::Foreign => {
                let other = World::new(77);
                write(&other, "of another", "machine");
                fs::remove_dir_all(self.path("state")).expect("there");
                fs::create_dir(self.path("state")).expect("made");
                let lineage = Lineage::from_bytes([0x77; 16]);
                let opened = Snapshot::open(&self.path("state/snapshot.db"), lineage).expect("a new one");
                assert!(other.round_as(&opened.snapshot, super::world::SOURCE, false).failure.is_none());
            }
        }
        self.open();
    }

    /// The other machine: it has a copy of the state, and a source of its own.
    fn wake_the_clone(&self) {
        let path = self.path("clone");
        copy(&self.path("old-state"), &path);
        let opened = Snapshot::open(&path.join("snapshot.db"), Lineage::from_bytes([0x66; 16])).expect("a copy");
        drop(self.world.round_as(&opened.snapshot, super::world::SOURCE, true));
    }

    /// All contents that lie anywhere below a client's folder, whoever's they are.
    fn contents(&self) -> BTreeSet<ContentId> {
        let mut found = BTreeSet::new();
        for place in ["data/local/source", "data/local/.roundsman/versions"] {
            collect(&self.path(place), &mut found);
        }
        found
    }

    fn assert_converged(&self, what: &str) {
        assert_eq!(self.world.mirrored(), self.world.in_source(), "{what}: the catalog is the source");
        let mirror = self.world.on_disk_of(&Disk, &self.path("data/local/source"));
        let plain = |tree: std::collections::BTreeMap<protocol::RelPath, protocol::Entry>| -> Vec<_> {
            tree.into_iter().map(|(path, entry)| (path, entry.content(), entry.kind())).collect()
        };
        assert_eq!(plain(mirror), plain(self.world.in_source()), "{what}: the files are the source's");
        let known = super::world::listed(&self.world.snapshot.acknowledged_tree().expect("readable"));
        assert_eq!(known, self.world.mirrored(), "{what}: so is the snapshot");
    }
}

fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.expect("cp runs").success());
}

fn collect(directory: &Path, found: &mut BTreeSet<ContentId>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.map(|entry| entry.expect("listed")) {
        let kind = entry.file_type().expect("there");
        if kind.is_dir() {
            collect(&entry.path(), found);
        } else if kind.is_file() {
            found.insert(ContentId::of(&fs::read(entry.path()).expect("readable")));
        }
    }
}

fn is_fenced(report: &Report) -> bool {
    matches!(
        report.failure,
        Some(RoundError::Deliver(DeliverError::Fenced { .. } | DeliverError::Call(CallError::Fenced(_))))
    )
}

/// Whether a round stopped for a reason that says what it is, so that a person can decide.
fn is_named(report: &Report) -> bool {
    matches!(report.failure, Some(RoundError::OtherSource { .. } | RoundError::Root(_)))
}

fn cell(client: Client, receiver: Receiver, seed: u64) {
    let what = format!("{client:?}, {receiver:?}, seed {seed}");
    let mut backed = Backed::new(seed);
    let (rounds, moment) = (3 + seed % 3, seed % 3);
    for round in 0..=rounds {
        backed.edit(6);
        drop(backed.round());
        if round == moment {
            backed.back_up();
        }
    }
    write(&backed.world, "kept", "throughout");
    drop(backed.round());
    backed.damage(client, receiver);
    if client == Client::Cloned {
        backed.wake_the_clone();
    }
    let before = backed.contents();
    backed.edit(seed % 4);
    let mut reports = Vec::new();
    for attempt in 0..8 {
        let report = backed.round();
        if report.failure.is_none() && report.problems.is_empty() && report.held.is_empty() {
            // What lies otherwise than the catalog says is found by a check, and comes with the next round.
            let request = Check { mirror: World::mirror(), after: None, read_contents: true, budget: None, mend: true };
            let found = backed.world.store.check(&ClientName::local(), &request).expect("is checked");
            if found.findings.is_empty() && attempt > 0 {
                break;
            }
        }
        if is_fenced(&report) {
            assert_eq!(client, Client::Cloned, "{what}: only a second live client is fenced");
            backed.take_over();
        } else if is_named(&report) {
            backed.world.rules.adopt = true;
            backed.world.rules.accept_root = true;
        }
        reports.push(format!("{:?} {:?} {:?}", report.failure, report.problems, report.held));
    }
    let told = format!("{what}\n{}", reports.join("\n"));
    backed.assert_converged(&told);
    let after = backed.contents();
    assert!(before.is_subset(&after), "{told}: lost {:?}", before.difference(&after).collect::<Vec<_>>());
}

impl Backed {
    fn take_over(&self) {
        let ledger = crate::ledger::SnapshotLedger(&self.world.snapshot);
        uploader::take_over(&self.world.caller(), &World::mirror(), &ledger, &*self.world.random).expect("taken over");
    }
}

#[test]
fn every_cell_of_the_matrix_converges_or_says_why_not_and_no_file_is_lost() {
    for client in CLIENTS {
        for receiver in RECEIVERS {
            for seed in 0..size(6, 40, 1_000) {
                cell(client, receiver, seed);
            }
        }
    }
}

/// A mirror of some files, closed and lost on the client's side, with `more` done in between.
fn after_losing_the_snapshot(files: usize, more: impl FnOnce(&World)) -> (Backed, Report) {
    let mut backed = Backed::new(0);
    for number in 0..files {
        write(&backed.world, &format!("d{}/f{number}", number % 9), &format!("content {number}"));
    }
    assert!(backed.round().failure.is_none());
    backed.back_up();
    more(&backed.world);
    backed.damage(Client::Lost, Receiver::Untouched);
    let report = backed.round();
    assert!(report.failure.is_none(), "{:?}", report.failure);
    (backed, report)
}

#[test]
fn to_reconcile_a_lost_snapshot_sends_no_content() {
    let (backed, report) = after_losing_the_snapshot(2_000, |_| ());
    assert_eq!((report.volume.sent, report.changes.len()), (0, 0));
    let bytes = backed.world.transport.bytes.load(std::sync::atomic::Ordering::Relaxed);
    assert!(bytes < 2_000 * 200, "{bytes} bytes for 2,000 files");
}

#[test]
fn what_would_be_deleted_after_a_loss_is_held_by_the_brake() {
    let delete = |world: &World| (0..250).for_each(|number| remove(world, &format!("d{}/f{number}", number % 9)));
    let (backed, report) = after_losing_the_snapshot(300, delete);
    assert_eq!((report.held.len(), report.changes.iter().filter(|change| change.entry().is_none()).count()), (250, 9));
    assert_eq!(backed.world.ended(), 0);
}
