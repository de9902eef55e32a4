//! One directory being judged: its verdicts become findings, reading what must be read.

use std::io;

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
        let mut judge =
            Self { round, directory, reader, noted: Scanned::default(), absent: Vec::new(), vanished: Vec::new() };
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
            FileKind::Directory if self.directory.row(name).and_then(|row| row.inode) != Some(stat.inode) => {
                let path = self.path(name);
                self.noted.inodes.extend(path.map(|path| (path, stat.inode)));
            }
            FileKind::Directory | FileKind::Symlink | FileKind::Special => {}
        }
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
            Verdict::Same => {}
            Verdict::Differs { row, now, inode } => self.differs(name, row, now, inode)?,
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
        self.noted.findings.push(Finding::Present { path, was, now, old_inode, inode, silent: false });
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
            Outcome::Moving => {
                self.noted.findings.push(Finding::Deferred { path, reason: Deferral::Moving, hint: None })
            }
            Outcome::Vanished => match row {
                Some(row) => self.missing(row, true),
                None => self.vanished.push(name.clone()),
            },
            Outcome::Failed(error) if became_something_else(&error) => {
                self.noted.findings.push(Finding::Deferred { path, reason: Deferral::Moving, hint: None });
            }
            Outcome::Failed(error) => self.round.problem(path, Trouble::Read(error)),
        }
        Ok(())
    }
}

/// Whether what stat called a file is a directory, a FIFO or the like by the time it is opened.
fn became_something_else(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory)
}
