//! Plan files: what a dry run writes for people to read and thin out, and what `scan --apply` takes back.
//!
//! One JSON object a line. The first names mirror and source, each other one a change: the fields of `--json`, for
//! people, and `encoded`, which alone is read back. A line taken out takes its change out; nothing can be added that
//! the next round would not plan by itself.

mod header;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::Change;
use serde::Deserialize;
use thiserror::Error;

use crate::output::Line;
use crate::route::shown;
pub(crate) use header::PlanHeader;

/// Longest line: a change with its longest names and attributes, twice for people and once encoded, fits by far.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// Most changes of one plan: those of a first round of a very large tree.
const MAX_CHANGES: usize = 20_000_000;

/// Why a plan cannot be written, read or used.
#[derive(Debug, Error)]
pub(crate) enum PlanFileError {
    /// The disk refuses.
    #[error("cannot {doing} the plan {}: {source}", shown(path))]
    Io {
        /// `write` or `read`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that is none of a plan's.
    #[error("{}:{line}: {why}", shown(path))]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A plan for something else.
    #[error("the plan {} is of {theirs}, not of {ours}", shown(path))]
    Other {
        /// The file.
        path: PathBuf,
        /// What it was made of.
        theirs: String,
        /// What this round is of.
        ours: String,
    },
}

impl PlanFileError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        let hint = match self {
            Self::Io { .. } => "is the name right, and may this user write or read it?",
            Self::Line { .. } => "take out whole lines only, or make the plan anew: `scan --dry-run --plan FILE`",
            Self::Other { .. } => "make a plan of this mirror: `scan --dry-run --plan FILE`",
        };
        hint.to_owned()
    }
}

/// A line of a change, as far as it is read back.
#[derive(Deserialize)]
struct Encoded {
    encoded: String,
}

/// Writes a plan: each change with the line that shows it.
///
/// # Errors
/// The file cannot be written; a part of it may be there.
pub(crate) fn write(
    path: &Path,
    header: &PlanHeader,
    plan: impl Iterator<Item = io::Result<(Line, Change)>>,
) -> Result<(), PlanFileError> {
    let failed = |source| PlanFileError::Io { doing: "write", path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    write_to(&mut file, header, plan).and_then(|()| file.flush()).map_err(failed)
}

fn write_to(
    file: &mut impl Write,
    header: &PlanHeader,
    plan: impl Iterator<Item = io::Result<(Line, Change)>>,
) -> io::Result<()> {
    writeln!(file, "{}", header.to_json())?;
    for planned in plan {
        let (line, change) = planned?;
        let encoded = minicbor::to_vec(change).expect("encoding to memory cannot fail");
        file.write_all(line.to_json_with_change(&STANDARD.encode(encoded)).as_bytes())?;
    }
    Ok(())
}

/// Reads the changes of a plan, which must be of this mirror and source.
///
/// # Errors
/// The file cannot be read, something in it is not a plan's, or it is of something else.
pub(crate) fn read(path: &Path, ours: &PlanHeader) -> Result<Vec<Change>, PlanFileError> {
    let failed = |source| PlanFileError::Io { doing: "read", path: path.to_owned(), source };
    let mut lines = Lines { path, reader: BufReader::new(File::open(path).map_err(failed)?), line: 0 };
    let first = lines.next()?.ok_or_else(|| lines.wrong("the plan is empty".to_owned()))?;
    let theirs = PlanHeader::from_json(&first).map_err(|why| lines.wrong(why))?;
    if theirs != *ours {
        let (theirs, ours) = (theirs.to_string(), ours.to_string());
        return Err(PlanFileError::Other { path: path.to_owned(), theirs, ours });
    }
    let mut changes = Vec::new();
    while let Some(line) = lines.next()? {
        // People leave blank lines behind.
        if line.trim_ascii().is_empty() {
            continue;
        }
        if changes.len() == MAX_CHANGES {
            return Err(lines.wrong(format!("no plan has more than {MAX_CHANGES} changes")));
        }
        changes.push(change_in(&line).map_err(|why| lines.wrong(why))?);
    }
    Ok(changes)
}

fn change_in(line: &[u8]) -> Result<Change, String> {
    let Encoded { encoded } = serde_json::from_slice(line).map_err(|error| format!("not a line of a plan: {error}"))?;
    let bytes = STANDARD.decode(encoded).map_err(|error| format!("`encoded` is no base64: {error}"))?;
    let mut decoder = minicbor::Decoder::new(&bytes);
    match decoder.decode() {
        Ok(change) if decoder.position() == bytes.len() => Ok(change),
        Ok(_) => Err("`encoded` holds more than a change".to_owned()),
        Err(error) => Err(format!("`encoded` holds no change: {error}")),
    }
}

/// The lines of a plan, none longer than [`MAX_LINE_BYTES`].
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    line: usize,
}

impl Lines<'_> {
    /// The next line without its end; nothing past the last.
    fn next(&mut self) -> Result<Option<Vec<u8>>, PlanFileError> {
        self.line += 1;
        let most = u64::try_from(MAX_LINE_BYTES + 1).expect("16 MiB fit");
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut bytes);
        let failed = |source| PlanFileError::Io { doing: "read", path: self.path.to_owned(), source };
        match read.map_err(failed)? {
            0 => Ok(None),
            _ if bytes.len() > MAX_LINE_BYTES => Err(self.wrong("the line is longer than 16 MiB".to_owned())),
            _ => Ok(Some(bytes)),
        }
    }

    fn wrong(&self, why: String) -> PlanFileError {
        PlanFileError::Line { path: self.path.to_owned(), line: self.line, why }
    }
}

#[cfg(test)]
#[path = "plan_file/tests.rs"]
mod tests;
