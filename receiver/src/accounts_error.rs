//! [`AccountsError`] and [`VerifyError`]: why the accounts refuse, and why nobody is let in.

use std::path::PathBuf;

use protocol::ClientName;
use thiserror::Error;

use crate::caller::Access;
use crate::data_dir::DataDirError;
use crate::token::{TokenId, Unauthorized};

/// Why the accounts cannot do what was asked.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// There is a client of this name.
    #[error("there is a client named {0} already; `roundsman client issue {0}` makes another token for it")]
    Exists(ClientName),
    /// `local` is whoever can read the data directory itself.
    #[error("a client cannot be named {0}: commands that work on the data directory itself are called so")]
    Reserved(ClientName),
    /// There is no such client.
    #[error("there is no client named {0}; `roundsman client add {0}` makes one")]
    UnknownClient(ClientName),
    /// A rotation would take the place of nothing.
    #[error("{0} has no {kind}token that is still good; `roundsman client issue {0}` makes one", kind = .1.map_or_else(String::new, |kind| format!("{} ", kind.as_str())))]
    NoToken(ClientName, Option<Access>),
    /// It is not clear what is to be rotated.
    #[error("{0} has tokens of several kinds; say which to rotate: --full, --append-only or --read-only")]
    SeveralKinds(ClientName),
    /// There is no such token.
    #[error("there is no token {0}; `roundsman client show NAME` shows them")]
    UnknownToken(TokenId),
    /// A newer program made the database.
    #[error("{} was made by a newer roundsman (schema {found}, known here: {known}); use that version", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest schema known here.
        known: i32,
    },
    /// The database failed.
    #[error("the accounts in {} failed: {source}", .path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why a token opens nothing now.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It is not valid.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// Nobody can tell, so nobody is let in.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// Why an invite is not traded for a token.
#[derive(Debug, Error)]
pub enum JoinError {
    /// Nobody here made it.
    #[error("this receiver made no such invite")]
    Unknown,
    /// It was traded for a token already.
    #[error("this invite was used already: it is good for one token")]
    Used,
    /// Its time is over.
    #[error("this invite has expired")]
    Expired,
    /// Nobody can tell.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}
