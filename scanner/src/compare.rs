//! One directory: its listing against its rows. Pure: the same input gives the same verdicts.

use protocol::{Entry, Metadata, Name, Timestamp};
use seams::fs::{FileKind, Stat};
use seams::recorded::{Evidence, Row};

use crate::trust::{Stamps, still_holds};

/// One name of a listing, and what a look at it said.
#[derive(Debug)]
pub(crate) struct Listed {
    pub name: Name,
    pub look: Look,
}

/// What a look at a name said.
#[derive(Debug)]
pub(crate) enum Look {
    /// It is there.
    There { stat: Stat, stamps: Stamps, target: Option<protocol::LinkTarget> },
    /// A filter leaves it out: neither delivered nor deleted.
    Excluded,
    /// It could not be looked at, which was reported: neither delivered nor deleted.
    Unknown,
    /// It was named, and then it was not there.
    Vanished,
}

/// What the comparison makes of one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    /// The mirror has it like this. Nothing to do, nothing to read.
    Same { row: &'a Row },
    /// What it is now is known without reading; the mirror has it otherwise, or not at all.
    Differs { row: Option<&'a Row>, now: Entry, inode: u64 },
    /// A file whose bytes must be read.
    Unread { row: Option<&'a Row>, stat: Stat, stamps: Stamps },
    /// Recorded, and not named by the listing, or vanished since: to be looked for again.
    Missing { row: &'a Row, vanished: bool },
    /// Named and vanished, and nothing is recorded of it.
    Flown,
    /// A socket, FIFO or device. If something else is recorded there, that is gone.
    Special { row: Option<&'a Row> },
}

/// How to compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Whether the listing is complete: what an incomplete one does not name is not missing.
    pub complete: bool,
    /// Whether every file is read, whatever its evidence says.
    pub full: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// Compares a listing with rows, both sorted by name.
pub(crate) fn compare<'a>(listing: &'a [Listed], rows: &'a [Row], terms: Terms) -> Vec<(&'a Name, Verdict<'a>)> {
    let mut verdicts = Vec::new();
    let mut rows = rows.iter().peekable();
    for listed in listing {
        while let Some(row) = rows.next_if(|row| row.name < listed.name) {
            not_named(row, terms.complete, &mut verdicts);
        }
        let row = rows.next_if(|row| row.name == listed.name);
        verdicts.extend(look(listed, row, terms).map(|verdict| (&listed.name, verdict)));
    }
    for row in rows {
        not_named(row, terms.complete, &mut verdicts);
    }
    verdicts
}

fn not_named<'a>(row: &'a Row, complete: bool, verdicts: &mut Vec<(&'a Name, Verdict<'a>)>) {
    if complete {
        verdicts.push((&row.name, Verdict::Missing { row, vanished: false }));
    }
}

fn look<'a>(listed: &'a Listed, row: Option<&'a Row>, terms: Terms) -> Option<Verdict<'a>> {
    match &listed.look {
        Look::There { stat, stamps, target } => there(stat, *stamps, target.as_ref(), row, terms),
        Look::Excluded | Look::Unknown => None,
        Look::Vanished => Some(row.map_or(Verdict::Flown, |row| Verdict::Missing { row, vanished: true })),
    }
}

fn there<'a>(
    stat: &Stat,
    stamps: Stamps,
    target: Option<&protocol::LinkTarget>,
    row: Option<&'a Row>,
    terms: Terms,
) -> Option<Verdict<'a>> {
    let metadata = metadata(stat);
    let entry = match stat.kind {
        FileKind::Special => return Some(Verdict::Special { row }),
        FileKind::Directory => Entry::Directory { metadata },
        FileKind::Symlink => Entry::Symlink { metadata, target: target?.clone() },
        FileKind::File => match row.and_then(|row| known_content(row, stat, stamps, terms)) {
            Some(content) => Entry::File { metadata, size: stat.size, content },
            None => return Some(Verdict::Unread { row, stat: *stat, stamps }),
        },
    };
    Some(differs(row, entry, stat.inode))
}

fn known_content(row: &Row, stat: &Stat, stamps: Stamps, terms: Terms) -> Option<protocol::ContentId> {
    let reading = row.reading.as_ref().filter(|_| !terms.full)?;
    still_holds(reading, &Evidence::from(stat), terms.now, stamps).then_some(reading.content)
}

/// The verdict on something whose present state is known.
pub(crate) fn differs(row: Option<&Row>, now: Entry, inode: u64) -> Verdict<'_> {
    match row {
        Some(row) if row.acknowledged.as_ref() == Some(&now) => Verdict::Same { row },
        Some(_) | None => Verdict::Differs { row, now, inode },
    }
}

/// What the mirror keeps of a stat.
pub(crate) fn metadata(stat: &Stat) -> Metadata {
    Metadata { mode: stat.mode, mtime: stat.mtime, uid: stat.uid, gid: stat.gid, attributes: Vec::new() }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
