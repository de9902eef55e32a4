//! The scrub's reading: each file that was chosen, while its evidence still holds.
//!
//! What changed since it was compared is left to the next round, which will see it by its evidence.

use protocol::{Entry, Kind, RelPath};
use seams::fs::{Directory, Stat, open_by_components};
use seams::parallel::Parallel;
use seams::recorded::{Reading, Row, Trust};

use crate::compare::metadata;
use crate::finding::{Finding, Hint, Trouble};
use crate::fingerprint::{Outcome, Reader};
use crate::found::Noted;
use crate::round::Round;
use crate::scan::ScanError;
use crate::scrub::Group;
use crate::trust::{Stamps, still_holds};

/// Reads what was chosen.
pub(crate) fn scrub(round: &Round<'_>, parallel: Parallel) {
    parallel.for_each(round.scrub.take(), |group| {
        if let Err(error) = scrub_directory(round, &group) {
            round.fail(error);
        }
    });
}

fn scrub_directory(round: &Round<'_>, group: &Group) -> Result<(), ScanError> {
    let rows = round.recorded.rows(group.directory).map_err(ScanError::Recorded)?;
    let Ok(directory) = open_by_components(&round.root, &group.path) else { return Ok(()) };
    let Ok(stat) = directory.own_stat() else { return Ok(()) };
    let stamps = round.meet_file_system(&*directory, &stat);
    let reader = Reader::new(round);
    let mut scrubber = Scrubber { round, directory: &*directory, stamps, reader, noted: Noted::default() };
    for path in &group.files {
        if round.has_failed() || round.go_on().is_err() {
            break;
        }
        if let Some(row) = rows.iter().find(|row| path.name().as_ref() == Some(&row.name)) {
            scrubber.scrub(path, row);
        }
    }
    round.absorb(scrubber.noted, false)?;
    round.go_on()
}

/// Reads files of one directory again.
struct Scrubber<'a, 'r> {
    round: &'a Round<'r>,
    directory: &'a dyn Directory,
    stamps: Stamps,
    reader: Reader<'r>,
    noted: Noted,
}

impl Scrubber<'_, '_> {
    fn scrub(&mut self, path: &RelPath, row: &Row) {
        let (Some(old), Ok(stat)) = (&row.reading, self.directory.stat(&row.name)) else { return };
        if !still_holds(old, &(&stat).into(), self.round.clock.now(), self.stamps) {
            return;
        }
        self.noted.counts.files_opened += 1;
        match self.reader.read(self.directory, &row.name, Some(old), self.stamps) {
            Outcome::Read { reading, stat, list } if self.stamps.agree(&old.evidence, &reading.evidence) => {
                self.noted.cut(reading.content, list);
                self.was_read(path, row, reading, &stat);
            }
            Outcome::Read { .. } | Outcome::Moving | Outcome::Vanished => {}
            Outcome::Failed(error) => {
                let hint = Hint { inode: stat.inode, size: stat.size };
                self.round.unread(path.clone(), Trouble::Read(error), Some(hint));
            }
        }
    }

    fn was_read(&mut self, path: &RelPath, row: &Row, reading: Reading, stat: &Stat) {
        self.noted.counts.bytes_scrubbed += stat.size;
        let now = Entry::File { metadata: metadata(stat), size: stat.size, content: reading.content };
        if row.acknowledged.as_ref() != Some(&now) {
            let was = row.acknowledged.clone();
            let silent = reading.trust == Trust::Silent && was.as_ref().is_some_and(|was| was.kind() == Kind::File);
            let old_inode = row.reading.as_ref().map(|reading| reading.evidence.inode);
            let base = self.round.claims().base(path).filter(|_| was.is_some());
            let (path, inode) = (path.clone(), stat.inode);
            self.noted.findings.push(Finding::Present { path, base, was, now, old_inode, inode, silent });
        }
        self.noted.readings.push((path.clone(), reading));
    }
}
