//! One scan under way: what its threads share, and what they found so far.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::{Entry, Name, RelPath};
use seams::clock::Clock;
use seams::fs::{Directory, Stat};
use seams::known::Known;
use seams::parallel::{Parallel, Queue};
use seams::progress::Progress;
use seams::recorded::{DirectoryId, Reading, Recorded, Recorder};
use seams::scratch::Scratch;

use crate::birth::birth;
use crate::claims::Claims;
use crate::compare::{Look, Terms, compare, metadata};
use crate::edited_moves::tell_edited_moves;
use crate::filter::Filter;
use crate::finding::{Deferral, Finding, Hint, Trouble};
use crate::fingerprint::Reader;
use crate::found::{Found, MOST_READ, Noted, READINGS_AT_A_TIME};
use crate::gone::{Goes, Going};
use crate::habits::Observed;
use crate::judge::Judge;
use crate::lists::{Lists, MOST_LIST_BYTES};
use crate::open_directories::OpenDirectory;
use crate::past::Past;
use crate::scan::{Rules, Scan, ScanError, Scanned};
use crate::scrub::Scrub;
use crate::scrubber::scrub;
use crate::second_look::{Absent, SecondLook, second_look};
use crate::trust::{Met, Stamps, StampsByDevice};
use crate::walk::{Subtree, SubtreeWalk};
use crate::watched::Watched;

/// One scan under way, shared by its threads.
pub(crate) struct Round<'a> {
    pub root: Arc<dyn Directory>,
    pub recorded: &'a dyn Recorded,
    pub filter: &'a Filter,
    pub one_file_system: bool,
    pub device: u64,
    pub stamps: StampsByDevice,
    pub rules: Rules,
    pub known: &'a Known,
    pub observed: Observed,
    pub scrub: Scrub,
    pub clock: &'a dyn Clock,
    pub progress: &'a dyn Progress,
    pub parallel: Parallel,
    recorder: &'a dyn Recorder,
    pub scratch: &'a dyn Scratch,
    pub most_in_memory: usize,
    stop: &'a AtomicBool,
    /// Whether anything is recorded, so that anything can be deleted.
    pub watches: bool,
    found: Mutex<Found>,
    claims: Mutex<Claims>,
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
            stamps: StampsByDevice::new(scan.rules.margins),
            rules: scan.rules,
            known: scan.known,
            observed: Observed::default(),
            scrub: Scrub::new(scan.rules.scrub_bytes),
            clock: scan.clock,
            progress: scan.progress,
            parallel: scan.parallel,
            recorder: scan.recorder,
            scratch: scan.scratch,
            most_in_memory: scan.most_in_memory,
            stop: scan.stop,
            watches: !scan.recorded.rows_after(DirectoryId::ROOT, None, 1).map_err(ScanError::Recorded)?.is_empty(),
            found: Mutex::default(),
            claims: Mutex::default(),
        };
        let now = Entry::Directory { metadata: metadata(&stat) };
        let was = scan.recorded_root.map(|metadata| Entry::Directory { metadata });
        if was.as_ref() != Some(&now) {
            let root = Finding::Present {
                path: RelPath::root(),
                base: None,
                was,
                now,
                old_inode: None,
                inode: stat.inode,
                silent: false,
            };
            round.found().scanned.findings.push(root);
        }
        Ok(round)
    }

    /// Walks the whole source, and looks again until nothing is left open.
    pub(crate) fn look(&self) -> Result<(), ScanError> {
        self.walk_all(vec![self.whole(false)])?;
        self.settle()?;
        scrub(self, self.parallel);
        self.outcome()
    }

    /// The source from its root on.
    pub(crate) fn whole(&self, again: bool) -> Subtree {
        Subtree { path: RelPath::root(), past: Past::root(), device: self.device, again }
    }

    /// Walks subtrees.
    pub(crate) fn walk_all(&self, subtrees: Vec<Subtree>) -> Result<(), ScanError> {
        self.parallel.drain(subtrees, |subtree, queue| self.walk(subtree, queue));
        self.outcome()
    }

    /// Walks one subtree. After a failure nothing more is begun.
    fn walk(&self, subtree: Subtree, queue: &Queue<Subtree>) {
        if self.has_failed() {
            return;
        }
        let mut reader = Reader::new(self);
        let walked = SubtreeWalk::begin(self, queue, subtree)
            .and_then(|walk| walk.map_or(Ok(()), |walk| walk.run(&mut |directory| self.leave(directory, &mut reader))));
        if let Err(error) = walked {
            self.fail(error);
        }
    }

    /// Trouble with one path; trouble of this machine ends the round.
    pub(crate) fn problem(&self, path: RelPath, trouble: Trouble) {
        self.unread(path, trouble, None);
    }

    /// The same of a file of which something is known.
    pub(crate) fn unread(&self, path: RelPath, trouble: Trouble, hint: Option<Hint>) {
        let mut found = self.found();
        if let Some(error) = exhaustion(&trouble) {
            found.failed.get_or_insert(ScanError::Exhausted(error));
        }
        found.scanned.findings.push(Finding::Problem { path, trouble, hint });
    }

    /// Trouble with a directory that was there a moment ago: one that vanished meanwhile is looked for in the next round.
    pub(crate) fn trouble(&self, path: RelPath, error: io::Error, trouble: fn(io::Error) -> Trouble) {
        if error.kind() == io::ErrorKind::NotFound {
            self.defer([path], Deferral::Vanished);
        } else {
            self.problem(path, trouble(error));
        }
    }

    /// What is known of a directory's file system; asks it, once, what it is.
    pub(crate) fn meet_file_system(&self, directory: &dyn Directory, stat: &Stat) -> Stamps {
        self.stamps.meet(stat.device, || match directory.filesystem() {
            Ok(identity) => Met::recognised(&identity, &self.rules, self.known),
            Err(_) => Met { key: None, stamps: Stamps::unknown(self.rules.margins) },
        });
        self.stamps.learn(stat.device, stat.ctime)
    }

    /// Ends the round with an error; the first one counts.
    pub(crate) fn fail(&self, error: ScanError) {
        self.found().failed.get_or_insert(error);
    }

    /// Whether nothing more is to be begun.
    pub(crate) fn has_failed(&self) -> bool {
        self.found().failed.is_some()
    }

    /// Fails where somebody asks to stop.
    pub(crate) fn go_on(&self) -> Result<(), ScanError> {
        if self.stop.load(Ordering::Relaxed) { Err(ScanError::Stopped) } else { Ok(()) }
    }

    /// Fails where some thread failed, or was asked to stop.
    pub(crate) fn outcome(&self) -> Result<(), ScanError> {
        self.found().failed.take().map_or(Ok(()), Err)
    }

    pub(crate) fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().expect("no holder of this lock panics")
    }

    /// Which directory is which. Not to be held together with what was found.
    pub(crate) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().expect("no holder of this lock panics")
    }

    /// Everything in a directory was seen.
    fn leave(&self, directory: OpenDirectory, reader: &mut Reader<'_>) -> Result<(), ScanError> {
        if self.watches && directory.broken.is_none() {
            self.found().watch(Watched::new(&directory, None));
        }
        self.judge(directory, reader)
    }

    /// Compares what was seen in a directory, reads what must be read, notes what differs.
    pub(crate) fn judge(&self, mut directory: OpenDirectory, reader: &mut Reader<'_>) -> Result<(), ScanError> {
        let complete = directory.broken.is_none();
        if let Some(error) = directory.broken.take() {
            self.trouble(directory.path.clone(), error, Trouble::Listing);
        }
        if directory.is_large() {
            return self.judge_in_parts(directory, complete, reader);
        }
        self.judge_listed(&mut directory, complete, reader)
    }

    /// The same of what was listed in a directory, and its rows.
    pub(crate) fn judge_listed(
        &self,
        directory: &mut OpenDirectory,
        complete: bool,
        reader: &mut Reader<'_>,
    ) -> Result<(), ScanError> {
        directory.listed.sort_by(|a, b| a.name.cmp(&b.name));
        directory.listed.dedup_by(|a, b| a.name == b.name);
        self.set_strangers_apart(directory);
        self.lay_readings_over(directory);
        self.leave_out(directory);
        let late = directory.past.is_recorded_late();
        let mut judge = Judge::new(self, directory, reader);
        let terms = Terms { complete, full: self.rules.full, now: self.clock.now() };
        let mut verdicts = compare(&directory.listed, &directory.rows, terms).into_iter();
        // Also where the round ends amid a directory, what was read in it is recorded.
        let judged = verdicts.try_for_each(|(name, verdict)| {
            judge.take(name, verdict)?;
            self.keep_lists(judge.lists(MOST_LIST_BYTES))?;
            self.keep_plain(judge.plain())?;
            self.keep(judge.readings(READINGS_AT_A_TIME), late)
        });
        let (mut noted, absent, vanished) = judge.finish();
        if directory.again {
            noted.counts = noted.counts.of_another_look();
        }
        self.progress.seen(noted.counts.files, noted.counts.bytes);
        self.found().absent.extend(Absent::of(directory, absent, vanished));
        self.absorb(noted, late)?;
        judged
    }

    /// Holds what is recorded of a directory, where not all rows of the one that it is in are held.
    pub(crate) fn hold_row(&self, parent: &mut OpenDirectory, name: &Name) -> Result<(), ScanError> {
        let Some(id) = parent.past.id.filter(|_| parent.more_rows) else { return Ok(()) };
        if let Some(row) = self.recorded.row(id, name).map_err(ScanError::Recorded)? {
            parent.hold(row);
        }
        Ok(())
    }

    /// What a filter leaves out, and the mirror holds: it stays, unless the user decided otherwise.
    fn leave_out(&self, directory: &OpenDirectory) {
        for listed in directory.listed.iter().filter(|listed| matches!(listed.look, Look::Excluded)) {
            let Some(row) = directory.row(&listed.name) else { continue };
            let Ok(place) = directory.path.join(&listed.name) else { continue };
            if self.rules.delete_excluded {
                let path = directory.base_of(&listed.name).unwrap_or_else(|| place.clone());
                self.found().going.push(Going { place, path, row: row.clone(), why: Goes::Missing });
            } else if row.acknowledged.is_some() {
                self.found().excluded.insert(place);
            }
        }
    }

    /// Takes what was noted, of which what was read is to be recorded now or late.
    pub(crate) fn absorb(&self, mut noted: Noted, late: bool) -> Result<(), ScanError> {
        let readings = std::mem::take(&mut noted.readings);
        let lists = std::mem::take(&mut noted.lists);
        let plain = std::mem::take(&mut noted.plain);
        self.found().absorb(noted);
        self.keep_lists(lists)?;
        self.keep_plain(plain)?;
        self.keep(readings, late)
    }

    /// Keeps what was read, and records it when there is enough of it.
    fn keep(&self, readings: Vec<(RelPath, Reading)>, late: bool) -> Result<(), ScanError> {
        if readings.is_empty() {
            return Ok(());
        }
        let mut found = self.found();
        if self.watches && found.read.len() < MOST_READ {
            found.read.extend(readings.iter().cloned());
        }
        found.keep(readings, late);
        let readings = found.take_unrecorded(READINGS_AT_A_TIME);
        drop(found);
        self.record(&readings)
    }

    /// Records what was read and is not recorded yet; if there will be no plan, all of it.
    pub(crate) fn record_rest(&self, will_plan: bool) -> Result<(), ScanError> {
        if !will_plan {
            self.found().hurry();
        }
        let readings = self.found().take_unrecorded(0);
        self.record(&readings)
    }

    /// Lists go before the readings that name their contents: a round cut short in between must not leave contents that
    /// count as read and have no list.
    fn record(&self, readings: &[(RelPath, Reading)]) -> Result<(), ScanError> {
        if readings.is_empty() {
            return Ok(());
        }
        let lists = self.found().lists.take_from(0);
        self.record_lists(&lists)?;
        self.recorder.record_readings(readings).map_err(ScanError::Recorder)
    }

    pub(crate) fn record_lists(&self, lists: &Lists) -> Result<(), ScanError> {
        if lists.as_slice().is_empty() {
            return Ok(());
        }
        self.recorder.record_chunk_lists(lists.as_slice(), self.clock.now()).map_err(ScanError::Recorder)
    }

    /// After the walk: looks again for everything that seemed gone.
    pub(crate) fn look_again(&self) {
        let absent = std::mem::take(&mut self.found().absent);
        for absent in absent {
            match second_look(&self.root, &absent) {
                SecondLook::Proven(gone) => {
                    for row in gone {
                        match (absent.directory.join(&row.name), absent.base_of(&row.name)) {
                            (Ok(place), Some(path)) => {
                                self.found().going.push(Going { place, path, row, why: Goes::Missing });
                            }
                            (Err(error), _) => self.problem(absent.directory.clone(), error.into()),
                            (Ok(_), None) => {}
                        }
                    }
                    self.defer(absent.paths(&absent.vanished), Deferral::Vanished);
                }
                SecondLook::Deferred(reason) => {
                    let names: Vec<Name> = absent.rows.iter().map(|row| row.name.clone()).collect();
                    self.defer(absent.paths(&names), reason);
                }
                SecondLook::Failed(error) => self.trouble(absent.directory, error, Trouble::SecondLook),
            }
        }
    }

    /// Notes that paths wait for the next round. What vanished is not where a directory of the mirror was found.
    pub(crate) fn defer(&self, paths: impl IntoIterator<Item = RelPath>, reason: Deferral) {
        let paths: Vec<RelPath> = paths.into_iter().collect();
        if reason == Deferral::Vanished {
            paths.iter().for_each(|path| self.claims().lose(path));
        }
        self.found().defer(paths, reason);
    }

    /// What was found, sorted.
    pub(crate) fn finish(self) -> Result<Scanned, ScanError> {
        let mut found = self.found.into_inner().expect("every thread has ended without panic");
        let habits = self.observed.learned(&self.known.habits, self.rules.full);
        let ctimes = std::mem::take(&mut found.ctimes_of_gone);
        let mut scanned = found.finish()?;
        let is_older = |place: &RelPath, inode: u64| {
            let born = birth(&self.root, place, inode, |device| self.stamps.of(device).weight.inode);
            ctimes.get(&inode).is_some_and(|ctime| born.is_ok_and(|born| born.is_some_and(|born| born <= *ctime)))
        };
        tell_edited_moves(&mut scanned.findings, is_older);
        Ok(Scanned { habits, ..scanned })
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
