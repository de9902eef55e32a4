//! [`Descent`]: the tree of a revision, row by row, each directory before what is in it.

use std::collections::VecDeque;

use protocol::{Kind, Name, RelPath};

use crate::catalog::{Catalog, CatalogError, Node, Row};

/// Rows of a directory read at once.
const CHILDREN_AT_ONCE: u32 = 1_000;

/// A walk through the tree of a revision, sorted by path. The root itself is not in it.
#[derive(Debug)]
pub(crate) struct Descent<'a> {
    catalog: &'a Catalog,
    revision: u64,
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    node: Node,
    path: RelPath,
    after: Option<Name>,
    read: VecDeque<Row>,
    is_exhausted: bool,
}

impl Level {
    fn new(node: Node, path: RelPath, after: Option<Name>) -> Self {
        Self { node, path, after, read: VecDeque::new(), is_exhausted: false }
    }
}

impl Catalog {
    /// The tree of a revision, from its beginning or after a path.
    pub(crate) fn descend(
        &self,
        root: Node,
        revision: u64,
        after: Option<&RelPath>,
    ) -> Result<Descent<'_>, CatalogError> {
        let mut levels = vec![Level::new(root, RelPath::root(), None)];
        for name in after.into_iter().flat_map(RelPath::components) {
            let last = levels.last_mut().expect("begins with the root");
            last.after = Some(name.clone());
            match self.child_at(last.node, &name, revision)? {
                Some(row) if row.entry.kind() == Kind::Directory => {
                    let Ok(path) = last.path.join(&name) else { break };
                    levels.push(Level::new(row.node, path, None));
                }
                _ => break,
            }
        }
        Ok(Descent { catalog: self, revision, levels })
    }
}

impl Descent<'_> {
    /// The next row and its path; nothing at the end. Paths longer than the protocol carries are left out.
    pub(crate) fn next_row(&mut self) -> Result<Option<(RelPath, Row)>, CatalogError> {
        while let Some(level) = self.levels.last_mut() {
            let Some(row) = next_child(self.catalog, self.revision, level)? else {
                self.levels.pop();
                continue;
            };
            let Ok(path) = level.path.join(&row.name) else { continue };
            if row.entry.kind() == Kind::Directory {
                self.levels.push(Level::new(row.node, path.clone(), None));
            }
            return Ok(Some((path, row)));
        }
        Ok(None)
    }
}

fn next_child(catalog: &Catalog, revision: u64, level: &mut Level) -> Result<Option<Row>, CatalogError> {
    if level.read.is_empty() && !level.is_exhausted {
        let rows = catalog.children_at(level.node, revision, level.after.as_ref(), CHILDREN_AT_ONCE)?;
        level.is_exhausted = rows.len() < usize::try_from(CHILDREN_AT_ONCE).unwrap_or(usize::MAX);
        level.after = rows.last().map(|row| row.name.clone()).or(level.after.take());
        level.read = rows.into();
    }
    Ok(level.read.pop_front())
}
