//! Rows in memory: what rounds leave behind, as the snapshot keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use chunking::{ChunkList, Parameters, needs_list};
use protocol::{Change, ContentId, Entry, Kind, Name, RelPath, Timestamp, Tree};
use seams::recorded::{Acknowledged, DirectoryId, Reading, Recorded, Recorder, Row};

use crate::finding::Finding;
use crate::plan::plan;
use crate::scan::Scanned;

/// Rows in memory. A directory keeps its number, and what was read in it, when it moves.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) tree: Tree,
    readings: Mutex<BTreeMap<RelPath, Reading>>,
    /// How many readings came with each call.
    pub(super) recorded_at_a_time: Mutex<Vec<usize>>,
    lists: Mutex<BTreeMap<ContentId, ChunkList>>,
    /// How many bytes of lists came with each call.
    pub(super) list_bytes_at_a_time: Mutex<Vec<usize>>,
    /// Contents that were recorded as read before their lists.
    pub(super) unlisted: Mutex<Vec<ContentId>>,
    numbers: Mutex<Numbers>,
    /// Of directories.
    inodes: BTreeMap<RelPath, u64>,
    keeps_inodes: bool,
    /// How many rows were given.
    pub(super) rows_given: AtomicUsize,
    /// How often it was asked which directories have an inode.
    pub(super) inodes_asked: AtomicUsize,
    /// The rows of the directory that was asked for last, until something changes.
    last: Mutex<Option<(DirectoryId, Vec<Row>)>>,
}

/// The numbers of directories, by the paths that the snapshot has them at.
#[derive(Debug, Default)]
struct Numbers {
    by_path: BTreeMap<RelPath, DirectoryId>,
    given: i64,
}

impl Numbers {
    fn of(&mut self, path: &RelPath) -> DirectoryId {
        if path.is_root() {
            return DirectoryId::ROOT;
        }
        if let Some(id) = self.by_path.get(path) {
            return *id;
        }
        self.given += 1;
        self.by_path.insert(path.clone(), DirectoryId(self.given));
        DirectoryId(self.given)
    }
}

impl Rows {
    /// From now on the inodes of directories are kept.
    pub(super) fn keep_inodes(&mut self) {
        self.keeps_inodes = true;
    }

    /// Says that the inode of a directory was another.
    pub(super) fn set_inode(&mut self, path: &str, inode: u64) {
        self.last().take();
        self.inodes.insert(RelPath::parse(path.as_bytes()).expect("valid in this test"), inode);
    }

    pub(super) fn readings(&self) -> MutexGuard<'_, BTreeMap<RelPath, Reading>> {
        self.last().take();
        self.readings.lock().expect("no holder of this lock panics")
    }

    pub(super) fn lists(&self) -> MutexGuard<'_, BTreeMap<ContentId, ChunkList>> {
        self.lists.lock().expect("no holder of this lock panics")
    }

    /// What was last read at a path.
    pub(super) fn reading(&self, path: &str) -> Reading {
        let path = RelPath::parse(path.as_bytes()).expect("valid in this test");
        self.readings().get(&path).expect("it was read").clone()
    }

    fn last(&self) -> MutexGuard<'_, Option<(DirectoryId, Vec<Row>)>> {
        self.last.lock().expect("no holder of this lock panics")
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().expect("no holder of this lock panics")
    }

    /// The number of a directory that was acknowledged.
    pub(super) fn id(&self, path: &RelPath) -> Option<DirectoryId> {
        self.is_directory(path).then(|| self.numbers().of(path))
    }

    /// Also what only has something below it that was read.
    fn may_be_directory(&self, path: &RelPath, readings: &BTreeMap<RelPath, Reading>) -> bool {
        self.is_directory(path) || (self.tree.get(path).is_none() && !readings.contains_key(path))
    }

    fn is_directory(&self, path: &RelPath) -> bool {
        path.is_root() || self.tree.get(path).map(Entry::kind) == Some(Kind::Directory)
    }

    /// Everything that was found is delivered.
    pub(super) fn acknowledge(&mut self, scanned: &Scanned) {
        let changes = plan(&scanned.findings).changes;
        self.last().take();
        self.tree = self.tree.apply(&changes).expect("a plan can be applied");
        self.carry(&changes);
        self.record_after(scanned);
        if self.keeps_inodes {
            self.inodes.extend(scanned.findings.iter().filter_map(new_directory));
        }
    }

    /// What a round records at its end, delivered or not.
    pub(super) fn record_after(&mut self, scanned: &Scanned) {
        self.readings().extend(scanned.late_readings.iter().cloned());
        if self.keeps_inodes {
            self.inodes.extend(scanned.inodes.iter().cloned());
        }
    }

    /// What is recorded below directories that move goes along; what is deleted takes it with it.
    fn carry(&mut self, changes: &[Change]) {
        let mut leaving: Vec<(&RelPath, Option<&RelPath>)> = changes.iter().filter_map(leaving).collect();
        leaving.sort();
        let numbers = self.numbers.get_mut().expect("no holder of this lock panics");
        let readings = self.readings.get_mut().expect("no holder of this lock panics");
        let mut carried = Vec::new();
        for (from, to) in leaving.into_iter().rev() {
            let taken = (take(&mut numbers.by_path, from), take(&mut self.inodes, from));
            // What is read at a path that goes is forgotten by a later round; a directory that moves takes it along.
            let below = |path: &RelPath, _: &mut Reading| path.is_below(from);
            carried.extend(to.map(|to| (from, to, taken, readings.extract_if(.., below).collect())));
        }
        carried.sort_by_key(|(_, to, ..)| *to);
        for (from, to, (ids, old_inodes), old_readings) in carried {
            numbers.by_path.extend(rebased(ids, from, to));
            self.inodes.extend(rebased(old_inodes, from, to));
            for (path, reading) in rebased(old_readings, from, to) {
                readings.entry(path).or_insert(reading);
            }
        }
    }
}

/// The inode of a directory that is new at its path.
fn new_directory(finding: &Finding) -> Option<(RelPath, u64)> {
    let Finding::Present { path, was: None, now: Entry::Directory { .. }, inode, .. } = finding else { return None };
    Some((path.clone(), *inode))
}

/// A directory that leaves a path, and where it goes.
fn leaving(change: &Change) -> Option<(&RelPath, Option<&RelPath>)> {
    match change {
        Change::Delete { path } | Change::Replace { path, .. } => Some((path, None)),
        Change::Move { from, to, entry: Entry::Directory { .. } } => Some((from, Some(to))),
        _ => None,
    }
}

fn take<T>(map: &mut BTreeMap<RelPath, T>, top: &RelPath) -> Vec<(RelPath, T)> {
    map.extract_if(.., |path, _| path == top || path.is_below(top)).collect()
}

fn rebased<T>(taken: Vec<(RelPath, T)>, from: &RelPath, to: &RelPath) -> Vec<(RelPath, T)> {
    let rebase = |(path, value): (RelPath, T)| (path.rebased(from, to).expect("was taken from below"), value);
    taken.into_iter().map(rebase).collect()
}

impl Recorder for Rows {
    fn record_readings(&self, readings: &[(RelPath, Reading)]) -> io::Result<()> {
        self.recorded_at_a_time.lock().expect("no holder of this lock panics").push(readings.len());
        let lists = self.lists();
        let late = readings.iter().filter(|(_, reading)| needs_list(reading.evidence.size));
        let late = late.map(|(_, reading)| reading.content).filter(|content| !lists.contains_key(content));
        self.unlisted.lock().expect("no holder of this lock panics").extend(late);
        self.readings().extend(readings.iter().cloned());
        Ok(())
    }

    fn record_chunk_lists(&self, lists: &[(ContentId, ChunkList)], _: Timestamp) -> io::Result<()> {
        let bytes = lists.iter().map(|(_, list)| list.as_bytes().len()).sum();
        self.list_bytes_at_a_time.lock().expect("no holder of this lock panics").push(bytes);
        self.lists().extend(lists.iter().cloned());
        Ok(())
    }
}

impl Rows {
    fn given(&self, rows: Vec<Row>) -> Vec<Row> {
        self.rows_given.fetch_add(rows.len(), Ordering::Relaxed);
        rows
    }

    /// What `of` takes of all rows of a directory, sorted by name.
    fn some_rows(&self, directory: DirectoryId, of: impl Fn(&[Row]) -> Vec<Row>) -> Vec<Row> {
        let known = self.last().take().filter(|(last, _)| *last == directory);
        let rows = known.map_or_else(|| self.rows_of(directory), |(_, rows)| rows);
        let some = of(&rows);
        *self.last() = Some((directory, rows));
        self.given(some)
    }

    fn rows_of(&self, directory: DirectoryId) -> Vec<Row> {
        let parent = match directory {
            DirectoryId::ROOT => RelPath::root(),
            id => match self.numbers().by_path.iter().find(|(_, known)| **known == id) {
                Some((path, _)) => path.clone(),
                None => return Vec::new(),
            },
        };
        let readings = self.readings.lock().expect("no holder of this lock panics");
        let read_in = readings.keys().flat_map(|path| path.ancestors().skip(1));
        let known = self.tree.iter().map(|(path, _)| path).chain(readings.keys()).cloned().chain(read_in);
        let paths: BTreeSet<RelPath> = known.filter(|path| path.parent().as_ref() == Some(&parent)).collect();
        let row = |path: &RelPath| Row {
            name: path.name().expect("not the root"),
            directory: self.may_be_directory(path, &readings).then(|| self.numbers().of(path)),
            acknowledged: self.tree.get(path).cloned(),
            inode: self.inodes.get(path).copied(),
            reading: readings.get(path).cloned(),
        };
        paths.iter().map(row).collect()
    }
}

impl Recorded for Rows {
    fn chunk_parameters(&self, content: &ContentId) -> io::Result<Option<Parameters>> {
        Ok(self.lists().get(content).map(ChunkList::parameters))
    }

    fn rows(&self, directory: DirectoryId) -> io::Result<Vec<Row>> {
        Ok(self.some_rows(directory, <[Row]>::to_vec))
    }

    fn rows_after(&self, directory: DirectoryId, name: Option<&Name>, most: usize) -> io::Result<Vec<Row>> {
        Ok(self.some_rows(directory, |rows| {
            let from = rows.partition_point(|row| name.is_some_and(|name| row.name <= *name));
            rows[from..].iter().take(most).cloned().collect()
        }))
    }

    fn row(&self, directory: DirectoryId, name: &Name) -> io::Result<Option<Row>> {
        let named = |rows: &[Row]| {
            let at = rows.binary_search_by(|row| row.name.cmp(name));
            at.ok().map(|at| rows[at].clone()).into_iter().collect()
        };
        Ok(self.some_rows(directory, named).pop())
    }

    fn directories_with_inode(&self, inode: u64) -> io::Result<Vec<Acknowledged>> {
        self.inodes_asked.fetch_add(1, Ordering::Relaxed);
        let all = self.inodes.iter().filter(|(path, known)| **known == inode && self.is_directory(path));
        let acknowledged = |(path, _): (&RelPath, &u64)| {
            let entry = self.tree.get(path)?.clone();
            Some(Acknowledged { id: self.numbers().of(path), path: path.clone(), entry })
        };
        Ok(all.filter_map(acknowledged).collect())
    }
}
