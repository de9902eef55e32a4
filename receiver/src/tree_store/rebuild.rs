//! [`rebuild_catalog`]: a new catalog for a client whose old one is lost or damaged, from the files of its mirrors.
//!
//! What lies in the mirrors becomes the one revision of a chain that no client knows, so that each client learns what is
//! there and delivers only what differs. What lies among the versions is kept as foreign: nobody can say what it was. The
//! old catalog is kept beside the new one, under a name that says when it was set aside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::wire::Source;
use protocol::{ClientName, Entry, LinkTarget, Metadata, MirrorName, Name, RelPath, RevisionDigest, Timestamp};
use seams::clock::Clock;
use seams::fs::{Directory, FileKind, Fs, Stat};
use seams::random::Random;
use thiserror::Error;

use crate::catalog::{
    Catalog, CatalogError, CatalogPlace, Disk, FOUND, KeptVersion, MirrorRecord, Node, Opening, VersionId,
};
use crate::store::rules::unknown_source;
use crate::tree_store::bytes::hash;
use crate::tree_store::rights::{open_directory, open_file};
use crate::tree_store::shelves::{CATALOG, OWN, Shelves, is_known};
use crate::tree_store::step::version_name;

/// Rows, or versions, that one transaction writes.
const ROWS_AT_ONCE: usize = 5_000;
/// The new catalog until it is whole.
const NEW: &str = "catalog-new.db";

/// What a rebuilt catalog holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Mirrors.
    pub mirrors: u64,
    /// Files in them.
    pub files: u64,
    /// Bytes of these, all read.
    pub bytes: u64,
    /// Things among the versions that are kept as foreign.
    pub foreign: u64,
    /// Where the old catalog is kept; nothing if there was none.
    pub aside: Option<PathBuf>,
}

/// Why a catalog cannot be rebuilt. The old one is as it was.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// This client has nothing here.
    #[error("there is no client {0} with mirrors here")]
    NoClient(ClientName),
    /// Something could not be read or written.
    #[error("cannot {what}: {source}")]
    Io {
        /// What.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The new catalog could not be written.
    #[error("cannot write the new catalog: {0}")]
    Catalog(String),
}

impl From<CatalogError> for RebuildError {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(error.to_string())
    }
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> RebuildError {
    let what = what.into();
    move |source| RebuildError::Io { what, source }
}

/// Writes a client's catalog anew. Nobody else may use the data directory meanwhile.
///
/// # Errors
/// See [`RebuildError`].
pub fn rebuild_catalog(
    fs: &dyn Fs,
    path: &Path,
    client: &ClientName,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Rebuilt, RebuildError> {
    let data = fs.open_root(path).map_err(failed("open the data directory"))?;
    if !is_known(&*data, &client.as_name()) {
        return Err(RebuildError::NoClient(client.clone()));
    }
    let shelves = Shelves::open(&*data, &client.as_name()).map_err(failed("open the client's folder"))?;
    let own = path.join(client.as_str()).join(OWN);
    remove_catalog(&own, NEW).map_err(failed("remove an unfinished new catalog"))?;
    let catalog = Catalog::open(&CatalogPlace::File(own.join(NEW)))?;
    let sources = sources_of(&own.join(CATALOG));
    let mut rebuilding =
        Rebuilding { shelves, catalog, now: clock.now(), next_node: 1, rows: Vec::new(), rebuilt: Rebuilt::default() };
    rebuilding.mirrors(&sources, random)?;
    rebuilding.versions()?;
    let Rebuilding { catalog, mut rebuilt, now, .. } = rebuilding;
    catalog.settle_in_one_file()?;
    drop(catalog);
    rebuilt.aside = put_in_place(&own, now).map_err(failed("put the new catalog in its place"))?;
    Ok(rebuilt)
}

/// What the old catalog says of whose copies the mirrors are, if it can still be read.
fn sources_of(old: &Path) -> Vec<MirrorRecord> {
    if !old.exists() {
        return Vec::new();
    }
    let mirrors = Catalog::open(&CatalogPlace::File(old.to_owned())).and_then(|catalog| catalog.mirrors());
    mirrors.unwrap_or_default()
}

struct Rebuilding {
    shelves: Shelves,
    catalog: Catalog,
    now: Timestamp,
    next_node: i64,
    rows: Vec<Opening>,
    rebuilt: Rebuilt,
}

impl Rebuilding {
    fn mirrors(&mut self, sources: &[MirrorRecord], random: &dyn Random) -> Result<(), RebuildError> {
        let names = self.shelves.folder.list().map_err(failed("list the client's folder"))?;
        for name in names {
            let stat = self.shelves.folder.stat(&name).map_err(failed("look at the client's folder"))?;
            let Ok(mirror) = MirrorName::parse(name.as_bytes()) else { continue };
            if stat.kind == FileKind::Directory {
                let known = sources.iter().find(|record| record.name == mirror);
                let source = known.map_or_else(unknown_source, |record| record.source.clone());
                self.mirror(&mirror, &source, random)?;
            }
        }
        Ok(())
    }

    fn mirror(&mut self, name: &MirrorName, source: &Source, random: &dyn Random) -> Result<(), RebuildError> {
        let root = open_directory(&*self.shelves.folder, &name.as_name());
        let root = root.map_err(failed(format!("open the mirror {name}")))?;
        let stat = root.own_stat().map_err(failed(format!("look at the mirror {name}")))?;
        let node = self.new_node();
        self.catalog.create_mirror(name, source, (node, Disk::from(&stat)), self.now)?;
        let record = self.catalog.mirror(name)?.ok_or_else(|| RebuildError::Catalog("a mirror vanished".to_owned()))?;
        let digest = RevisionDigest::from_slice(&[seams::random::id(random), seams::random::id(random)].concat());
        let digest = digest.expect("twice 16 bytes are a digest");
        self.catalog.begin_found(&record, digest, (metadata(&stat), Disk::from(&stat)), self.now)?;
        self.below(&record, &root, node, &RelPath::root())?;
        self.flush(&record)?;
        self.rebuilt.mirrors += 1;
        Ok(())
    }

    fn new_node(&mut self) -> Node {
        self.next_node += 1;
        Node(self.next_node - 1)
    }

    fn below(
        &mut self,
        mirror: &MirrorRecord,
        directory: &Arc<dyn Directory>,
        parent: Node,
        at: &RelPath,
    ) -> Result<(), RebuildError> {
        let names = directory.list().map_err(failed(format!("list {}/{at}", mirror.name)))?;
        for name in names {
            let Ok(path) = at.join(&name) else { continue };
            let found = self.look(&**directory, &name).map_err(failed(format!("read {}/{path}", mirror.name)))?;
            let Some((entry, disk)) = found else { continue };
            let node = self.new_node();
            let is_directory = matches!(entry, Entry::Directory { .. });
            self.rows.push(Opening { parent, name: name.clone(), node, entry, disk });
            if self.rows.len() >= ROWS_AT_ONCE {
                self.flush(mirror)?;
            }
            if is_directory {
                let opened = open_directory(&**directory, &name);
                self.below(mirror, &opened.map_err(failed(format!("open {}/{path}", mirror.name)))?, node, &path)?;
            }
        }
        Ok(())
    }

    /// What a name is; nothing for what no mirror has.
    fn look(&mut self, directory: &dyn Directory, name: &Name) -> io::Result<Option<(Entry, Disk)>> {
        let stat = directory.stat(name)?;
        let metadata = metadata(&stat);
        let entry = match stat.kind {
            FileKind::Directory => Entry::Directory { metadata },
            FileKind::Symlink => match LinkTarget::parse(&directory.read_link(name)?) {
                Some(target) => Entry::Symlink { metadata, target },
                None => return Ok(None),
            },
            FileKind::File => {
                self.rebuilt.files += 1;
                self.rebuilt.bytes += stat.size;
                Entry::File { metadata, size: stat.size, content: hash(&*open_file(directory, name)?)? }
            }
            FileKind::Special => return Ok(None),
        };
        Ok(Some((entry, Disk::from(&stat))))
    }

    fn flush(&mut self, mirror: &MirrorRecord) -> Result<(), RebuildError> {
        self.catalog.add_found(mirror.id, &std::mem::take(&mut self.rows))?;
        Ok(())
    }

    /// What nobody can tell any more is kept until it is old. What was on its way goes there, too.
    fn versions(&mut self) -> Result<(), RebuildError> {
        let Some(mirror) = self.catalog.mirrors()?.into_iter().next() else { return Ok(()) };
        let read = failed("look at old versions");
        let names = self.shelves.versions.list().map_err(read)?;
        let mut ids: Vec<i64> = names.iter().filter_map(number).collect();
        ids.sort_unstable();
        let parked = self.shelves.parking.list().map_err(failed("look at what was moving"))?;
        let free = ids.last().map_or(1, |last| last + 1);
        for (id, parked) in (free..).zip(parked) {
            let to = version_name(VersionId(id));
            let moved = self.shelves.parking.rename(&parked, &*self.shelves.versions, &to);
            moved.map_err(failed("keep what was moving"))?;
            ids.push(id);
        }
        for ids in ids.chunks(ROWS_AT_ONCE) {
            let mut kept = Vec::new();
            for id in ids {
                let name = version_name(VersionId(*id));
                let size = bytes_of(&*self.shelves.versions, &name).map_err(failed("look at old versions"))?;
                let (path, size) = (RelPath::root(), Some(size));
                kept.push(KeptVersion { id: VersionId(*id), revision: FOUND, node: None, path, size });
            }
            self.catalog.keep_found(mirror.id, &kept, self.now)?;
            self.rebuilt.foreign += kept.len() as u64;
        }
        Ok(())
    }
}

fn metadata(stat: &Stat) -> Metadata {
    Metadata { mode: stat.mode, mtime: stat.mtime, uid: stat.uid, gid: stat.gid, attributes: Vec::new() }
}

fn number(name: &Name) -> Option<i64> {
    std::str::from_utf8(name.as_bytes()).ok()?.parse().ok().filter(|number| *number > 0)
}

/// Bytes of the files at and below a name.
fn bytes_of(directory: &dyn Directory, name: &Name) -> io::Result<u64> {
    let stat = directory.stat(name)?;
    if stat.kind != FileKind::Directory {
        return Ok(stat.size);
    }
    let below = open_directory(directory, name)?;
    below.list()?.iter().try_fold(0u64, |sum, name| Ok(sum.saturating_add(bytes_of(&*below, name)?)))
}

/// The files of a database in write-ahead mode.
fn files_of(name: &str) -> [String; 3] {
    ["", "-wal", "-shm"].map(|end| format!("{name}{end}"))
}

fn remove_catalog(own: &Path, name: &str) -> io::Result<()> {
    for file in files_of(name) {
        gone_is_fine(fs::remove_file(own.join(file)))?;
    }
    Ok(())
}

/// Sets the old catalog aside and puts the new one in its place. Its log goes first: the new catalog must never be read
/// with the old one's log.
fn put_in_place(own: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    let aside = format!("catalog-set-aside-{}.db", now.to_parts().0);
    let there = own.join(CATALOG).exists();
    if there {
        fs::hard_link(own.join(CATALOG), own.join(&aside))?;
    }
    for (old, kept) in files_of(CATALOG).iter().zip(files_of(&aside)).skip(1) {
        gone_is_fine(fs::rename(own.join(old), own.join(kept)))?;
    }
    fs::rename(own.join(NEW), own.join(CATALOG))?;
    fs::File::open(own)?.sync_all()?;
    Ok(there.then(|| own.join(aside)))
}

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
