//! [`Accounts`]: the clients of a receiver and their tokens.
//!
//! They lie in a database of their own, so that clients can be added and tokens revoked by another process while a
//! receiver runs. Nothing is remembered between two verifications: what is revoked is out at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{ClientName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use seams::clock::{Clock, SystemClock};
use seams::random::{Random, SystemRandom};
use thiserror::Error;

use crate::accounts_database;
use crate::caller::{Access, Caller};
use crate::data_dir::{DataDir, DataDirError};
use crate::token::{Claims, Token, TokenId, Unauthorized};
use crate::token_key::SigningKey;

/// The accounts of one data directory.
pub struct Accounts {
    data: DataDir,
    database: Mutex<Connection>,
    key: SigningKey,
    /// Hash of this process's own secret for the client `local`: whoever reads memory dumps gets no secret from it.
    local: blake3::Hash,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why the accounts cannot do what was asked.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// There is a client of this name.
    #[error("there is a client named {0} already; revoke its token and issue another, or choose another name")]
    Exists(ClientName),
    /// `local` is whoever can read the data directory itself.
    #[error("a client cannot be named {0}: commands that work on the data directory itself are called so")]
    Reserved(ClientName),
    /// There is no such client.
    #[error("there is no client named {0}; `roundsman client add {0}` makes one")]
    UnknownClient(ClientName),
    /// There is no such token.
    #[error("there is no token {0}; `roundsman client list` shows them")]
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

/// A client and its tokens, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub client: ClientName,
    /// When it was added.
    pub created: Timestamp,
    /// Its tokens, revoked ones too.
    pub tokens: Vec<IssuedToken>,
}

/// What is known of a token that was issued; not the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// Its number.
    pub id: TokenId,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; never, if absent.
    pub expires: Option<Timestamp>,
    /// What it allows.
    pub access: Access,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Accounts {
    /// Opens the accounts of a data directory; makes what is missing. Another process may serve it meanwhile.
    ///
    /// # Errors
    /// What cannot be read, made or understood.
    pub fn open(data: &Path) -> Result<Self, AccountsError> {
        Self::open_with(data, Arc::new(SystemClock::new()), Arc::new(SystemRandom))
    }

    /// The same with a clock and randomness of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(data: &Path, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, AccountsError> {
        let data = DataDir::open(data)?;
        let database = accounts_database::open(&data.own_part(), &*clock)?;
        let key = SigningKey::open(&data.own_part(), data.store())?;
        // Until the secret is asked for, the hash of one that nobody knows.
        let local = blake3::hash(Token::local(&*random).expose().as_bytes());
        Ok(Self { data, database: Mutex::new(database), key, local, clock, random })
    }

    /// A new secret for the client `local`, which this process alone accepts; the one before is not valid any more.
    pub fn renew_local_secret(&mut self) -> Token {
        let secret = Token::local(&*self.random);
        self.local = blake3::hash(secret.expose().as_bytes());
        secret
    }

    /// Adds a client. Its token is nowhere else: who loses it needs another one.
    ///
    /// # Errors
    /// [`AccountsError::Exists`], [`AccountsError::Reserved`], and what the database refuses.
    pub fn add(&self, client: &ClientName) -> Result<Token, AccountsError> {
        if *client == ClientName::local() {
            return Err(AccountsError::Reserved(client.clone()));
        }
        let mut database = self.lock();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(self.failed())?;
        let added = transaction
            .prepare_cached("INSERT INTO client (name, created) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
            .and_then(|mut insert| insert.execute(params![client.as_str(), self.clock.now().as_nanos()]))
            .map_err(self.failed())?;
        if added == 0 {
            return Err(AccountsError::Exists(client.clone()));
        }
        self.issue_within(transaction, client, Access::Full, None)
    }

    /// Makes one more token for a client.
    ///
    /// # Errors
    /// [`AccountsError::UnknownClient`], and what the database refuses.
    pub fn issue(
        &self,
        client: &ClientName,
        access: Access,
        expires: Option<Timestamp>,
    ) -> Result<Token, AccountsError> {
        let mut database = self.lock();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(self.failed())?;
        let known = transaction
            .prepare_cached("SELECT 1 FROM client WHERE name = ?1")
            .and_then(|mut select| select.exists([client.as_str()]))
            .map_err(self.failed())?;
        if !known {
            return Err(AccountsError::UnknownClient(client.clone()));
        }
        self.issue_within(transaction, client, access, expires)
    }

    fn issue_within(
        &self,
        transaction: Transaction<'_>,
        client: &ClientName,
        access: Access,
        expires: Option<Timestamp>,
    ) -> Result<Token, AccountsError> {
        let (id, now) = (TokenId::random(&*self.random), self.clock.now());
        let end = expires.map(Timestamp::as_nanos);
        transaction
            .prepare_cached("INSERT INTO token (jti, client, created, expires, access) VALUES (?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut insert| insert.execute(params![id.0, client.as_str(), now.as_nanos(), end, access.as_str()]))
            .map_err(self.failed())?;
        transaction.commit().map_err(self.failed())?;
        let seconds = |moment: Timestamp| moment.to_parts().0;
        Ok(self.key.sign(&Claims::new(self.data.store(), client, id, seconds(now), expires.map(seconds))))
    }

    /// Who shows this token, if it is valid now.
    ///
    /// # Errors
    /// [`VerifyError::Unauthorized`] for every token that is not; where the accounts cannot be read, nobody is let in.
    pub fn verify(&self, token: &str) -> Result<Caller, VerifyError> {
        // Comparing two BLAKE3 hashes takes the same time wherever they differ.
        if blake3::hash(token.as_bytes()) == self.local {
            return Ok(Caller { client: ClientName::local(), access: Access::Full });
        }
        let claims = self.key.read(token)?;
        if claims.is_expired(self.clock.now().to_parts().0) {
            return Err(Unauthorized::Expired.into());
        }
        self.caller_of(&claims)
    }

    /// The client whose token this is, if the accounts know it and have not revoked it.
    fn caller_of(&self, claims: &Claims) -> Result<Caller, VerifyError> {
        let known = self
            .lock()
            .prepare_cached("SELECT client, access, revoked_at IS NOT NULL FROM token WHERE jti = ?1")
            .and_then(|mut select| select.query_row([&claims.jti.0], known_token).optional())
            .map_err(self.failed())?;
        match known {
            Some((client, _, _)) if client != claims.sub => Err(Unauthorized::Invalid.into()),
            Some((_, _, true)) => Err(Unauthorized::Revoked.into()),
            Some((client, access, false)) => caller(&client, &access).ok_or_else(|| Unauthorized::Invalid.into()),
            None => Err(Unauthorized::Invalid.into()),
        }
    }

    /// Takes a token back, at once. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AccountsError::UnknownToken`], and what the database refuses.
    pub fn revoke(&self, token: &TokenId) -> Result<(), AccountsError> {
        let found = self
            .lock()
            .prepare_cached("UPDATE token SET revoked_at = coalesce(revoked_at, ?2) WHERE jti = ?1")
            .and_then(|mut update| update.execute(params![token.0, self.clock.now().as_nanos()]))
            .map_err(self.failed())?;
        if found == 0 { Err(AccountsError::UnknownToken(token.clone())) } else { Ok(()) }
    }

    /// Every client, by name.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn list(&self) -> Result<Vec<Account>, AccountsError> {
        accounts_database::list(&self.lock()).map_err(self.failed())
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere left at most a transaction that was rolled back on its way out.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> AccountsError {
        let path = accounts_database::path(&self.data.own_part());
        move |source| AccountsError::Database { path: path.clone(), source: source.into() }
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("data", &self.data).finish_non_exhaustive()
    }
}

fn known_token(row: &Row<'_>) -> rusqlite::Result<(String, String, bool)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn caller(client: &str, access: &str) -> Option<Caller> {
    Some(Caller { client: ClientName::parse(client).ok()?, access: Access::parse(access)? })
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
pub(crate) mod tests;
