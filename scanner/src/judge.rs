//! One directory being judged: its verdicts become findings, reading what must be read.

use std::io;

use protocol::{Entry, Kind, Name, RelPath};
use seams::fs::{FileKind, Stat};
use seams::known::PostponedKind;
use seams::recorded::{Evidence, Reading, Row, Trust};
use seams::scratch::Plain;

use crate::compare::{Look, Verdict, differs, metadata};
use crate::finding::{Deferral, Finding, Hint, Trouble};
use crate::fingerprint::{Outcome, Reader};
use crate::found::Noted;
use crate::gone::{Goes, Going, acknowledged_inode, was_directory};
use crate::habits::Tally;
use crate::lists::Lists;
use crate::open_directories::OpenDirectory;
use crate::patience::{is_waiting, is_young};
use crate::plain::{PLAIN_AT_A_TIME, is_plain};
use crate::round::Round;
use crate::scan::ScanError;
use crate::scrub::{Candidate, Selection};
use crate::trust::Stamps;

/// One directory being judged, and what is noted of it.
pub(crate) struct Judge<'a, 'r, 'b> {
    round: &'a Round<'r>,
    directory: &'a OpenDirectory,
    reader: &'a mut Reader<'b>,
    noted: Noted,
    tally: Tally,
    selection: Selection,
    absent: Vec<Row>,
    vanished: Vec<Name>,
}

impl<'a, 'r, 'b> Judge<'a, 'r, 'b> {
    pub(crate) fn new(round: &'a Round<'r>, directory: &'a OpenDirectory, reader: &'a mut Reader<'b>) -> Self {
        let (noted, tally, selection) = (Noted::default(), Tally::default(), round.scrub.fresh());
        let mut judge =
            Self { round, directory, reader, noted, tally, selection, absent: Vec::new(), vanished: Vec::new() };
        for listed in &directory.listed {
            if let Look::There { stat, .. } = &listed.look {
                judge.count(&listed.name, stat);
            }
        }
        if directory.path.is_root() {
            judge.noted.counts.names_in_root = directory.listed.len() as u64;
        }
        judge
    }

    /// Counts files; notes inodes of directories, hints for move matching, where they are not recorded so.
    fn count(&mut self, name: &Name, stat: &Stat) {
        match stat.kind {
            FileKind::File => {
                self.noted.counts.files += 1;
                self.noted.counts.bytes += stat.size;
            }
            FileKind::Directory if self.is_to_be_recorded(name, stat) => {
                let path = self.path(name);
                self.noted.inodes.extend(path.map(|path| (path, stat.inode)));
            }
            FileKind::Directory | FileKind::Symlink | FileKind::Special => {}
        }
    }

    /// Whether the mirror has a directory, and its inode is not recorded so. What belongs to another directory as long as
    /// the mirror has that is not written over: it would not be found again.
    fn is_to_be_recorded(&self, name: &Name, stat: &Stat) -> bool {
        let row = self.directory.row(name).filter(|row| row.acknowledged.is_some());
        let is_recorded = row.is_none_or(|row| row.inode == Some(stat.inode));
        !is_recorded && !self.directory.past.stranger && !self.directory.strangers.contains(name)
    }

    /// What was noted; rows that seem gone; names that vanished while we looked.
    pub(crate) fn finish(self) -> (Noted, Vec<Row>, Vec<Name>) {
        if let Some(filesystem) = self.round.stamps.key(self.directory.stat.device).filter(|_| !self.directory.again) {
            self.round.observed.add(filesystem, self.tally);
        }
        self.round.scrub.merge(self.selection);
        (self.noted, self.absent, self.vanished)
    }

    /// What was read so far, if it is so many.
    pub(crate) fn readings(&mut self, at_least: usize) -> Vec<(RelPath, Reading)> {
        let readings = &mut self.noted.readings;
        if readings.len() < at_least { Vec::new() } else { std::mem::take(readings) }
    }

    /// The plain findings so far, if they are many.
    pub(crate) fn plain(&mut self) -> Vec<Plain> {
        let plain = &mut self.noted.plain;
        if plain.len() < PLAIN_AT_A_TIME { Vec::new() } else { std::mem::take(plain) }
    }

    /// How contents are cut that were read so far, if it is so much.
    pub(crate) fn lists(&mut self, at_least: usize) -> Lists {
        self.noted.lists.take_from(at_least)
    }

    fn path(&mut self, name: &Name) -> Option<RelPath> {
        match self.directory.path.join(name) {
            Ok(path) => Some(path),
            Err(error) => {
                self.round.problem(self.directory.path.clone(), error.into());
                None
            }
        }
    }

    /// Turns one verdict into findings.
    pub(crate) fn take(&mut self, name: &Name, verdict: Verdict<'_>) -> Result<(), ScanError> {
        self.round.go_on()?;
        match verdict {
            Verdict::Same { row } => {
                self.evidence_holds(row);
                self.select(name, row);
            }
            Verdict::Differs { row, now, inode } => self.known(name, row, now, inode),
            Verdict::Unread { row, stat, stamps } => self.read(name, row, &stat, stamps),
            Verdict::Missing { row, vanished } => self.missing(row, vanished),
            Verdict::Flown => self.vanished.push(name.clone()),
            Verdict::Special { row } => {
                self.noted.counts.special += 1;
                if let (Some(row), Some(place)) = (row, self.path(name)) {
                    self.goes(place, row, Goes::Missing);
                }
            }
        }
        Ok(())
    }

    fn missing(&mut self, row: &Row, vanished: bool) {
        self.absent.push(row.clone());
        if vanished {
            self.vanished.push(row.name.clone());
        }
    }

    fn evidence_holds(&mut self, row: &Row) {
        if row.reading.is_some() {
            self.tally.unchanged();
        }
    }

    /// A file whose evidence holds may be one of the longest unverified.
    fn select(&mut self, name: &Name, row: &Row) {
        let (Some(reading), Some(directory)) = (&row.reading, self.directory.past.id) else { return };
        if self.selection.wants(reading.verified)
            && let Some(path) = self.path(name)
        {
            self.selection.offer(Candidate {
                verified: reading.verified,
                size: reading.evidence.size,
                path,
                directory,
            });
        }
    }

    /// Something that the mirror has otherwise, and that need not be read.
    fn known(&mut self, name: &Name, row: Option<&Row>, now: Entry, inode: u64) {
        let Some(path) = self.path(name) else { return };
        let reading = row.and_then(|row| row.reading.as_ref()).filter(|_| now.kind() == Kind::File);
        if let (Some(row), Some(_)) = (row, reading) {
            self.evidence_holds(row);
        }
        self.differs(path, row, now, inode, reading);
    }

    /// Notes a difference. One in content waits until the file has settled.
    fn differs(&mut self, path: RelPath, row: Option<&Row>, now: Entry, inode: u64, reading: Option<&Reading>) {
        let was = row.and_then(|row| row.acknowledged.clone());
        let other_content = was.as_ref().and_then(Entry::content) != now.content();
        if let Some(reading) = reading.filter(|reading| other_content && self.is_young(&reading.evidence)) {
            self.defer(path, Deferral::Young, Hint { inode, size: reading.evidence.size });
            return;
        }
        if now.kind() == Kind::Directory
            && let Some(moved) = self.moved(&path, &now, inode)
        {
            self.noted.findings.push(moved);
            return;
        }
        if let Some(row) = row.filter(|row| now.kind() != Kind::Directory && was_directory(row)) {
            self.goes(path, row, Goes::Replaced { now, inode });
            return;
        }
        let old_inode = row.and_then(acknowledged_inode);
        let base = path.name().filter(|_| was.is_some()).and_then(|name| self.directory.base_of(&name));
        let was_file = was.as_ref().is_some_and(|was| was.kind() == Kind::File);
        let silent = was_file && other_content && reading.is_some_and(|reading| reading.trust == Trust::Silent);
        // What the mirror has at the place of a stranger is on its way, and all that comes there needs it gone.
        let is_stranger = || path.name().is_some_and(|name| self.directory.strangers.contains(&name));
        if !silent && is_plain(&path, base.as_ref(), was.as_ref(), &now) && !is_stranger() {
            self.noted.plain.push(Plain { path, was, now, old_inode, inode });
        } else {
            self.noted.findings.push(Finding::Present { path, base, was, now, old_inode, inode, silent });
        }
    }

    /// A directory that the mirror has elsewhere.
    fn moved(&self, place: &RelPath, now: &Entry, inode: u64) -> Option<Finding> {
        let claims = self.round.claims();
        let claim = claims.at(place)?;
        Some(Finding::Moved {
            from: claim.base.clone(),
            to: place.clone(),
            was: claim.was.clone(),
            now: now.clone(),
            old_inode: Some(inode),
            inode,
        })
    }

    /// What is recorded of a place is not what is there.
    fn goes(&self, place: RelPath, row: &Row, why: Goes) {
        let path = self.directory.base_of(&row.name).unwrap_or_else(|| place.clone());
        self.round.found().going.push(Going { place, path, row: row.clone(), why });
    }

    fn is_young(&self, evidence: &Evidence) -> bool {
        is_young(self.directory.stamps.last_change(evidence), self.round.clock.now(), self.round.rules.settle)
    }

    fn defer(&mut self, path: RelPath, reason: Deferral, hint: Hint) {
        self.noted.findings.push(Finding::Deferred { path, reason, hint: Some(hint) });
    }

    /// Why a file is not read in this round.
    fn must_wait(&self, path: &RelPath, stat: &Stat) -> Option<Deferral> {
        let postponed = self.round.known.postponed.get(path).filter(|known| known.kind == PostponedKind::Deferred);
        if postponed.is_some_and(|postponed| is_waiting(postponed, stat, self.round.clock.now())) {
            return Some(Deferral::Waiting);
        }
        self.is_young(&stat.into()).then_some(Deferral::Young)
    }

    fn read(&mut self, name: &Name, row: Option<&Row>, listed: &Stat, stamps: Stamps) {
        let Some(path) = self.path(name) else { return };
        let hint = Hint { inode: listed.inode, size: listed.size };
        if let Some(reason) = self.must_wait(&path, listed) {
            self.defer(path, reason, hint);
            return;
        }
        self.noted.counts.files_opened += 1;
        let old = row.and_then(|row| row.reading.as_ref());
        match self.reader.read(&*self.directory.handle, name, old, stamps) {
            Outcome::Read { reading, stat, list } => {
                self.noted.cut(reading.content, list);
                self.was_read(path, row, reading, &stat);
            }
            Outcome::Moving => self.defer(path, Deferral::Moving, hint),
            Outcome::Vanished => match row {
                Some(row) => self.missing(row, true),
                None => self.vanished.push(name.clone()),
            },
            Outcome::Failed(error) if became_something_else(&error) => self.defer(path, Deferral::Moving, hint),
            Outcome::Failed(error) => self.round.unread(path, Trouble::Read(error), Some(hint)),
        }
    }

    fn was_read(&mut self, path: RelPath, row: Option<&Row>, reading: Reading, stat: &Stat) {
        let old = row.and_then(|row| row.reading.as_ref());
        if let (Some(row), Some(old)) = (row, old) {
            self.tally.read(self.directory.stamps.weight, row, old.fingerprint == reading.fingerprint, stat);
        }
        let now = Entry::File { metadata: metadata(stat), size: stat.size, content: reading.content };
        if let Verdict::Differs { row, now, inode } = differs(row, now, stat.inode) {
            self.differs(path.clone(), row, now, inode, Some(&reading));
        }
        self.noted.readings.push((path, reading));
    }
}

/// Whether what stat called a file is a directory, a FIFO or the like by the time it is opened.
fn became_something_else(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory)
}
