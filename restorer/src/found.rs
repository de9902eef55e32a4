//! What is at a place already, compared with what is to come there.

use std::io;

use protocol::{ByteRange, ContentId, Entry, Name};
use seams::fs::{Directory, File, FileKind, Stat};
use seams::stretches::each_portion;

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Vacant,
    /// What is to come, metadata aside.
    Same(Stat),
    /// A file or symlink with another content, or of another kind; or a directory where none is to come.
    Different(Stat),
}

/// What makes a file the one that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its length and mtime; any other of that length is read.
    Stamps,
    /// Its bytes alone.
    Bytes,
}

/// Looks at a place.
pub(crate) fn look(directory: &dyn Directory, name: &Name, wanted: &Entry, proof: Proof) -> io::Result<Found> {
    let Some(stat) = stat_of(directory, name)? else { return Ok(Found::Vacant) };
    let is_same = match wanted {
        Entry::File { metadata, size, .. }
            if (stat.kind, stat.size, stat.mtime) == (FileKind::File, *size, metadata.mtime)
                && proof == Proof::Stamps =>
        {
            true
        }
        _ => holds(directory, name, wanted)?,
    };
    Ok(if is_same { Found::Same(stat) } else { Found::Different(stat) })
}

/// Whether what is at a place has exactly this content, by its bytes.
pub(crate) fn holds(directory: &dyn Directory, name: &Name, entry: &Entry) -> io::Result<bool> {
    let Some(stat) = stat_of(directory, name)? else { return Ok(false) };
    match (entry, stat.kind) {
        (Entry::Directory { .. }, kind) => Ok(kind == FileKind::Directory),
        (Entry::Symlink { target, .. }, FileKind::Symlink) => Ok(directory.read_link(name)? == target.as_bytes()),
        (Entry::File { size, content, .. }, FileKind::File) => {
            Ok(stat.size == *size && content_of(directory, name)? == *content)
        }
        _ => Ok(false),
    }
}

/// What stat says; nothing where nothing is.
pub(crate) fn stat_of(directory: &dyn Directory, name: &Name) -> io::Result<Option<Stat>> {
    match directory.stat(name) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn content_of(directory: &dyn Directory, name: &Name) -> io::Result<ContentId> {
    let file = directory.open_file(name)?;
    let mut hasher = blake3::Hasher::new();
    hash_on(&mut hasher, &*file, file.stat()?.size)?;
    Ok(hasher.finalize().into())
}

/// Hashes the beginning of a file, without reading its holes.
pub(crate) fn hash_on(hasher: &mut blake3::Hasher, file: &dyn File, length: u64) -> io::Result<()> {
    let hash = |portion: &[u8]| {
        hasher.update(portion);
    };
    each_portion(file, ByteRange { offset: 0, length }, hash).map(drop)
}
