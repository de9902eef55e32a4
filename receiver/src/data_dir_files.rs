//! Small files of the receiver's own: made once and for all, or replaced at once; never seen half-written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use seams::random::{self, SystemRandom};

/// Longest file of this kind, in bytes; a longer one is not ours.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Makes a directory that only its owner may use; one that is there already is fine.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Reads a file; if there is none, makes it first. Of several who make it at once, one wins, and all read that one.
pub(crate) fn read_or_make(path: &Path, make: impl FnOnce() -> Vec<u8>) -> io::Result<Vec<u8>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        there_or_broken => return there_or_broken,
    }
    let draft = Draft::write(path, &make())?;
    match fs::hard_link(&draft.path, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    drop(draft);
    sync_directory_of(path)?;
    read(path)
}

/// Puts a new file in the place of whatever is there. `prepare` is done before anybody can see it.
pub(crate) fn replace(path: &Path, bytes: &[u8], prepare: impl FnOnce(&File) -> io::Result<()>) -> io::Result<File> {
    let draft = Draft::write(path, bytes)?;
    prepare(&draft.file)?;
    fs::rename(&draft.path, path)?;
    draft.file.try_clone()
}

/// Reads a small file whole.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_open(&File::open(path)?)
}

/// Reads an open small file whole.
pub(crate) fn read_open(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is far longer than it can be"))
}

/// Makes a directory's names durable.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// A file under a name that nobody looks for; the name is gone when it drops.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mark = u128::from_le_bytes(random::id(&SystemRandom));
        let path = target.with_extension(format!("{mark:032x}.new"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let mut draft = Self { path, file };
        draft.file.write_all(bytes)?;
        draft.file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Already renamed into place, or a leftover without meaning: neither is worth an error.
        fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use super::*;

    #[test]
    fn of_many_who_make_a_file_at_once_all_read_the_same_one() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("id");
        let read: Vec<Vec<u8>> = thread::scope(|scope| {
            let makers: Vec<_> = (0..8_u8)
                .map(|n| {
                    scope.spawn({
                        let path = &path;
                        move || read_or_make(path, || vec![n; 9])
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().expect("makers do not panic")).collect::<io::Result<_>>()
        })?;
        assert!(read.iter().all(|bytes| bytes == &read[0] && bytes.len() == 9));
        assert_eq!(fs::read_dir(directory.path())?.count(), 1, "drafts are gone");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn a_file_far_too_long_is_not_read_into_memory() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("huge");
        File::create(&path)?.set_len(1 << 40)?;
        assert_eq!(read(&path).expect_err("too long").kind(), io::ErrorKind::InvalidData);
        Ok(())
    }
}
