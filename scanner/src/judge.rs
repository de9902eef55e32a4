//! One directory being judged: its verdicts become findings, reading what must be read.

use protocol::{Entry, Kind, Name, RelPath};
use seams::fs::{FileKind, Stat};
use seams::recorded::Row;

use crate::compare::{Look, Verdict, differs, metadata};
use crate::finding::{Deferral, Finding, Trouble};
use crate::fingerprint::{Outcome, Reader};
use crate::open_directories::OpenDirectory;
use crate::round::Round;
use crate::scan::{ScanError, Scanned};
use crate::trust::Stamps;

/// One directory being judged, and what is noted of it.
pub(crate) struct Judge<'a, 'r, 'b> {
    round: &'a Round<'r>,
    directory: &'a OpenDirectory,
    reader: &'a mut Reader<'b>,
    noted: Scanned,
    absent: Vec<Row>,
    vanished: Vec<Name>,
}

impl<'a, 'r, 'b> Judge<'a, 'r, 'b> {
    pub(crate) fn new(round: &'a Round<'r>, directory: &'a OpenDirectory, reader: &'a mut Reader<'b>) -> Self {
        let mut noted = Scanned::default();
        for listed in &directory.listed {
            if let Look::There { stat, .. } = &listed.look {
                noted.counts.files += u64::from(stat.kind == FileKind::File);
                noted.counts.bytes += if stat.kind == FileKind::File { stat.size } else { 0 };
            }
        }
        if directory.path.is_root() {
            noted.counts.names_in_root = directory.listed.len() as u64;
        }
        Self { round, directory, reader, noted, absent: Vec::new(), vanished: Vec::new() }
    }

    /// What was noted; rows that seem gone; names that vanished while we looked.
    pub(crate) fn finish(self) -> (Scanned, Vec<Row>, Vec<Name>) {
        (self.noted, self.absent, self.vanished)
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
        match verdict {
            Verdict::Same => self.note_inode(name),
            Verdict::Differs { row, now, inode } => {
                self.note_inode(name);
                self.differs(name, row, now, inode)?;
            }
            Verdict::Unread { row, stat, stamps } => self.read(name, row, &stat, stamps)?,
            Verdict::Missing { row, vanished } => self.missing(row, vanished),
            Verdict::Flown => self.vanished.push(name.clone()),
            Verdict::Special { row } => {
                self.noted.counts.special += 1;
                if let (Some(row), Some(path)) = (row, self.path(name)) {
                    self.round.gone(path, row.clone())?;
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

    /// Directories' inodes are hints for move matching; only what is not recorded so is noted.
    fn note_inode(&mut self, name: &Name) {
        let Some(stat) = self.stat_of(name) else { return };
        let recorded = self.directory.row(name).and_then(|row| row.inode);
        if stat.kind == FileKind::Directory && recorded != Some(stat.inode) {
            if let Some(path) = self.path(name) {
                self.noted.inodes.push((path, stat.inode));
            }
        }
    }

    fn stat_of(&self, name: &Name) -> Option<Stat> {
        let at = self.directory.listed.binary_search_by(|listed| listed.name.cmp(name)).ok()?;
        match &self.directory.listed[at].look {
            Look::There { stat, .. } => Some(*stat),
            Look::Excluded | Look::Unknown | Look::Vanished => None,
        }
    }

    fn differs(&mut self, name: &Name, row: Option<&Row>, now: Entry, inode: u64) -> Result<(), ScanError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        let was = row.and_then(|row| row.acknowledged.clone());
        let old_inode = row.and_then(|row| row.reading.as_ref().map(|reading| reading.evidence.inode).or(row.inode));
        let was_directory = was.as_ref().is_some_and(|was| was.kind() == Kind::Directory);
        if let Some(id) = row.and_then(|row| row.directory).filter(|_| was_directory && now.kind() != Kind::Directory) {
            // Another kind of thing stands where a directory was: what was in it is gone.
            for below in self.round.recorded.rows(id).map_err(ScanError::Recorded)? {
                if let Ok(path) = path.join(&below.name) {
                    self.round.gone(path, below)?;
                }
            }
        }
        self.noted.findings.push(Finding::Present { path, was, now, old_inode, inode });
        Ok(())
    }

    fn read(&mut self, name: &Name, row: Option<&Row>, listed: &Stat, stamps: Stamps) -> Result<(), ScanError> {
        let Some(path) = self.path(name) else { return Ok(()) };
        self.noted.counts.files_opened += 1;
        let old = row.and_then(|row| row.reading.as_ref());
        match self.reader.read(&*self.directory.handle, name, old, stamps) {
            Outcome::Read { reading, stat } => {
                let now = Entry::File { metadata: metadata(&stat), size: stat.size, content: reading.content };
                self.noted.readings.push((path, reading));
                if let Verdict::Differs { row, now, inode } = differs(row, now, listed.inode) {
                    self.differs(name, row, now, inode)?;
                }
            }
            Outcome::Moving => self.noted.findings.push(Finding::Deferred { path, reason: Deferral::Moving }),
            Outcome::Vanished => match row {
                Some(row) => self.missing(row, true),
                None => self.vanished.push(name.clone()),
            },
            Outcome::Failed(error) => self.round.problem(path, Trouble::Read(error)),
        }
        Ok(())
    }
}
