//! [`Settings`] of a receiver, and [`StartError`]: why it cannot start with them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::accounts_error::AccountsError;
use crate::data_dir::HoldError;
use crate::http_limits::HttpLimits;
use crate::retention::Keeping;
use crate::tree_store::TreeStoreError;

/// What a receiver needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its data directory; made where there is none.
    pub data: PathBuf,
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Threads that take requests; 0 means one for each processor.
    pub workers: usize,
    /// Whether it may listen where others could listen in.
    pub allow_plaintext: bool,
    /// How much, how many, how long.
    pub limits: HttpLimits,
    /// In which time everything that is kept is read again, to find damage; nothing where it is not.
    pub scrub_every: Option<Duration>,
    /// How many bytes a second are read at most for those who compare their mirrors with what is kept, all together.
    pub check_rate: Option<NonZeroU64>,
    /// What is kept.
    pub keeping: Keeping,
}

/// Why a receiver cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory is served by another process, or cannot be used.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The accounts cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The store cannot be opened, or its file system cannot keep mirrors.
    #[error(transparent)]
    Store(#[from] TreeStoreError),
    /// Plain HTTP where others could read tokens and contents on the way.
    #[error(
        "{0} can be reached from other machines, and plain HTTP shows tokens and contents to whoever listens in; \
         listen on 127.0.0.1 behind a proxy or tunnel that encrypts, or allow plain text on purpose"
    )]
    Plaintext(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Settings {
    /// For a receiver inside another command: any free port of the loopback interface.
    #[must_use]
    pub fn embedded(data: &Path) -> Self {
        Self::new(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// With the limits and everything else as the defaults are.
    #[must_use]
    pub fn new(data: &Path, listen: SocketAddr) -> Self {
        Self {
            data: data.to_owned(),
            listen,
            workers: 0,
            allow_plaintext: false,
            limits: HttpLimits::default(),
            scrub_every: None,
            check_rate: None,
            keeping: Keeping::default(),
        }
    }

    /// Refuses to listen where others could listen in, unless that is wanted.
    pub(crate) fn check_plaintext(&self) -> Result<(), StartError> {
        let allowed = self.listen.ip().to_canonical().is_loopback() || self.allow_plaintext;
        if allowed { Ok(()) } else { Err(StartError::Plaintext(self.listen)) }
    }
}
