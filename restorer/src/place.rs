//! One thing to its place: nothing gives way that should not, and nothing is ever half there.

use std::io;
use std::sync::Arc;

use protocol::{Entry, Metadata, Name, RelPath};
use rustix::io::Errno;
use seams::fs::{Directory, FileKind, Stat};

use crate::fetch::{Wanted, fetch};
use crate::found::{Found, Proof, holds, look, stat_of};
use crate::run::{Run, RunError, Trouble};
use crate::{Deed, metadata};

/// A file or symlink that is to come to a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coming<'a> {
    /// At which revision it is read.
    pub(crate) revision: u64,
    /// Where it was then, and will be.
    pub(crate) path: &'a RelPath,
    /// What it was.
    pub(crate) entry: &'a Entry,
    /// What may give way to it without being asked for: contents that the mirror has.
    pub(crate) gives_way: &'a [Entry],
    /// What makes a file the right one.
    pub(crate) proof: Proof,
}

impl Run<'_> {
    /// Puts a file or symlink in its place.
    pub(crate) fn place(&self, coming: &Coming<'_>) -> Result<Deed, Trouble> {
        let Some((parent, name)) = coming.path.split_last() else {
            return Err(Trouble::Path("the root is no file".to_owned()));
        };
        let opened = self.open(&parent).map_err(Trouble::disk(coming.path, "open its directory"))?;
        let Some(directory) = opened else { return Ok(Deed::Created) };
        let found = look(&*directory, &name, coming.entry, coming.proof);
        match found.map_err(Trouble::disk(coming.path, "look at what is there"))? {
            Found::Vacant => self.bring(&*directory, &name, coming, false).map(|()| Deed::Created),
            Found::Same(stat) => self.refresh(&*directory, &name, coming, &stat),
            Found::Different(stat) => {
                self.make_way(&directory, &name, coming, &stat)?;
                self.bring(&*directory, &name, coming, true).map(|()| Deed::Replaced)
            }
        }
    }

    /// The same, unless somebody asked to stop; and tells what came of it.
    pub(crate) fn place_and_tell(&self, coming: &Coming<'_>) -> Result<(), RunError> {
        self.go_on()?;
        if let Some(deed) = self.settle(coming.path, self.place(coming))? {
            self.listener.did(coming.path, false, deed);
        }
        Ok(())
    }

    /// The right content is there: only its metadata may be missing.
    fn refresh(
        &self,
        directory: &dyn Directory,
        name: &Name,
        coming: &Coming<'_>,
        stat: &Stat,
    ) -> Result<Deed, Trouble> {
        let wanted = coming.entry.metadata();
        if metadata::is_right(stat, wanted, self.rules) {
            return Ok(Deed::Unchanged);
        }
        self.set_metadata(directory, name, coming.path, wanted)?;
        Ok(Deed::Metadata)
    }

    pub(crate) fn set_metadata(
        &self,
        directory: &dyn Directory,
        name: &Name,
        path: &RelPath,
        wanted: &Metadata,
    ) -> Result<(), Trouble> {
        if self.rules.dry_run {
            return Ok(());
        }
        metadata::set(directory, name, wanted, self.rules).map_err(Trouble::disk(path, "set its mode and times"))
    }

    /// Whether what is there may go: where it was asked for, or the mirror has it as well. Of a directory only an empty one.
    fn make_way(
        &self,
        directory: &Arc<dyn Directory>,
        name: &Name,
        coming: &Coming<'_>,
        stat: &Stat,
    ) -> Result<(), Trouble> {
        let failed = Trouble::disk(coming.path, "look at what is there");
        if stat.kind == FileKind::Directory {
            return self.empty_directory_goes(&**directory, name, coming.path);
        }
        for held in coming.gives_way {
            if holds(&**directory, name, held).map_err(&failed)? {
                return Ok(());
            }
        }
        if self.rules.overwrite { Ok(()) } else { Err(Trouble::left("something else is there")) }
    }

    fn empty_directory_goes(&self, directory: &dyn Directory, name: &Name, path: &RelPath) -> Result<(), Trouble> {
        if !self.rules.overwrite {
            return Err(Trouble::left("a directory is there"));
        }
        if self.rules.dry_run {
            return Ok(());
        }
        directory.remove_directory(name).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOTEMPTY | Errno::EXIST) => {
                Trouble::Path("left as it is: a directory with something in it is there".to_owned())
            }
            _ => Trouble::disk(path, "remove the directory that is there")(error),
        })
    }

    fn bring(
        &self,
        directory: &dyn Directory,
        name: &Name,
        coming: &Coming<'_>,
        gives_way: bool,
    ) -> Result<(), Trouble> {
        if self.rules.dry_run {
            return Ok(());
        }
        let failed = Trouble::disk(coming.path, "restore it");
        let temporary = match coming.entry {
            Entry::Directory { .. } => return Err(Trouble::Path("a directory is no file".to_owned())),
            Entry::File { metadata, size, content } => {
                let Coming { revision, path, .. } = *coming;
                let wanted = Wanted { revision, path, size: *size, content: *content, metadata };
                fetch(self, directory, name, &wanted)?
            }
            Entry::Symlink { metadata, target } => {
                let temporary = Name::restoring(&[name.as_bytes(), target.as_bytes()]);
                make_link(directory, &temporary, target.as_bytes()).map_err(&failed)?;
                metadata::set(directory, &temporary, metadata, self.rules).map_err(&failed)?;
                temporary
            }
        };
        let put = if gives_way {
            directory.rename(&temporary, directory, name)
        } else {
            put_in_vacant(directory, &temporary, name)
        };
        put.or_else(|error| {
            directory.remove_file(&temporary)?;
            Err(error)
        })
        .map_err(&failed)
    }
}

fn make_link(directory: &dyn Directory, name: &Name, target: &[u8]) -> io::Result<()> {
    match directory.create_symlink(name, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            directory.remove_file(name)?;
            directory.create_symlink(name, target)
        }
        made => made,
    }
}

/// Gives a thing its name where nothing is. A second name never overwrites, whoever is quicker; where a file system has
/// no second names, a look must do.
fn put_in_vacant(directory: &dyn Directory, temporary: &Name, name: &Name) -> io::Result<()> {
    match directory.link(temporary, directory, name) {
        Ok(()) => directory.remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if stat_of(directory, name)?.is_some() => Err(Errno::EXIST.into()),
        Err(_) => directory.rename(temporary, directory, name),
    }
}
