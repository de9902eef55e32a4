//! Table `chunk_list`: how contents are cut. A list that cannot be read is as good as none: more is sent, and nothing else.

use chunking::{CHUNKER, ChunkList, Parameters};
use protocol::{ContentId, Timestamp};
use rusqlite::{OptionalExtension, Row as SqlRow, params};

use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;
use crate::table::Table;

/// What a list takes besides its chunks: the row, and its content id once more in the index. Measured on 100,000 rows.
pub(crate) const ROW_BYTES: i64 = 100;

/// How contents are cut.
impl Snapshot {
    /// The list of a content, if one is kept that this program can read.
    ///
    /// # Errors
    /// Where the database cannot be read; so for all that read lists.
    pub fn chunk_list(&self, content: &ContentId) -> Result<Option<ChunkList>, SnapshotError> {
        self.read(|table| {
            let sql = "SELECT content, chunker, parameters, list FROM chunk_list WHERE content = ?1";
            let mut statement = table.connection().prepare_cached(sql)?;
            let found = statement.query_row(params![content.as_bytes()], decode).optional()?;
            Ok(found.flatten().map(|(_, list)| list))
        })
    }

    /// The list of this number, and whose it is. Numbers hold until lists are recorded or forgotten.
    ///
    /// # Errors
    /// As [`Self::chunk_list`].
    pub fn chunk_list_numbered(&self, number: i64) -> Result<Option<(ContentId, ChunkList)>, SnapshotError> {
        self.read(|table| {
            let sql = "SELECT content, chunker, parameters, list FROM chunk_list WHERE rowid = ?1";
            let mut statement = table.connection().prepare_cached(sql)?;
            Ok(statement.query_row(params![number], decode).optional()?.flatten())
        })
    }

    /// Shows the numbers and lists of all contents that the receiver acknowledged, one at a time. Reads all lists.
    ///
    /// # Errors
    /// As [`Self::chunk_list`].
    pub fn each_acknowledged_chunk_list(&self, mut show: impl FnMut(i64, &ChunkList)) -> Result<(), SnapshotError> {
        self.read(|table| {
            let sql = "SELECT content, chunker, parameters, list, rowid FROM chunk_list \
                       WHERE content IN (SELECT content FROM entry WHERE content IS NOT NULL)";
            let mut statement = table.connection().prepare_cached(sql)?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                if let Some((_, list)) = decode(row)? {
                    show(row.get(4)?, &list);
                }
            }
            Ok(())
        })
    }

    /// What all lists take, in bytes.
    ///
    /// # Errors
    /// As [`Self::chunk_list`].
    pub fn chunk_list_bytes(&self) -> Result<u64, SnapshotError> {
        Ok(self.read(|table| table.state().chunk_list_bytes())?.try_into().unwrap_or_default())
    }

    /// Forgets the list of a content: it did not tell the truth, or is not needed.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn forget_chunk_list(&self, content: &ContentId) -> Result<(), SnapshotError> {
        self.change(|table| forget(table, content))
    }
}

/// How the content was cut, if its list is kept.
pub(crate) fn parameters(table: &Table<'_>, content: &ContentId) -> Outcome<Option<Parameters>> {
    let sql = "SELECT chunker, parameters FROM chunk_list WHERE content = ?1";
    let mut statement = table.connection().prepare_cached(sql)?;
    let found =
        statement.query_row(params![content.as_bytes()], |row| Ok(known(row.get(0)?, &row.get::<_, Vec<u8>>(1)?)));
    Ok(found.optional()?.flatten())
}

/// Records lists, each over what was recorded of its content before.
pub(crate) fn record(table: &Table<'_>, lists: &[(ContentId, ChunkList)], now: Timestamp) -> Outcome<()> {
    let mut more = 0;
    for (content, list) in lists {
        forget(table, content)?;
        let sql =
            "INSERT INTO chunk_list (content, chunker, parameters, length, used, list) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (mean, length) = (list.parameters().mean().to_be_bytes(), list.length().cast_signed());
        let values = params![content.as_bytes(), CHUNKER, mean, length, now.as_nanos(), list.as_bytes()];
        table.connection().prepare_cached(sql)?.execute(values)?;
        more += taken(list.as_bytes().len());
    }
    table.state().add_chunk_list_bytes(more)
}

fn forget(table: &Table<'_>, content: &ContentId) -> Outcome<()> {
    let sql = "DELETE FROM chunk_list WHERE content = ?1 RETURNING length(list)";
    let mut statement = table.connection().prepare_cached(sql)?;
    match statement.query_row(params![content.as_bytes()], |row| row.get::<_, i64>(0)).optional()? {
        Some(length) => table.state().add_chunk_list_bytes(-(length + ROW_BYTES)),
        None => Ok(()),
    }
}

/// What a list of so many bytes takes.
fn taken(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX).saturating_add(ROW_BYTES)
}

/// A content and its list, out of the columns `content, chunker, parameters, list`.
fn decode(row: &SqlRow<'_>) -> rusqlite::Result<Option<(ContentId, ChunkList)>> {
    let content: Vec<u8> = row.get(0)?;
    let parameters = known(row.get(1)?, &row.get::<_, Vec<u8>>(2)?);
    let list = parameters.map(|parameters| row.get(3).map(|list| ChunkList::decode(parameters, list))).transpose()?;
    let content = <[u8; 32]>::try_from(content.as_slice()).ok().map(ContentId::from_bytes);
    Ok(content.zip(list.and_then(Result::ok)))
}

/// The parameters that a chunker which this program knows was given: the mean, big-endian.
fn known(chunker: i64, parameters: &[u8]) -> Option<Parameters> {
    let mean = <[u8; 4]>::try_from(parameters).ok().filter(|_| chunker == i64::from(CHUNKER))?;
    Parameters::with_mean(u32::from_be_bytes(mean))
}

#[cfg(test)]
#[path = "chunk_lists_tests.rs"]
mod tests;
