//! One scan under way: what its threads share, and what they found so far.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::{Entry, Kind, Name, RelPath};
use seams::clock::Clock;
use seams::fs::{Directory, Stat};
use seams::parallel::Queue;
use seams::progress::Progress;
use seams::recorded::{Recorded, Row};

use crate::compare::{compare, metadata};
use crate::filter::Filter;
use crate::finding::{Deferral, Finding, Trouble};
use crate::fingerprint::Reader;
use crate::judge::Judge;
use crate::open_directories::OpenDirectory;
use crate::scan::{Scan, ScanError, Scanned};
use crate::second_look::{Absent, SecondLook, second_look};
use crate::trust::{Stamps, StampsByDevice};
use crate::walk::{Subtree, SubtreeWalk};

/// One scan under way, shared by its threads.
pub(crate) struct Round<'a> {
    pub root: Arc<dyn Directory>,
    pub recorded: &'a dyn Recorded,
    pub filter: &'a Filter,
    pub one_file_system: bool,
    pub device: u64,
    pub stamps: StampsByDevice,
    clock: &'a dyn Clock,
    progress: &'a dyn Progress,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    scanned: Scanned,
    absent: Vec<Absent>,
    failed: Option<ScanError>,
}

/// What is recorded at and below a path that is gone.
#[derive(Default)]
struct Below {
    /// What goes.
    recorded: Vec<(RelPath, Row)>,
    /// Directories above something that a filter leaves out: they stay with it.
    stays: BTreeSet<RelPath>,
}

impl<'a> Round<'a> {
    /// Begins with the root itself.
    pub(crate) fn begin(scan: Scan<'a>) -> Result<Self, ScanError> {
        let stat = scan.root.own_stat().map_err(ScanError::Root)?;
        let round = Self {
            root: scan.root,
            recorded: scan.recorded,
            filter: scan.filter,
            one_file_system: scan.one_file_system,
            device: stat.device,
            stamps: StampsByDevice::default(),
            clock: scan.clock,
            progress: scan.progress,
            found: Mutex::default(),
        };
        let now = Entry::Directory { metadata: metadata(&stat) };
        let was = scan.recorded_root.map(|metadata| Entry::Directory { metadata });
        if was.as_ref() != Some(&now) {
            let root =
                Finding::Present { path: RelPath::root(), was, now, old_inode: None, inode: stat.inode, silent: false };
            round.found().scanned.findings.push(root);
        }
        Ok(round)
    }

    /// Walks one subtree. After a failure nothing more is begun.
    pub(crate) fn walk(&self, subtree: Subtree, queue: &Queue<Subtree>) {
        if self.found().failed.is_some() {
            return;
        }
        let mut reader = Reader::new(self.clock, self.progress);
        let walked = SubtreeWalk::begin(self, queue, subtree)
            .and_then(|walk| walk.map_or(Ok(()), |walk| walk.run(&mut |directory| self.leave(directory, &mut reader))));
        if let Err(error) = walked {
            self.found().failed.get_or_insert(error);
        }
    }

    /// Trouble with one path; trouble of this machine ends the round.
    pub(crate) fn problem(&self, path: RelPath, trouble: Trouble) {
        let mut found = self.found();
        if let Some(error) = exhaustion(&trouble) {
            found.failed.get_or_insert(ScanError::Exhausted(error));
        }
        found.scanned.findings.push(Finding::Problem { path, trouble, hint: None });
    }

    /// Trouble with a directory that was there a moment ago: one that vanished meanwhile is looked for in the next round.
    pub(crate) fn trouble(&self, path: RelPath, error: io::Error, trouble: fn(io::Error) -> Trouble) {
        if error.kind() == io::ErrorKind::NotFound {
            self.found().scanned.findings.push(Finding::Deferred { path, reason: Deferral::Vanished, hint: None });
        } else {
            self.problem(path, trouble(error));
        }
    }

    /// What is known of a directory's file system; asks, once, whether this machine's own clock stamps there.
    pub(crate) fn meet_file_system(&self, directory: &dyn Directory, stat: &Stat) -> Stamps {
        self.stamps.meet(stat.device, || directory.filesystem().is_ok_and(|filesystem| filesystem.local));
        self.stamps.learn(stat.device, stat.ctime)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().expect("no holder of this lock panics")
    }

    /// Everything in a directory was seen: compare, read what must be read, note what differs.
    fn leave(&self, mut directory: OpenDirectory, reader: &mut Reader<'_>) -> Result<(), ScanError> {
        directory.listed.sort_by(|a, b| a.name.cmp(&b.name));
        directory.listed.dedup_by(|a, b| a.name == b.name);
        let complete = directory.broken.is_none();
        if let Some(error) = directory.broken.take() {
            self.trouble(directory.path.clone(), error, Trouble::Listing);
        }
        let mut judge = Judge::new(self, &directory, reader);
        for (name, verdict) in compare(&directory.listed, &directory.rows, complete, self.clock.now()) {
            judge.take(name, verdict)?;
        }
        let (noted, absent, vanished) = judge.finish();
        self.progress.seen(noted.counts.files, noted.counts.bytes);
        self.absorb(noted, absent_names(directory, absent, vanished));
        Ok(())
    }

    fn absorb(&self, mut noted: Scanned, absent: Option<Absent>) {
        let mut found = self.found();
        found.absent.extend(absent);
        let scanned = &mut found.scanned;
        scanned.findings.append(&mut noted.findings);
        scanned.readings.append(&mut noted.readings);
        scanned.inodes.append(&mut noted.inodes);
        scanned.flown.append(&mut noted.flown);
        scanned.counts.add(noted.counts);
    }

    /// After the walk: looks again for everything that seemed gone.
    pub(crate) fn look_again(&self) -> Result<(), ScanError> {
        let absent = std::mem::take(&mut self.found().absent);
        for absent in absent {
            match second_look(&self.root, &absent) {
                SecondLook::Proven(gone) => {
                    for row in gone {
                        match absent.directory.join(&row.name) {
                            Ok(path) => self.gone(path, row)?,
                            Err(error) => self.problem(absent.directory.clone(), error.into()),
                        }
                    }
                    self.defer(&absent, Deferral::Vanished, &absent.vanished);
                }
                SecondLook::Deferred(reason) => {
                    let names: Vec<Name> = absent.rows.iter().map(|row| row.name.clone()).collect();
                    self.defer(&absent, reason, &names);
                }
                SecondLook::Failed(error) => self.trouble(absent.directory, error, Trouble::SecondLook),
            }
        }
        Ok(())
    }

    fn defer(&self, absent: &Absent, reason: Deferral, names: &[Name]) {
        let mut found = self.found();
        for path in names.iter().filter_map(|name| absent.directory.join(name).ok()) {
            found.scanned.findings.push(Finding::Deferred { path, reason, hint: None });
        }
    }

    /// Notes that a row is gone, with everything recorded below it. What a filter leaves out is not deleted, and so
    /// neither are the directories that it lies in.
    pub(crate) fn gone(&self, path: RelPath, row: Row) -> Result<(), ScanError> {
        let Below { recorded, stays } = self.recorded_below(path, row)?;
        let mut found = self.found();
        for (path, row) in recorded {
            match row.acknowledged {
                _ if stays.contains(&path) => {}
                Some(was) => {
                    let old_inode = row.reading.map(|reading| reading.evidence.inode).or(row.inode);
                    found.scanned.findings.push(Finding::Gone { path, was, old_inode });
                }
                None => found.scanned.flown.push(path),
            }
        }
        Ok(())
    }

    /// A row and what is recorded below it, but for what a filter leaves out; and the directories above that.
    fn recorded_below(&self, path: RelPath, row: Row) -> Result<Below, ScanError> {
        let Below { mut recorded, mut stays } = Below::default();
        let mut rows = vec![(path, row)];
        while let Some((path, row)) = rows.pop() {
            let is_directory = row.acknowledged.as_ref().is_some_and(|was| was.kind() == Kind::Directory);
            if self.filter.excludes(&path, is_directory) {
                stays.extend(path.ancestors());
                continue;
            }
            if let Some(id) = row.directory {
                let below = self.recorded.rows(id).map_err(ScanError::Recorded)?;
                rows.extend(below.into_iter().filter_map(|below| Some((path.join(&below.name).ok()?, below))));
            }
            recorded.push((path, row));
        }
        Ok(Below { recorded, stays })
    }

    /// What was found, sorted.
    pub(crate) fn finish(self) -> Result<Scanned, ScanError> {
        let Found { mut scanned, failed, .. } = self.found.into_inner().expect("every thread has ended without panic");
        if let Some(error) = failed {
            return Err(error);
        }
        scanned.findings.sort_by(|a, b| a.path().cmp(b.path()));
        scanned.readings.sort_by(|a, b| a.0.cmp(&b.0));
        scanned.inodes.sort();
        scanned.flown.sort();
        Ok(scanned)
    }
}

/// EMFILE, ENFILE, ENOMEM and ENOSPC at the client are problems of the round, never of a path.
fn exhaustion(trouble: &Trouble) -> Option<io::Error> {
    const OUT_OF: [i32; 4] = [24, 23, 12, 28];
    let (Trouble::Stat(error)
    | Trouble::OpenDirectory(error)
    | Trouble::Listing(error)
    | Trouble::Read(error)
    | Trouble::ReadLink(error)
    | Trouble::SecondLook(error)) = trouble
    else {
        return None;
    };
    error.raw_os_error().filter(|code| OUT_OF.contains(code)).map(io::Error::from_raw_os_error)
}

fn absent_names(directory: OpenDirectory, absent: Vec<Row>, vanished: Vec<Name>) -> Option<Absent> {
    let any = !absent.is_empty() || !vanished.is_empty();
    any.then_some(Absent { directory: directory.path, stat: directory.stat, rows: absent, vanished })
}
