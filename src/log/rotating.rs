//! [`Rotating`]: a file that keeps the newest of what is written to it, in a bounded number of bounded files.
//!
//! `log` is the newest, `log.1` the one before, and so on. Several processes may write to one log: a kernel lock on the
//! newest file orders them, and whoever finds that another one has moved it opens the new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rotation {
    /// Most bytes of one file.
    pub(super) bytes_per_file: u64,
    /// Most files, the newest included; at least 1.
    pub(super) files: usize,
}

/// A log file and its predecessors. Each write is whole in one of them.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    newest: File,
    rotation: Rotation,
}

impl Rotating {
    /// Opens or creates the newest file, with its directory. Only its owner can read it: it holds names.
    pub(super) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        Ok(Self { path: path.to_owned(), newest: open_newest(path)?, rotation })
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        loop {
            self.newest.lock()?;
            let written = self.write_locked(line);
            self.newest.unlock()?;
            if written? {
                return Ok(());
            }
            self.newest = open_newest(&self.path)?;
        }
    }

    /// Writes if the open file is the newest and has room; makes room otherwise. Whether it was written.
    fn write_locked(&self, line: &[u8]) -> io::Result<bool> {
        let open = self.newest.metadata()?;
        let is_newest =
            fs::symlink_metadata(&self.path).is_ok_and(|named| named.ino() == open.ino() && named.dev() == open.dev());
        if !is_newest {
            return Ok(false);
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if open.len() > 0 && open.len().saturating_add(length) > self.rotation.bytes_per_file {
            self.rotate()?;
            return Ok(false);
        }
        (&self.newest).write_all(line)?;
        Ok(true)
    }

    /// Makes each file the next older one; the oldest is overwritten.
    fn rotate(&self) -> io::Result<()> {
        if self.rotation.files <= 1 {
            return fs::remove_file(&self.path);
        }
        for age in (1..self.rotation.files).rev() {
            match fs::rename(self.named(age - 1), self.named(age)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn named(&self, age: usize) -> PathBuf {
        let mut name = OsString::from(&self.path);
        if age > 0 {
            name.push(format!(".{age}"));
        }
        name.into()
    }
}

fn open_newest(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

impl Write for Rotating {
    /// A line that no file can hold is cut: the bound is a promise, the end of such a line is not.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let most = usize::try_from(self.rotation.bytes_per_file).unwrap_or(usize::MAX);
        self.write_line(&line[..line.len().min(most)])?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Rotation = Rotation { bytes_per_file: 100, files: 3 };

    fn contents(directory: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(directory).expect("lists").map(|entry| entry.expect("lists"));
        let mut files: Vec<_> = entries
            .map(|entry| {
                let name = entry.file_name().into_string().expect("is text");
                (name, fs::read_to_string(entry.path()).expect("reads"))
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn the_newest_lines_are_kept_and_no_bound_is_ever_passed() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut log = Rotating::open(&directory.path().join("log"), SMALL).expect("creates");
        for number in 0..100 {
            log.write_all(format!("line {number:03} of a hundred\n").as_bytes()).expect("writes");
            let files = contents(directory.path());
            assert!(files.len() <= 3 && files.iter().all(|(_, text)| text.len() <= 100));
        }
        let files = contents(directory.path());
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["log", "log.1", "log.2"]);
        let lines: Vec<_> = files.iter().rev().flat_map(|(_, text)| text.lines()).collect();
        assert_eq!((lines.len(), lines[lines.len() - 1]), (12, "line 099 of a hundred"));
        assert!(lines.is_sorted());
    }

    #[test]
    fn two_processes_keep_the_bounds_together() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let mut logs = [0, 1].map(|_| Rotating::open(&path, SMALL).expect("creates"));
        for number in 0..30 {
            logs[number % 2].write_all(format!("line {number:03} of a hundred\n").as_bytes()).expect("writes");
        }
        let files = contents(directory.path());
        assert!(files.len() == 3 && files.iter().all(|(_, text)| text.len() <= 100), "{files:?}");
        let lines: Vec<_> = files.iter().rev().flat_map(|(_, text)| text.lines()).collect();
        assert!(lines.is_sorted() && lines.ends_with(&["line 029 of a hundred"]), "{lines:?}");
    }

    #[test]
    fn an_old_log_is_continued_and_one_line_too_long_is_cut() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        Rotating::open(&path, SMALL).expect("creates").write_all(b"old\n").expect("writes");
        let mut log = Rotating::open(&path, SMALL).expect("opens");
        log.write_all(b"new\n").expect("writes");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "old\nnew\n");
        log.write_all(&[b'x'; 300]).expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), [b'x'; 100]);
    }
}
