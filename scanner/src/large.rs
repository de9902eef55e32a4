//! Directories that are too large to be held in memory whole: judged part by part, in the order of the names.
//!
//! Of such a directory the walk keeps bare names. They are looked at when their part is judged, and only the rows of the
//! same range of names are read with them. What a part says is the same as if it were a directory of its own.

use protocol::Name;
use seams::recorded::Row;

use crate::compare::Listed;
use crate::fingerprint::Reader;
use crate::open_directories::OpenDirectory;
use crate::round::Round;
use crate::scan::ScanError;
use crate::walk::look;

/// So many names of a directory, and so many rows, are held with all that is known of them. (Few in tests, which must
/// reach it.)
pub(crate) const MOST_LISTED: usize = if cfg!(test) { 24 } else { 65_536 };
/// So many names, and so many rows, are judged at a time in a directory that has more.
const PART: usize = if cfg!(test) { 16 } else { 4_096 };

/// A range of the names of a directory, and all rows in it.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    names: Vec<Name>,
    rows: Vec<Row>,
    /// The last name that may be in it; nothing where it goes to the end.
    end: Option<Name>,
}

impl Part {
    /// The first part of what is left: as long as both lists say nothing of names past its end.
    fn first(names: &mut Vec<Name>, mut rows: Vec<Row>) -> Self {
        let last_name = (names.len() > PART).then(|| names[names.len() - PART].clone());
        let last_row = rows.last().filter(|_| rows.len() == PART).map(|row| row.name.clone());
        let end = last_name.iter().chain(&last_row).min().cloned();
        let is_past = |name: &Name| end.as_ref().is_some_and(|end| name > end);
        // Reversed, so that the first comes off the end.
        let from = names.partition_point(is_past);
        let names = names.drain(from..).rev().collect();
        rows.retain(|row| !is_past(&row.name));
        Self { names, rows, end }
    }
}

impl Round<'_> {
    /// Judges a directory part by part.
    pub(crate) fn judge_in_parts(
        &self,
        mut directory: OpenDirectory,
        complete: bool,
        reader: &mut Reader<'_>,
    ) -> Result<(), ScanError> {
        let mut names = directory.take_names();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.dedup();
        let mut end: Option<Name> = None;
        loop {
            let rows = self.rows_after(&directory, end.as_ref())?;
            let part = Part::first(&mut names, rows);
            directory.rows = part.rows;
            for name in part.names {
                self.go_on()?;
                let look = look(self, &mut directory, &name);
                directory.listed.push(Listed { name, look });
            }
            self.judge_listed(&mut directory, complete, reader)?;
            directory.listed.clear();
            end = part.end;
            if end.is_none() {
                return Ok(());
            }
        }
    }

    fn rows_after(&self, directory: &OpenDirectory, name: Option<&Name>) -> Result<Vec<Row>, ScanError> {
        let Some(id) = directory.past.id else { return Ok(Vec::new()) };
        self.recorded.rows_after(id, name, PART).map_err(ScanError::Recorded)
    }
}

#[cfg(test)]
#[path = "large_tests.rs"]
mod tests;
