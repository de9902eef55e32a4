//! Contents: which a client holds, and where their bytes lie.

use std::collections::HashSet;

use protocol::limits::MAX_PATH_DEPTH;
use protocol::{ContentId, Name, RelPath};

use crate::catalog::lookup::NEXT_OF_NODE;
use crate::catalog::row::signed;
use crate::catalog::{Catalog, CatalogError, MirrorId, Node, Row, VersionId};

/// Rows with a content that are current: the index has them together, however many others there are.
pub(super) const CURRENT_WITH: &str = "content = ?1 AND to_rev IS NULL LIMIT ?2";
/// Rows with a content that were closed, the last one first.
pub(super) const CLOSED_WITH: &str = "content = ?1 AND to_rev IS NOT NULL ORDER BY to_rev DESC LIMIT ?2";
/// Current rows, and closed ones, looked at for one content: one is enough unless files were damaged.
const MAX_CANDIDATES: u32 = 8;

/// Where a thing's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a mirror, at its path there.
    Mirror(MirrorId, RelPath),
    /// Among the kept versions; below one that is a directory kept whole, or the version itself for the root path.
    Version(VersionId, RelPath),
}

impl Catalog {
    /// Those of some contents that any row ever had: most that are asked for are new, and need no other look-up.
    pub(crate) fn known_among(
        &self,
        contents: impl Iterator<Item = ContentId>,
    ) -> Result<HashSet<ContentId>, CatalogError> {
        self.together(|catalog| {
            let sql = "SELECT EXISTS (SELECT 1 FROM entry WHERE content = ?1)";
            let mut statement = catalog.connection.prepare_cached(sql)?;
            let mut known = HashSet::new();
            for content in contents {
                if statement.query_row((content.as_bytes(),), |row| row.get(0))? {
                    known.insert(content);
                }
            }
            Ok(known)
        })
    }

    /// Some of the rows with a content, current ones first, then those closed last.
    pub(crate) fn rows_with(&self, content: ContentId) -> Result<Vec<Row>, CatalogError> {
        let mut rows = self.rows(CURRENT_WITH, (content.as_bytes(), MAX_CANDIDATES))?;
        rows.extend(self.rows(CLOSED_WITH, (content.as_bytes(), MAX_CANDIDATES))?);
        Ok(rows)
    }

    /// Where the bytes of a row lie; nothing if they were not kept.
    ///
    /// A row's thing lives on in the next row of its node until it is replaced or deleted; and it lies wherever its
    /// directory lies, be that in the mirror or among the versions.
    pub(crate) fn place_of(&self, row: &Row) -> Result<Option<Place>, CatalogError> {
        let Some(mut row) = self.last_same(row.clone())? else { return Ok(None) };
        let mut names = Vec::new();
        while names.len() <= MAX_PATH_DEPTH {
            if let Some(version) = row.version {
                return Ok(path_of(&names).map(|path| Place::Version(version, path)));
            }
            match (row.to, row.parent) {
                (Some(_), _) => return Ok(None),
                (None, Node::CLIENT) => return Ok(path_of(&names).map(|path| Place::Mirror(row.mirror, path))),
                (None, parent) => {
                    names.push(row.name);
                    let above = self.newest_of(parent)?;
                    row = above.ok_or_else(|| CatalogError::Damaged("a directory without a row".to_owned()))?;
                }
            }
        }
        Ok(None)
    }

    /// The last row of a node that has the bytes of this row.
    pub(crate) fn last_same(&self, mut row: Row) -> Result<Option<Row>, CatalogError> {
        while let (Some(to), None) = (row.to, row.version) {
            // Rows in between that nobody needs any more were forgotten.
            match self.row(NEXT_OF_NODE, (row.node, signed(to)))? {
                Some(next) if next.entry.same_content(&row.entry) => row = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(row))
    }

    /// Whether a content was found damaged, and not yet sent again.
    pub(crate) fn is_wanted(&self, content: ContentId) -> Result<bool, CatalogError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM wanted WHERE content = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row((content.as_bytes(),), |row| row.get(0))?)
    }
}

/// A path of names, the last one first; nothing if no path can be so long.
fn path_of(names: &[Name]) -> Option<RelPath> {
    names.iter().rev().try_fold(RelPath::root(), |path, name| path.join(name)).ok()
}
