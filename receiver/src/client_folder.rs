//! The folder of a client as a whole: what is in it, read beside whoever serves it; and its removal.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use protocol::ClientName;
use seams::disk::Disk;
use seams::fs::Fs;
use seams::random::{self, SystemRandom};
use thiserror::Error;

use crate::accounts::Accounts;
use crate::accounts_error::AccountsError;
use crate::catalog::Overview;
use crate::data_dir::{DataDir, DataDirError, HoldError};
use crate::data_dir_files::make_private_directory;
use crate::tree_store::remove_all;

/// Where folders wait in the data directory's own part until all in them is removed.
const REMOVED: &str = "removed";
/// Hexadecimal digits that tell several folders of one client apart there.
const MARK_DIGITS: usize = 32;

/// Why a client's folder cannot be looked at.
#[derive(Debug, Error)]
#[error("the catalog of {client} cannot be read")]
pub struct OverviewError {
    client: ClientName,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why a client cannot be removed.
#[derive(Debug, Error)]
pub enum RemoveError {
    /// Somebody serves the directory and would go on working in the folder.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The accounts cannot be changed, or there is no such client.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The operating system refused. The client has no access any more.
    #[error("cannot remove {}: {source}", .path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a client has; nothing where it never delivered anything.
///
/// # Errors
/// Its catalog cannot be read.
pub fn overview(data: &DataDir, client: &ClientName) -> Result<Option<Overview>, OverviewError> {
    let catalog = data.root().join(client.as_str()).join(".roundsman").join("catalog.db");
    if !catalog.is_file() {
        return Ok(None);
    }
    Overview::read(&catalog).map(Some).map_err(|source| OverviewError { client: client.clone(), source: source.into() })
}

/// Removes a client: its access first, then its folder with mirrors and history. The folder is moved aside as a whole and
/// then removed, so that no crash leaves half of it in its place; what a crash left aside goes with the next removal. One
/// that is a disk of its own cannot be moved: it is emptied where it is.
///
/// # Errors
/// See [`RemoveError`]. Trying again goes on.
pub fn remove_client(data: &Path, client: &ClientName) -> Result<(), RemoveError> {
    let held = DataDir::hold(data)?;
    let (data, folder) = (held.data(), held.data().root().join(client.as_str()));
    let aside = data.own_part().join(REMOVED);
    let had_access = Accounts::open(data.root())?.forget(client)?;
    let has_folder = folder.symlink_metadata().is_ok();
    if !had_access && !has_folder && !was_moved(&aside, client)? {
        return Err(AccountsError::UnknownClient(client.clone()).into());
    }
    make_private_directory(&aside).map_err(at(&aside))?;
    if has_folder {
        clear(&folder, &aside, client)?;
    }
    empty(&aside)
}

/// Whether an earlier removal of this client was cut short after its folder had been moved.
fn was_moved(aside: &Path, client: &ClientName) -> Result<bool, RemoveError> {
    let entries = match fs::read_dir(aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(at(aside))?,
    };
    for entry in entries {
        if is_of(&entry.map_err(at(aside))?.file_name(), client) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a folder that was moved aside was this client's. One client's name may begin with another's.
fn is_of(name: &OsStr, client: &ClientName) -> bool {
    let mark = name.to_str().and_then(|name| name.strip_prefix(client.as_str())?.strip_prefix('-'));
    mark.is_some_and(|mark| mark.len() == MARK_DIGITS && mark.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn clear(folder: &Path, aside: &Path, client: &ClientName) -> Result<(), RemoveError> {
    let mark = u128::from_le_bytes(random::id(&SystemRandom));
    match fs::rename(folder, aside.join(format!("{client}-{mark:0MARK_DIGITS$x}"))) {
        Err(error) if matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices) => {
            return empty(folder);
        }
        moved => moved.map_err(at(folder))?,
    }
    for directory in [aside, folder.parent().unwrap_or(folder)] {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))?;
    }
    Ok(())
}

/// Removes all that is in a directory, also below directories that nobody may change. What cannot be removed does not
/// keep the rest.
fn empty(directory: &Path) -> Result<(), RemoveError> {
    let opened = Disk.open_root(directory).map_err(at(directory))?;
    let mut all = Ok(());
    for name in opened.list().map_err(at(directory))? {
        let path = directory.join(OsStr::from_bytes(name.as_bytes()));
        all = all.and(remove_all(&*opened, &name, &|| true).map(drop).map_err(at(&path)));
    }
    all
}

impl From<DataDirError> for RemoveError {
    fn from(error: DataDirError) -> Self {
        Self::Hold(error.into())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RemoveError {
    let path = path.to_owned();
    |source| RemoveError::Io { path, source }
}

#[cfg(test)]
#[path = "client_folder_tests.rs"]
mod tests;
