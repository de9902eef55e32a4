//! [`Shelves`]: the receiver's own directories of one client, held open.

use std::io;
use std::sync::Arc;

use protocol::Name;
use seams::fs::Directory;

use crate::tree_store::step::own_name;

/// The name of the receiver's own part of a folder.
pub(super) const OWN: &str = ".roundsman";
/// The name of the catalog in it.
pub(super) const CATALOG: &str = "catalog.db";

/// `DATA/CLIENT/` and what of it is the receiver's own.
#[derive(Debug)]
pub(super) struct Shelves {
    /// The client's folder, in which its mirrors lie.
    pub(super) folder: Arc<dyn Directory>,
    /// Contents that arrive, and instances that wait for their place.
    pub(super) staging: Arc<dyn Directory>,
    /// What was replaced, deleted or in the way, by number.
    pub(super) versions: Arc<dyn Directory>,
    /// What moves, between leaving its old place and coming to its new one.
    pub(super) parking: Arc<dyn Directory>,
}

impl Shelves {
    /// Opens the directories of a client, and makes those that are missing.
    pub(super) fn open(data: &dyn Directory, client: &Name) -> io::Result<Self> {
        let folder = open_or_make(data, client)?;
        let own = open_or_make(&*folder, &own_name(OWN))?;
        let shelves = Self {
            staging: open_or_make(&*own, &own_name("staging"))?,
            versions: open_or_make(&*own, &own_name("versions"))?,
            parking: open_or_make(&*own, &own_name("parking"))?,
            folder,
        };
        own.sync()?;
        shelves.folder.sync()?;
        data.sync()?;
        Ok(shelves)
    }
}

/// Whether a client has ever had anything here.
pub(super) fn is_known(data: &dyn Directory, client: &Name) -> bool {
    data.open_directory(client).is_ok_and(|folder| folder.stat(&own_name(OWN)).is_ok())
}

/// Opens a directory, and makes it if it is not there.
pub(super) fn open_or_make(above: &dyn Directory, name: &Name) -> io::Result<Arc<dyn Directory>> {
    match above.open_directory(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            above.create_directory(name)?;
            above.open_directory(name)
        }
        opened => opened,
    }
}
