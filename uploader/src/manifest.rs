//! [`Manifest`]: the tree at one revision, fetched a page at a time while it is read.

use std::io;
use std::vec;

use protocol::wire::{EntriesPage, ListAt, Listed};
use protocol::{Entry, Head, Metadata, MirrorName, RelPath};

use crate::{Caller, DeliverError};

/// A stream of entries. Where it breaks off, it yields one error, and [`Manifest::into_error`] tells which.
#[derive(Debug)]
pub struct Manifest<'a> {
    caller: &'a Caller,
    mirror: &'a MirrorName,
    revision: Head,
    root: Metadata,
    page: vec::IntoIter<Listed>,
    more: bool,
    last: RelPath,
    failed: Option<DeliverError>,
}

impl<'a> Manifest<'a> {
    /// Asks for the first page: the newest revision, the root, and the first entries.
    ///
    /// # Errors
    /// A receiver that fails, or whose answer begins with anything else.
    pub fn open(caller: &'a Caller, mirror: &'a MirrorName) -> Result<Self, DeliverError> {
        let page = caller.call(ListAt { mirror: mirror.clone(), revision: None, after: None })?;
        let mut entries = page.entries.into_iter();
        let root = match entries.next() {
            Some(Listed { path, entry: Entry::Directory { metadata } }) if path.is_root() => metadata,
            _ => return Err(DeliverError::Protocol("a manifest that does not begin with the root".to_owned())),
        };
        let (revision, more, last) = (page.revision, page.more, RelPath::root());
        Ok(Self { caller, mirror, revision, root, page: entries, more, last, failed: None })
    }

    /// Which revision it is.
    #[must_use]
    pub fn revision(&self) -> Head {
        self.revision
    }

    /// The root's metadata.
    #[must_use]
    pub fn root(&self) -> Metadata {
        self.root.clone()
    }

    /// Why it broke off.
    #[must_use]
    pub fn into_error(self) -> Option<DeliverError> {
        self.failed
    }

    fn next_entry(&mut self) -> Result<Option<Listed>, DeliverError> {
        if self.page.as_slice().is_empty() && self.more {
            self.fetch()?;
        }
        let Some(listed) = self.page.next() else { return Ok(None) };
        if listed.path <= self.last {
            return Err(DeliverError::Protocol("a manifest that is not sorted".to_owned()));
        }
        self.last.clone_from(&listed.path);
        Ok(Some(listed))
    }

    fn fetch(&mut self) -> Result<(), DeliverError> {
        let (revision, after) = (Some(self.revision.number), Some(self.last.clone()));
        let EntriesPage { revision, entries, more } =
            self.caller.call(ListAt { mirror: self.mirror.clone(), revision, after })?;
        if revision != self.revision || entries.is_empty() {
            return Err(DeliverError::Protocol("a manifest that changes or stops between its pages".to_owned()));
        }
        (self.page, self.more) = (entries.into_iter(), more);
        Ok(())
    }
}

impl Iterator for Manifest<'_> {
    type Item = io::Result<(RelPath, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed.is_some() {
            return None;
        }
        match self.next_entry() {
            Ok(listed) => listed.map(|Listed { path, entry }| Ok((path, entry))),
            Err(error) => {
                let broken = io::Error::other(error.to_string());
                self.failed = Some(error);
                Some(Err(broken))
            }
        }
    }
}
