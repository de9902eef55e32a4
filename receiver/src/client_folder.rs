//! The folder of a client as a whole: what is in it, read beside whoever serves it; and its removal.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use protocol::ClientName;
use seams::random::{self, SystemRandom};
use thiserror::Error;

use crate::accounts::Accounts;
use crate::accounts_error::AccountsError;
use crate::catalog::Overview;
use crate::data_dir::{DataDir, DataDirError, HoldError};
use crate::data_dir_files::make_private_directory;

/// Where folders wait in the data directory's own part until all in them is removed.
const REMOVED: &str = "removed";

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
/// then removed, so that no crash leaves half of it in its place; what a crash left aside goes with the next removal.
///
/// # Errors
/// See [`RemoveError`]. Trying again goes on.
pub fn remove_client(data: &Path, client: &ClientName) -> Result<(), RemoveError> {
    let held = DataDir::hold(data)?;
    let (data, folder) = (held.data(), held.data().root().join(client.as_str()));
    let had_access = Accounts::open(data.root())?.forget(client)?;
    let has_folder = folder.symlink_metadata().is_ok();
    if !had_access && !has_folder {
        return Err(AccountsError::UnknownClient(client.clone()).into());
    }
    let aside = data.own_part().join(REMOVED);
    make_private_directory(&aside).map_err(at(&aside))?;
    if has_folder {
        move_aside(&folder, &aside, client)?;
    }
    empty(&aside)
}

fn move_aside(folder: &Path, aside: &Path, client: &ClientName) -> Result<(), RemoveError> {
    let mark = u128::from_le_bytes(random::id(&SystemRandom));
    fs::rename(folder, aside.join(format!("{client}-{mark:032x}"))).map_err(at(folder))?;
    for directory in [aside, folder.parent().unwrap_or(folder)] {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))?;
    }
    Ok(())
}

fn empty(aside: &Path) -> Result<(), RemoveError> {
    for entry in fs::read_dir(aside).map_err(at(aside))? {
        let path = entry.map_err(at(aside))?.path();
        fs::remove_dir_all(&path).map_err(at(&path))?;
    }
    Ok(())
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
