//! Comparing a mirror's files with the catalog, a part at a time.

use std::collections::VecDeque;
use std::io;
use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use protocol::limits::MAX_PAGE_ROWS;
use protocol::wire::{Check, CheckFinding, CheckPage, CheckVerdict};
use protocol::{Entry, Kind, Name, Problem, RelPath};
use seams::fs::{Directory, File, FileKind, Stat};

use crate::catalog::{Node, Row};
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::pace::ReadingPace;
use crate::tree_store::problems::disk;
use crate::tree_store::put_right::Amends;
use crate::tree_store::reading::{Hashed, hash_on};
use crate::tree_store::rights;
use crate::tree_store::step::{directory_mode, file_mode};

/// Most bytes read for one page: seconds, also on a slow disk.
pub(super) const MAX_READ_A_PAGE: u64 = if cfg!(test) { 1024 * 1024 } else { 256 * 1024 * 1024 };

/// The owner's right to read.
const OWNER_READS: u16 = 0o400;

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
    mirror: &'a Mirror,
    revision: u64,
    /// Whether rights that somebody took away are taken back on the way.
    mend: bool,
    levels: Vec<Level>,
    /// How many more bytes of files may be read; nothing where none are to be read at all.
    left: Option<u64>,
    page: CheckPage,
    amends: Amends,
    /// The places in the page of what the amends are about, and which nodes those are.
    amended: Vec<(usize, Option<Node>)>,
}

impl ClientStore {
    /// Compares a page's worth of a mirror with the catalog; reads no faster than `pace` says.
    pub(super) fn check(&self, request: &Check, pace: &ReadingPace) -> Result<CheckPage, Problem> {
        let began = self.clock.since_boot();
        let budget = Some(pace.at_most(request.budget.unwrap_or(MAX_READ_A_PAGE)));
        let mut page = self.checked(&Check { budget, ..request.clone() })?;
        page.pause_millis = pace.pause_after(page.bytes, began, self.clock.since_boot());
        Ok(page)
    }

    fn checked(&self, request: &Check) -> Result<CheckPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        // Of a revision that is not finished on disk, half would seem damaged.
        self.redo_before_telling(&mirror)?;
        if !request.mend {
            return Ok(self.look_through(&mirror, request)?.page);
        }
        let _alone = mirror.alone();
        let Checker { mut page, amends, amended, .. } = self.look_through(&mirror, request)?;
        let _turn = self.turn();
        let done = self.put_right(&mirror, amends)?.nodes;
        for (place, node) in amended {
            page.findings[place].mended = node.is_none_or(|node| done.contains(&node));
        }
        Ok(page)
    }

    /// Looks at a page's worth of a mirror while no steps are under way.
    fn look_through<'a>(&'a self, mirror: &'a Mirror, request: &Check) -> Result<Checker<'a>, Problem> {
        let _at_rest = mirror.at_rest();
        let budget = request.budget.unwrap_or(MAX_READ_A_PAGE).clamp(1, MAX_READ_A_PAGE);
        let mut checker = Checker {
            store: self,
            mirror,
            revision: self.catalog().head(mirror.id)?.0.number,
            mend: request.mend,
            levels: Vec::new(),
            left: request.read_contents.then_some(budget),
            page: CheckPage::default(),
            amends: Amends::default(),
            amended: Vec::new(),
        };
        checker.begin(request.after.as_ref())?;
        checker.look_on(request.after.as_ref(), budget)?;
        Ok(checker)
    }
}

impl Checker<'_> {
    /// Opens the root, and every directory on the way to where an earlier page ended.
    fn begin(&mut self, after: Option<&RelPath>) -> Result<(), Problem> {
        let opened = gone_is_none(self.open_in(&*self.store.shelves.folder, &self.mirror.name.as_name()));
        let mut directory = opened.map_err(disk("check a mirror"))?;
        if after.is_none() {
            self.check_root(directory.as_deref())?;
        }
        let (mut node, mut path) = (Some(self.mirror.root), RelPath::root());
        for name in after.into_iter().flat_map(RelPath::components) {
            self.enter(node, path.clone(), directory.clone(), Some(&name));
            let row = match node {
                Some(node) => self.store.catalog().child_at(node, &name, self.revision)?,
                None => None,
            };
            node = row.filter(|row| row.entry.kind() == Kind::Directory).map(|row| row.node);
            let Some(_) = node else { return Ok(()) };
            directory = self.open(directory.as_deref(), &name);
            let Ok(below) = path.join(&name) else { return Ok(()) };
            path = below;
        }
        self.enter(node, path, directory, None);
        Ok(())
    }

    /// Opens a directory. To mend is to take back whatever rights somebody took away: else nothing in it can be put right.
    fn open_in(&self, above: &dyn Directory, name: &Name) -> io::Result<Arc<dyn Directory>> {
        if !self.mend {
            return above.open_directory(name);
        }
        let directory = rights::open_directory(above, name)?;
        let mode = directory.own_stat()?.mode;
        if mode != directory_mode(mode) {
            directory.set_own_mode(directory_mode(mode))?;
        }
        Ok(directory)
    }

    /// The same; one that is not there, or cannot be opened, has nothing in it.
    fn open(&self, above: Option<&dyn Directory>, name: &Name) -> Option<Arc<dyn Directory>> {
        above.and_then(|above| self.open_in(above, name).ok())
    }

    fn check_root(&mut self, directory: Option<&dyn Directory>) -> Result<(), Problem> {
        let row = self.store.catalog().node_at(self.mirror.root, self.revision)?;
        let stat = directory.map(Directory::own_stat).transpose().map_err(disk("check a mirror"))?;
        let what = match (&row, stat) {
            (Some(row), Some(stat)) => metadata_verdict(row, &stat),
            _ => Some(CheckVerdict::Missing),
        };
        match what {
            Some(what) => self.find(RelPath::root(), row, what),
            None => Ok(()),
        }
    }

    /// Puts the names of a directory on the stack, those after a name. One that cannot be listed has none.
    fn enter(
        &mut self,
        node: Option<Node>,
        path: RelPath,
        directory: Option<Arc<dyn Directory>>,
        after: Option<&Name>,
    ) {
        let listed = directory.as_ref().map(|directory| directory.list());
        let mut names = listed.and_then(Result::ok).unwrap_or_default();
        names.retain(|name| after.is_none_or(|after| name > after));
        names.sort_unstable();
        let on_disk = names.into_iter().peekable();
        self.levels.push(Level { path, directory, node, on_disk, rows: VecDeque::new(), after: after.cloned() });
    }

    /// Looks at one entry after the other until the page is full.
    fn look_on(&mut self, after: Option<&RelPath>, budget: u64) -> Result<(), Problem> {
        let mut last = after.cloned().unwrap_or_else(RelPath::root);
        let mut looked_at = 0;
        while let Some(level) = self.levels.last_mut() {
            let Some((name, row)) = level.next(self.store, self.revision)? else {
                self.levels.pop();
                continue;
            };
            let Ok(path) = level.path.join(&name) else { continue };
            let directory = level.directory.clone();
            if !self.look(&path, &name, row, directory.as_deref())? {
                self.page.next = Some(last);
                break;
            }
            looked_at += 1;
            let is_full = self.page.findings.len() >= MAX_PAGE_ROWS / 2 || looked_at == MAX_PAGE_ROWS;
            if is_full || self.left == Some(0) {
                self.page.next = Some(path);
                break;
            }
            last = path;
        }
        self.page.bytes = self.left.map_or(0, |left| budget - left);
        Ok(())
    }

    /// Looks at one entry; false if it is a file that the page's bytes did not do for.
    fn look(
        &mut self,
        path: &RelPath,
        name: &Name,
        row: Option<Row>,
        directory: Option<&dyn Directory>,
    ) -> Result<bool, Problem> {
        let stat = directory.map(|directory| gone_is_none(directory.stat(name))).transpose().map(Option::flatten);
        let what = match (&row, &stat, directory) {
            (None, Ok(None), _) => None,
            (None, ..) => Some(CheckVerdict::Extra),
            (Some(row), Ok(Some(stat)), Some(directory)) => match self.verdict(path, row, stat, directory) {
                Some(what) => what,
                None => return Ok(false),
            },
            (Some(_), Err(_), _) => Some(CheckVerdict::Damaged),
            (Some(_), ..) => Some(CheckVerdict::Missing),
        };
        self.page.entries += u64::from(row.is_some());
        let descends = row.as_ref().filter(|row| row.entry.kind() == Kind::Directory).map(|row| row.node);
        if let Some(what) = what {
            self.find(path.clone(), row, what)?;
        }
        if let Some(node) = descends {
            let opened = self.open(directory, name);
            // Of what nobody may look into nothing is known.
            if opened.is_none() && matches!(&stat, Ok(Some(stat)) if stat.kind == FileKind::Directory) {
                return Ok(true);
            }
            self.enter(Some(node), path.clone(), opened, None);
        }
        Ok(true)
    }

    /// Something is not as the catalog says. A content that is missing or damaged is asked for again; what can be put
    /// right without one is noted.
    fn find(&mut self, path: RelPath, row: Option<Row>, what: CheckVerdict) -> Result<(), Problem> {
        let entry = row.as_ref().map(|row| row.entry.clone());
        let (place, node) = (self.page.findings.len(), row.as_ref().map(|row| row.node));
        self.page.findings.push(CheckFinding { path: path.clone(), what, entry, mended: false });
        let is_lost = matches!(what, CheckVerdict::Missing | CheckVerdict::Damaged);
        match row {
            None => self.amends.extra.push(path),
            Some(row) if is_lost && row.entry.kind() == Kind::File => {
                tracing::debug!(mirror = %self.mirror.name, %path, ?what, "a file of the mirror is not as it was delivered");
                return Ok(self.store.catalog().want(&row, self.store.now())?);
            }
            // The root itself is made by whoever opens it.
            Some(row) if is_lost && !path.is_root() => self.amends.anew.push((row, path)),
            Some(row) => self.amends.described.push((row, path)),
        }
        self.amended.push((place, node));
        Ok(())
    }

    /// What is wrong, if anything; nothing if it could not be read to its end.
    fn verdict(
        &mut self,
        path: &RelPath,
        row: &Row,
        stat: &Stat,
        directory: &dyn Directory,
    ) -> Option<Option<CheckVerdict>> {
        let is_whole = match (&row.entry, stat.kind) {
            (Entry::Directory { .. }, FileKind::Directory) => self.open_in(directory, &row.name).is_ok(),
            (Entry::Symlink { target, .. }, FileKind::Symlink) => {
                directory.read_link(&row.name).is_ok_and(|found| found == target.as_bytes())
            }
            (Entry::File { size, content, .. }, FileKind::File) if stat.size == *size => match &mut self.left {
                None => true,
                Some(left) => {
                    match hash_on(self.mirror, path, stat, open_file(self.mend, directory, &row.name), left) {
                        Hashed::Whole(found) => found == *content,
                        Hashed::InPart => return None,
                        // Its bytes may be whole: what it lacks is the right to read them.
                        Hashed::Unreadable if stat.mode & OWNER_READS == 0 => {
                            return Some(Some(CheckVerdict::Metadata));
                        }
                        Hashed::Unreadable => false,
                    }
                }
            },
            _ => false,
        };
        Some(if is_whole { metadata_verdict(row, stat) } else { Some(CheckVerdict::Damaged) })
    }
}

/// Opens a file; with `mend` also one that somebody took the right to read away from.
fn open_file(mend: bool, above: &dyn Directory, name: &Name) -> io::Result<Box<dyn File>> {
    if mend { rights::open_file(above, name) } else { above.open_file(name) }
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
