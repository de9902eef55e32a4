//! Comparing a mirror's files with the catalog, a part at a time.

use std::collections::VecDeque;
use std::io;
use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use protocol::limits::MAX_PAGE_ROWS;
use protocol::wire::{Check, CheckFinding, CheckPage, CheckVerdict};
use protocol::{Entry, Kind, Name, Problem, RelPath};
use seams::fs::{Directory, FileKind, Stat};

use crate::catalog::{Node, Row};
use crate::tree_store::bytes::hash;
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::problems::disk;
use crate::tree_store::step::{directory_mode, file_mode};

/// Bytes read for one page.
const MAX_READ_A_PAGE: u64 = 256 * 1024 * 1024;

/// Rows of a directory read at once.
const ROWS_AT_ONCE: u32 = 1_000;

/// A directory under way: the names that the catalog or the disk has in it, both sorted.
struct Level {
    path: RelPath,
    /// Nothing where the directory itself is missing.
    directory: Option<Arc<dyn Directory>>,
    /// Nothing where the catalog has no such directory.
    node: Option<Node>,
    on_disk: Peekable<IntoIter<Name>>,
    rows: VecDeque<Row>,
    /// Where the rows that were read end.
    after: Option<Name>,
}

impl Level {
    /// The next name, and its row if the catalog has it.
    fn next(&mut self, store: &ClientStore, revision: u64) -> Result<Option<(Name, Option<Row>)>, Problem> {
        if let (true, Some(node)) = (self.rows.is_empty(), self.node) {
            self.rows = store.catalog().children_at(node, revision, self.after.as_ref(), ROWS_AT_ONCE)?.into();
            match self.rows.back() {
                Some(last) => self.after = Some(last.name.clone()),
                None => self.node = None,
            }
        }
        let row = match (self.on_disk.peek(), self.rows.front()) {
            (Some(name), Some(row)) if *name < row.name => None,
            (Some(_), None) => None,
            _ => self.rows.pop_front(),
        };
        let Some(row) = row else { return Ok(self.on_disk.next().map(|name| (name, None))) };
        self.on_disk.next_if(|name| *name == row.name);
        Ok(Some((row.name.clone(), Some(row))))
    }
}

/// A check of one page.
struct Checker<'a> {
    store: &'a ClientStore,
    revision: u64,
    levels: Vec<Level>,
    read_contents: bool,
    bytes_read: u64,
    findings: Vec<CheckFinding>,
}

impl ClientStore {
    pub(super) fn check(&self, request: &Check) -> Result<CheckPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let _at_rest = mirror.at_rest();
        let revision = self.catalog().head(mirror.id)?.0.number;
        let mut checker = Checker {
            store: self,
            revision,
            levels: Vec::new(),
            read_contents: request.read_contents,
            bytes_read: 0,
            findings: Vec::new(),
        };
        checker.begin(&mirror, request.after.as_ref())?;
        checker.page()
    }
}

impl Checker<'_> {
    /// Opens the root, and every directory on the way to where an earlier page ended.
    fn begin(&mut self, mirror: &Mirror, after: Option<&RelPath>) -> Result<(), Problem> {
        let opened = gone_is_none(self.store.shelves.folder.open_directory(&mirror.name.as_name()));
        let mut directory = opened.map_err(disk("check a mirror"))?;
        if after.is_none() {
            self.check_root(mirror, directory.as_deref())?;
        }
        let (mut node, mut path) = (Some(mirror.root), RelPath::root());
        for name in after.into_iter().flat_map(RelPath::components) {
            self.enter(node, path.clone(), directory.clone(), Some(&name))?;
            let row = match node {
                Some(node) => self.store.catalog().child_at(node, &name, self.revision)?,
                None => None,
            };
            node = row.filter(|row| row.entry.kind() == Kind::Directory).map(|row| row.node);
            let Some(_) = node else { return Ok(()) };
            directory = self.open(directory.as_deref(), &name)?;
            let Ok(below) = path.join(&name) else { return Ok(()) };
            path = below;
        }
        self.enter(node, path, directory, None)
    }

    fn check_root(&mut self, mirror: &Mirror, directory: Option<&dyn Directory>) -> Result<(), Problem> {
        let row = self.store.catalog().node_at(mirror.root, self.revision)?;
        let stat = directory.map(Directory::own_stat).transpose().map_err(disk("check a mirror"))?;
        let what = match (row, stat) {
            (Some(row), Some(stat)) => metadata_verdict(&row, &stat),
            _ => Some(CheckVerdict::Missing),
        };
        self.findings.extend(what.map(|what| CheckFinding { path: RelPath::root(), what }));
        Ok(())
    }

    fn open(&self, above: Option<&dyn Directory>, name: &Name) -> Result<Option<Arc<dyn Directory>>, Problem> {
        let opened = above.map(|above| gone_is_none(above.open_directory(name))).transpose();
        Ok(opened.map_err(disk("check a mirror"))?.flatten())
    }

    /// Puts the names of a directory on the stack, those after a name.
    fn enter(
        &mut self,
        node: Option<Node>,
        path: RelPath,
        directory: Option<Arc<dyn Directory>>,
        after: Option<&Name>,
    ) -> Result<(), Problem> {
        let listed = directory.as_ref().map(|directory| directory.list()).transpose();
        let mut names = listed.map_err(disk("check a mirror"))?.unwrap_or_default();
        names.retain(|name| after.is_none_or(|after| name > after));
        names.sort_unstable();
        let on_disk = names.into_iter().peekable();
        self.levels.push(Level { path, directory, node, on_disk, rows: VecDeque::new(), after: after.cloned() });
        Ok(())
    }

    fn page(mut self) -> Result<CheckPage, Problem> {
        let mut looked_at = 0;
        while let Some(level) = self.levels.last_mut() {
            let Some((name, row)) = level.next(self.store, self.revision)? else {
                self.levels.pop();
                continue;
            };
            let Ok(path) = level.path.join(&name) else { continue };
            let directory = level.directory.clone();
            self.look(&path, &name, row, directory.as_deref())?;
            looked_at += 1;
            if looked_at == MAX_PAGE_ROWS || self.bytes_read >= MAX_READ_A_PAGE {
                return Ok(CheckPage { findings: self.findings, next: Some(path) });
            }
        }
        Ok(CheckPage { findings: self.findings, next: None })
    }

    fn look(
        &mut self,
        path: &RelPath,
        name: &Name,
        row: Option<Row>,
        directory: Option<&dyn Directory>,
    ) -> Result<(), Problem> {
        let failed = disk("check a mirror");
        let stat = directory.map(|directory| gone_is_none(directory.stat(name))).transpose();
        let stat = stat.map_err(&failed)?.flatten();
        let what = match (&row, &stat, directory) {
            (None, Some(_), _) => Some(CheckVerdict::Extra),
            (None, None, _) => None,
            (Some(row), Some(stat), Some(directory)) => self.verdict(row, stat, directory).map_err(&failed)?,
            (Some(_), _, _) => Some(CheckVerdict::Missing),
        };
        if let Some(what) = what {
            self.findings.push(CheckFinding { path: path.clone(), what });
            self.want(row.as_ref(), what)?;
        }
        if let Some(row) = row.filter(|row| row.entry.kind() == Kind::Directory) {
            let below = self.open(directory, name)?;
            self.enter(Some(row.node), path.clone(), below, None)?;
        }
        Ok(())
    }

    /// A content that is missing or damaged is asked for again.
    fn want(&self, row: Option<&Row>, what: CheckVerdict) -> Result<(), Problem> {
        let is_lost = matches!(what, CheckVerdict::Missing | CheckVerdict::Damaged);
        if let Some((content, _)) = row.and_then(|row| row.entry.content()).filter(|_| is_lost) {
            self.store.catalog().want(content, self.store.now())?;
        }
        Ok(())
    }

    fn verdict(&mut self, row: &Row, stat: &Stat, directory: &dyn Directory) -> io::Result<Option<CheckVerdict>> {
        let is_whole = match (&row.entry, stat.kind) {
            (Entry::Directory { .. }, FileKind::Directory) => true,
            (Entry::Symlink { target, .. }, FileKind::Symlink) => directory.read_link(&row.name)? == target.as_bytes(),
            (Entry::File { size, content, .. }, FileKind::File) if stat.size == *size => {
                !self.read_contents || {
                    self.bytes_read += size;
                    hash(&*directory.open_file(&row.name)?)? == *content
                }
            }
            _ => false,
        };
        Ok(if is_whole { metadata_verdict(row, stat) } else { Some(CheckVerdict::Damaged) })
    }
}

/// Whether mode and mtime are as the disk should have them.
fn metadata_verdict(row: &Row, stat: &Stat) -> Option<CheckVerdict> {
    let metadata = row.entry.metadata();
    let mode = match row.entry.kind() {
        Kind::Directory => directory_mode(metadata.mode),
        Kind::File => file_mode(metadata.mode),
        Kind::Symlink => stat.mode,
    };
    let is_in_time = stat.mtime == metadata.mtime || stat.mtime == row.disk.mtime;
    (stat.mode != mode || !is_in_time).then_some(CheckVerdict::Metadata)
}
