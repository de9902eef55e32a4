//! Contents that a client holds: whether, where, and opening them.

use std::collections::{BTreeSet, HashMap};
use std::io;

use protocol::{ContentId, ContentPlan, Problem, RelPath};
use seams::fs::{Directory, File};

use crate::catalog::{Catalog, CatalogError, Disk, MirrorId, Place, Row};
use crate::tree_store::arriving::LEAST_BYPASSING_BYTES;
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::problems::disk;
use crate::tree_store::rights;
use crate::tree_store::step::version_name;

/// The content that was copied from last, opened; recipes mostly copy from one.
#[derive(Default)]
pub(super) struct Source {
    open: Option<(ContentId, Option<Box<dyn File>>)>,
    bypass_cache: bool,
}

impl Source {
    /// For what becomes so long.
    pub(super) fn for_length(length: u64) -> Self {
        Self { open: None, bypass_cache: length >= LEAST_BYPASSING_BYTES }
    }
}

impl ClientStore {
    /// The length of a content that the client holds, in a mirror or among the versions. One that was found damaged
    /// is not held.
    pub(super) fn held_length(&self, content: ContentId) -> Result<Option<u64>, Problem> {
        let length = self.copyable_length(content)?;
        Ok(if length.is_some() && self.catalog().is_wanted(content)? { None } else { length })
    }

    /// The length of a content that recipes may copy from. A damaged one will do: most of it is still good, and what
    /// is made of it is verified.
    pub(super) fn copyable_length(&self, content: ContentId) -> Result<Option<u64>, Problem> {
        Ok(self.catalog().together(|catalog| copyable_length(catalog, content))?)
    }

    /// The same of all contents that recipes copy from.
    pub(super) fn copyable_lengths(&self, plans: &[ContentPlan]) -> Result<HashMap<ContentId, u64>, Problem> {
        let sources: BTreeSet<ContentId> = plans.iter().flat_map(ContentPlan::sources).collect();
        let lengths = self.catalog().together(|catalog| {
            let length = |content| Ok(copyable_length(catalog, content)?.map(|length| (content, length)));
            sources.into_iter().filter_map(|content| length(content).transpose()).collect()
        });
        Ok(lengths?)
    }

    /// Opens a file that should have a content; calls until one will do, and answers whether any did.
    pub(super) fn try_held(
        &self,
        content: ContentId,
        mut will_do: impl FnMut(&dyn File) -> io::Result<bool>,
    ) -> Result<bool, Problem> {
        let rows = self.catalog().rows_with(content)?;
        for row in rows {
            if let Some(file) = self.open_row(&row)?
                && will_do(&*file).map_err(disk("copy a content"))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens the file that copies of a content come from; nothing if there is none any more.
    pub(super) fn open_held(&self, content: ContentId) -> Result<Option<Box<dyn File>>, Problem> {
        let rows = self.catalog().rows_with(content)?;
        for row in rows {
            if let Some(file) = self.open_row(&row)? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// The file of a held content, opened unless it is open already; nothing if the content is not there.
    pub(super) fn source<'s>(
        &self,
        source: &'s mut Source,
        content: ContentId,
    ) -> Result<Option<&'s dyn File>, Problem> {
        if source.open.as_ref().is_none_or(|(open, _)| *open != content) {
            let mut file = self.open_held(content)?;
            if source.bypass_cache {
                file.iter_mut().for_each(|file| file.bypass_cache());
            }
            source.open = Some((content, file));
        }
        Ok(source.open.as_ref().and_then(|(_, file)| file.as_deref()))
    }

    /// Opens the file of a row, wherever it lies by now; nothing if it is not there or visibly another.
    pub(super) fn open_row(&self, row: &Row) -> Result<Option<Box<dyn File>>, Problem> {
        let lies = self.catalog().together(|catalog| {
            catalog.last_same(row.clone())?.map(|last| Ok((catalog.place_of(&last)?, last))).transpose()
        })?;
        let Some((Some(place), last)) = lies else { return Ok(None) };
        let file = self.open_place(&place)?;
        let Some(file) = file else { return Ok(None) };
        let found = file.stat().map_err(disk("look at a file"))?;
        Ok(is_the_one(&last, Disk::from(&found)).then_some(file))
    }

    fn open_place(&self, place: &Place) -> Result<Option<Box<dyn File>>, Problem> {
        let failed = disk("open a file");
        match place {
            Place::Mirror(mirror, path) => {
                let Some(name) = self.mirror_name(*mirror)? else { return Ok(None) };
                open_file(&*self.shelves.folder, &name, path).map_err(failed)
            }
            Place::Version(version, path) => {
                open_file(&*self.shelves.versions, &version_name(*version), path).map_err(failed)
            }
        }
    }

    fn mirror_name(&self, mirror: MirrorId) -> Result<Option<protocol::Name>, Problem> {
        Ok(self.catalog().mirror_of(mirror)?.map(|record| record.name.as_name()))
    }
}

fn copyable_length(catalog: &Catalog, content: ContentId) -> Result<Option<u64>, CatalogError> {
    for row in catalog.rows_with(content)? {
        if catalog.place_of(&row)?.is_some() {
            return Ok(row.entry.content().map(|(_, size)| size));
        }
    }
    Ok(None)
}

/// Whether a file is the one a row means: the same inode and length, or, where inodes were given out anew (by a
/// restored backup), the same length and mtime.
fn is_the_one(row: &Row, found: Disk) -> bool {
    let size = row.entry.content().map(|(_, size)| size);
    size == Some(found.size) && (found.inode == row.disk.inode || found.mtime == row.disk.mtime)
}

/// Opens the file at a path below a name, or the name itself for the root path. What is no file is not there.
fn open_file(above: &dyn Directory, name: &protocol::Name, path: &RelPath) -> io::Result<Option<Box<dyn File>>> {
    let opened = match path.split_last() {
        None => rights::open_file(above, name),
        Some((parent, last)) => rights::open_directory(above, name)
            .and_then(|directory| rights::open_below(&directory, &parent))
            .and_then(|directory| rights::open_file(&*directory, &last)),
    };
    match opened {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory) => Ok(None),
        other => gone_is_none(other),
    }
}
