//! A content on its way: under a temporary name in its directory until it is whole and verified.
//!
//! The temporary name follows from the name and the content, so that a run that was cut short is gone on with where it
//! ended. What has arrived is hashed again then, and nothing of it is believed.

use std::io;

use protocol::{ByteRange, ContentId, Metadata, Name, RelPath};
use seams::fs::{Directory, File};

use crate::Kept;
use crate::found::hash_on;
use crate::metadata;
use crate::run::{Run, RunError, Trouble};
use crate::sparse::written;

/// A file that is to come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// At which revision it is read.
    pub(crate) revision: u64,
    /// Where it was then.
    pub(crate) path: &'a RelPath,
    /// How long it is.
    pub(crate) size: u64,
    /// BLAKE3 of its bytes.
    pub(crate) content: ContentId,
    /// Its metadata.
    pub(crate) metadata: &'a Metadata,
}

/// The file of a temporary name, and what of it is there already.
struct Arriving {
    file: Box<dyn File>,
    hasher: blake3::Hasher,
    length: u64,
}

/// Fetches a content into a temporary name of a directory, verified and with its metadata. Answers that name. Nothing is
/// left under it where this content cannot be had; where everything ended, what arrived waits for the next run.
pub(crate) fn fetch(
    run: &Run<'_>,
    directory: &dyn Directory,
    name: &Name,
    wanted: &Wanted<'_>,
) -> Result<Name, Trouble> {
    let temporary = Name::restoring(&[name.as_bytes(), wanted.content.as_bytes()]);
    match fetch_into(run, directory, &temporary, wanted) {
        Ok(()) => Ok(temporary),
        Err(Trouble::Path(why)) => match directory.remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::Path(format!("{why}; and what arrived of it cannot be removed: {error}")))
            }
            _ => Err(Trouble::Path(why)),
        },
        Err(ended) => Err(ended),
    }
}

fn fetch_into(run: &Run<'_>, directory: &dyn Directory, name: &Name, wanted: &Wanted<'_>) -> Result<(), Trouble> {
    let failed = Trouble::disk(wanted.path, "restore it");
    let mut arriving = begin(directory, name, wanted.size).map_err(&failed)?;
    let resumed = arriving.length > 0;
    let mut content = arrive(run, &mut arriving, wanted)?;
    if content != wanted.content && resumed {
        // What was there may have been torn: once more, all of it.
        directory.remove_file(name).map_err(&failed)?;
        arriving = begin(directory, name, wanted.size).map_err(&failed)?;
        content = arrive(run, &mut arriving, wanted)?;
    }
    if content != wanted.content {
        let kept = run.past.look_again(wanted.revision, wanted.path, wanted.size)?;
        return Err(Trouble::Path(damaged(kept).to_owned()));
    }
    arriving.file.set_length(wanted.size).map_err(&failed)?;
    metadata::set(directory, name, wanted.metadata, run.rules).map_err(&failed)
}

/// Why what came is not what was asked for.
const fn damaged(kept: Kept) -> &'static str {
    match kept {
        Kept::Damaged => {
            "what the receiver has kept of it is damaged; it knows that now, and a source that still has these bytes is \
             asked for them in its next round"
        }
        Kept::Whole => {
            "it came damaged, although the receiver has it whole: say the same again; if that is no help, look after this \
             machine's memory and network"
        }
        Kept::Unknown => "what the receiver has kept of it is damaged",
    }
}

/// Opens what an earlier run left, or begins anew.
fn begin(directory: &dyn Directory, name: &Name, most: u64) -> io::Result<Arriving> {
    let mut hasher = blake3::Hasher::new();
    match directory.create_file(name) {
        Ok(file) => return Ok(Arriving { file, hasher, length: 0 }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let file = match directory.open_file_for_writing(name) {
        Ok(file) if file.stat()?.size <= most => file,
        // Whole and with its final mode, or not ours at all.
        _ => {
            directory.remove_file(name)?;
            return begin(directory, name, most);
        }
    };
    let length = file.stat()?.size;
    hash_on(&mut hasher, &*file, length)?;
    Ok(Arriving { file, hasher, length })
}

/// Reads what is missing, hashing it all.
fn arrive(run: &Run<'_>, arriving: &mut Arriving, wanted: &Wanted<'_>) -> Result<ContentId, Trouble> {
    let failed = Trouble::disk(wanted.path, "write it");
    run.listener.fetched(arriving.length);
    while arriving.length < wanted.size {
        run.go_on().map_err(Trouble::Run)?;
        let range = ByteRange { offset: arriving.length, length: wanted.size - arriving.length };
        let bytes = run.past.read(wanted.revision, wanted.path, range)?;
        if bytes.is_empty() || bytes.len() as u64 > range.length {
            break;
        }
        arriving.hasher.update(&bytes);
        for (at, part) in written(&bytes, arriving.length) {
            arriving.file.write_all_at(part, at).map_err(&failed)?;
        }
        arriving.length += bytes.len() as u64;
        run.listener.fetched(bytes.len() as u64);
    }
    Ok(arriving.hasher.finalize().into())
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}
