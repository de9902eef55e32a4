//! The acknowledged halves as a [`Tree`].

use protocol::{RelPath, Tree};
use seams::recorded::DirectoryId;

use crate::error::{Fault, Outcome};
use crate::table::Table;

/// All that is acknowledged, in memory.
pub(crate) fn acknowledged(table: &Table<'_>) -> Outcome<Tree> {
    let mut tree = Tree::new();
    tree.set_root(table.state().root_metadata()?.unwrap_or_default());
    let mut waiting = vec![(RelPath::root(), DirectoryId::ROOT)];
    while let Some((parent, id)) = waiting.pop() {
        for row in table.rows(id)? {
            let path = parent.join(&row.name).map_err(|_| Fault::Impossible("a path longer than any"))?;
            waiting.extend(row.directory.map(|id| (path.clone(), id)));
            if let Some(entry) = row.acknowledged {
                tree.insert(path, entry);
            }
        }
    }
    Ok(tree)
}
