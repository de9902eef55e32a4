//! [`explain`]: what a scan would make of one path, and why. The decision is the scan's own.

use std::io;
use std::sync::Arc;

use protocol::{Entry, LinkTarget, Name, RelPath};
use seams::clock::Clock;
use seams::fs::{Directory, FileKind, Stat, leads_nowhere, open_by_components};
use seams::known::{Known, PostponedKind};
use seams::recorded::{Evidence, Reading, Row, Trust};

use crate::compare::{Listed, Look, Terms, Verdict, compare};
use crate::explanation::{Explanation, Outcome, Part, Proof, ReadWhy};
use crate::filter::Filter;
use crate::patience::{is_waiting, is_young};
use crate::scan::Rules;
use crate::trust::{Met, Stamps, StampsByDevice};

/// What is asked about one path, and by what a scan would judge it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The source's root directory.
    pub root: &'a Arc<dyn Directory>,
    /// The path, not the root itself.
    pub path: &'a RelPath,
    /// What is recorded there.
    pub row: Option<&'a Row>,
    /// How a scan would look.
    pub rules: &'a Rules,
    /// What earlier rounds learned.
    pub known: &'a Known,
    /// What is left out.
    pub filter: &'a Filter,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Looks at one path, and says what a scan would make of it.
#[must_use]
pub fn explain(question: &Question<'_>) -> Explanation {
    let answer = |outcome| Explanation { stat: None, differing: Vec::new(), proof: None, outcome };
    match look(question) {
        Ok(Some(there)) => question.judge(there),
        Ok(None) if question.row.is_some() => answer(Outcome::Gone),
        Ok(None) => answer(Outcome::Nowhere),
        Err(error) => answer(Outcome::Unknown(error)),
    }
}

/// What is at a path.
struct There {
    name: Name,
    stat: Stat,
    stamps: Stamps,
    target: Option<LinkTarget>,
}

/// Asks the file system; nothing if nothing is there.
fn look(question: &Question<'_>) -> io::Result<Option<There>> {
    let Some((parent, name)) = question.path.parent().zip(question.path.name()) else { return Ok(None) };
    let nothing = |error: io::Error| if leads_nowhere(&error) { Ok(None) } else { Err(error) };
    let directory = match open_by_components(question.root, &parent) {
        Ok(directory) => directory,
        Err(error) => return nothing(error),
    };
    let stat = match directory.stat(&name) {
        Ok(stat) => stat,
        Err(error) => return nothing(error),
    };
    let target = match stat.kind {
        FileKind::Symlink => LinkTarget::parse(&directory.read_link(&name)?),
        FileKind::Directory | FileKind::File | FileKind::Special => None,
    };
    let stamps = stamps(question, &*directory, &stat)?;
    Ok(Some(There { name, stat, stamps, target }))
}

/// The stamps of its file system, as far as it and its directory show them.
fn stamps(question: &Question<'_>, directory: &dyn Directory, stat: &Stat) -> io::Result<Stamps> {
    let (own, identity) = (directory.own_stat()?, directory.filesystem()?);
    let stamps = StampsByDevice::new(question.rules.margins);
    stamps.meet(own.device, || Met::recognised(&identity, question.rules, question.known));
    stamps.learn(own.device, own.ctime);
    Ok(stamps.learn(stat.device, stat.ctime))
}

impl Question<'_> {
    fn judge(&self, there: There) -> Explanation {
        let (stat, stamps) = (there.stat, there.stamps);
        let reading = self.row.and_then(|row| row.reading.as_ref()).filter(|_| stat.kind == FileKind::File);
        Explanation {
            stat: Some(stat),
            differing: reading.map_or_else(Vec::new, |reading| differing(&reading.evidence, &(&stat).into())),
            proof: reading.and_then(|reading| proof(reading, stamps)),
            outcome: self.outcome(there),
        }
    }

    /// The same comparison as a scan's, of a directory with nothing else in it.
    fn outcome(&self, there: There) -> Outcome {
        let There { name, stat, stamps, target } = there;
        if let Some(rule) = self.filter.matching(self.path, stat.kind == FileKind::Directory) {
            return Outcome::LeftOut(rule);
        }
        let listing = [Listed { name, look: Look::There { stat, stamps, target } }];
        let rows: Vec<Row> = self.row.into_iter().cloned().collect();
        let terms = Terms { complete: true, full: self.rules.full, now: self.clock.now() };
        match compare(&listing, &rows, terms).into_iter().next() {
            Some((_, Verdict::Same { .. })) => Outcome::Unchanged,
            Some((_, Verdict::Differs { now, .. })) => self.delivered(&now, &stat, stamps),
            Some((_, Verdict::Unread { .. })) => self.unread(&stat, stamps),
            Some((_, Verdict::Missing { .. })) => Outcome::Gone,
            Some((_, Verdict::Special { .. })) => Outcome::Special,
            Some((_, Verdict::Flown)) | None => Outcome::Nowhere,
        }
    }

    fn delivered(&self, now: &Entry, stat: &Stat, stamps: Stamps) -> Outcome {
        let was = self.row.and_then(|row| row.acknowledged.as_ref());
        let other_content = now.content().is_some() && was.and_then(Entry::content) != now.content();
        if other_content && self.is_young(stat, stamps) { Outcome::Young } else { Outcome::Delivered }
    }

    fn unread(&self, stat: &Stat, stamps: Stamps) -> Outcome {
        let postponed = self.known.postponed.get(self.path).filter(|known| known.kind == PostponedKind::Deferred);
        match postponed {
            Some(postponed) if is_waiting(postponed, stat, self.clock.now()) => Outcome::Waits(postponed.next_try),
            _ if self.is_young(stat, stamps) => Outcome::Young,
            _ => Outcome::Read(self.read_why(stat, stamps)),
        }
    }

    fn is_young(&self, stat: &Stat, stamps: Stamps) -> bool {
        is_young(stamps.last_change(&stat.into()), self.clock.now(), self.rules.settle)
    }

    fn read_why(&self, stat: &Stat, stamps: Stamps) -> ReadWhy {
        match self.row.and_then(|row| row.reading.as_ref()) {
            None => ReadWhy::New,
            Some(reading) if !stamps.agree(&reading.evidence, &stat.into()) => ReadWhy::Differs,
            Some(reading) if reading.trust == Trust::Unproven => ReadWhy::Unproven,
            Some(_) if self.rules.full => ReadWhy::Full,
            Some(_) => ReadWhy::StampPassed,
        }
    }
}

fn differing(old: &Evidence, new: &Evidence) -> Vec<Part> {
    let parts = [
        (Part::Size, old.size != new.size),
        (Part::Mtime, old.mtime != new.mtime),
        (Part::Ctime, old.ctime != new.ctime),
        (Part::Inode, old.inode != new.inode),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

fn proof(reading: &Reading, stamps: Stamps) -> Option<Proof> {
    let by_clock = stamps.proves_by_clock(&reading.evidence, reading.verified);
    (reading.trust != Trust::Unproven).then_some(if by_clock { Proof::Clock } else { Proof::Sighting })
}
