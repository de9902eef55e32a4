//! Setting a damaged database aside, so that a new one can be made and the old one still be looked into.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::connect::beside;
use crate::error::SnapshotError;

/// The database, and what SQLite keeps beside it. The log first: were it left behind, a new database would meet it.
const FILES: [&str; 3] = ["-wal", "-shm", ""];

/// Renames a database to `NAME.damaged`, or `.damaged.2` and so on where that exists, with its log beside it.
/// Nobody may have it open.
///
/// # Errors
/// Where a file cannot be renamed.
pub fn set_aside(path: &Path) -> Result<PathBuf, SnapshotError> {
    let name =
        |number| if number == 1 { beside(path, ".damaged") } else { beside(path, &format!(".damaged.{number}")) };
    let aside = (1_u64..).map(name).find(|aside| !is_taken(aside)).expect("numbers do not run out before names");
    for suffix in FILES {
        let (from, to) = (beside(path, suffix), beside(&aside, suffix));
        rename(&from, &to).map_err(|source| SnapshotError::File { doing: "set aside", path: from, source })?;
    }
    Ok(aside)
}

fn is_taken(aside: &Path) -> bool {
    FILES.iter().any(|suffix| fs::symlink_metadata(beside(aside, suffix)).is_ok())
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
