//! [`DataDir`]: the receiver's data directory, and who serves it.
//!
//! One process at a time serves a data directory: the one that holds the kernel's lock on `.roundsman/lock`. It
//! publishes where it listens in `.roundsman/address` and holds a lock on that very file, too: a reader who finds
//! it unlocked knows that its writer is gone. (Asking the first lock instead could make a server that is just
//! starting believe that somebody else serves.) Both locks vanish with their process, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use protocol::StoreId;
use seams::random::{self, SystemRandom};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data_dir_files::{make_private_directory, read_open, read_or_make, replace};
use crate::token::Token;

/// The layout of `.roundsman` that this program makes and understands.
const LAYOUT: u32 = 1;

/// A data directory whose own part exists and is of a layout that this program understands.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    store: StoreId,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// A newer program made it, and this one could harm it.
    #[error("{} was made by a newer roundsman (layout {found}, known here: {LAYOUT}); use that version", .path.display())]
    Newer {
        /// Which directory.
        path: PathBuf,
        /// The layout it has.
        found: u32,
    },
    /// A file of the receiver's own holds what none of ours would write.
    #[error("{} is damaged: {why}; put it back from a backup", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// No receiver ever had it.
    #[error("{} is no data directory of a receiver", .path.display())]
    None {
        /// Which directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a data directory cannot be served.
#[derive(Debug, Error)]
pub enum HoldError {
    /// Another process serves it.
    #[error("another process serves {}", .path.display())]
    Busy {
        /// Which directory.
        path: PathBuf,
    },
    /// It cannot be used at all.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
}

/// The right to serve a data directory; given back on drop.
#[derive(Debug)]
pub struct Held {
    data: DataDir,
    address: Option<File>,
    _lock: File,
}

/// Where and how to talk to whoever serves a data directory.
#[derive(Debug, Clone)]
pub struct Published {
    /// The base of every route, without a slash at its end.
    pub url: String,
    /// What opens it for the client `local`.
    pub secret: Token,
    /// The serving process, for people.
    pub pid: u32,
}

/// The published file, as JSON.
#[derive(Serialize, Deserialize)]
struct AddressFile {
    url: String,
    secret: String,
    pid: u32,
}

impl DataDir {
    /// Opens a data directory, and makes what is missing of it.
    ///
    /// # Errors
    /// A newer program's directory, a damaged file, and what the operating system refuses.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let own = own_part(root);
        fs::create_dir_all(root).map_err(at(root))?;
        make_private_directory(&own).map_err(at(&own))?;
        check_layout(root, &own.join("layout"))?;
        Ok(Self { root: root.to_owned(), store: store_id(&own.join("store-id"))? })
    }

    /// Takes the right to serve a data directory; makes it where there is none.
    ///
    /// # Errors
    /// [`HoldError::Busy`] if another process has that right, and all errors of [`Self::open`].
    pub fn hold(root: &Path) -> Result<Held, HoldError> {
        let data = Self::open(root)?;
        let path = data.own_part().join("lock");
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Held { data, address: None, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(HoldError::Busy { path: root.to_owned() }),
            Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }.into()),
        }
    }

    /// Where the process that serves a data directory listens now. Nothing where nobody serves it, or where this
    /// user may not know. Changes nothing.
    #[must_use]
    pub fn published(root: &Path) -> Option<Published> {
        let file = File::open(own_part(root).join("address")).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else { return None };
        let AddressFile { url, secret, pid } = serde_json::from_slice(&read_open(&file).ok()?).ok()?;
        Some(Published { url, secret: Token::from(secret), pid })
    }

    /// The directory itself, where the clients' folders are.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What in it belongs to the receiver alone.
    #[must_use]
    pub fn own_part(&self) -> PathBuf {
        own_part(&self.root)
    }

    /// Its id: random, made once.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.store
    }
}

impl Held {
    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// Tells other processes of this user where this one listens, until it ends.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub fn publish(&mut self, url: &str, secret: &Token) -> Result<(), DataDirError> {
        let path = self.address_path();
        let address = AddressFile { url: url.to_owned(), secret: secret.expose().to_owned(), pid: std::process::id() };
        let text = serde_json::to_vec(&address).expect("strings and a number are always JSON");
        // Locked before it is visible: whoever sees it unlocked sees one that was left behind.
        self.address = Some(replace(&path, &text, File::lock).map_err(at(&path))?);
        Ok(())
    }

    fn address_path(&self) -> PathBuf {
        self.data.own_part().join("address")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.address.is_some() {
            // One left behind would be recognised as such; removing it is only tidy.
            fs::remove_file(self.address_path()).ok();
        }
    }
}

/// Refuses a directory that nobody made a data directory: a name that was mistyped must not become one.
///
/// # Errors
/// [`DataDirError::None`].
pub fn refuse_what_is_none(root: &Path) -> Result<(), DataDirError> {
    if own_part(root).is_dir() { Ok(()) } else { Err(DataDirError::None { path: root.to_owned() }) }
}

fn own_part(root: &Path) -> PathBuf {
    root.join(".roundsman")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    |source| DataDirError::Io { path, source }
}

fn check_layout(root: &Path, path: &Path) -> Result<(), DataDirError> {
    let bytes = read_or_make(path, || format!("{LAYOUT}\n").into_bytes()).map_err(at(path))?;
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse().ok());
    match number {
        Some(1..=LAYOUT) => Ok(()),
        Some(0) | None => Err(DataDirError::Damaged { path: path.to_owned(), why: "it holds no layout number" }),
        Some(found) => Err(DataDirError::Newer { path: root.to_owned(), found }),
    }
}

fn store_id(path: &Path) -> Result<StoreId, DataDirError> {
    let make = || format!("{}\n", StoreId::from_bytes(random::id(&SystemRandom))).into_bytes();
    let bytes = read_or_make(path, make).map_err(at(path))?;
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| StoreId::from_hex(text.trim_end()))
        .ok_or_else(|| DataDirError::Damaged { path: path.to_owned(), why: "it holds no store id" })
}

#[cfg(test)]
#[path = "data_dir_tests.rs"]
mod tests;
