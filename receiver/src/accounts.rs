//! [`Accounts`]: the clients of a receiver and their tokens. Here they are asked; what changes them lies in
//! `accounts_tokens` and `accounts_invites`.
//!
//! They lie in a database of their own, so that clients can be added and tokens revoked by another process while a
//! receiver runs. Nothing is remembered between two verifications: what is revoked is out at once.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{ClientName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use seams::clock::{Clock, SystemClock};
use seams::random::{Random, SystemRandom};

use crate::account::Account;
use crate::accounts_database;
use crate::accounts_error::{AccountsError, VerifyError};
use crate::accounts_seen::Seen;
use crate::caller::{Access, Caller};
use crate::data_dir::DataDir;
use crate::token::{Claims, Token, Unauthorized};
use crate::token_key::SigningKey;

/// The accounts of one data directory.
pub struct Accounts {
    data: DataDir,
    database: Mutex<Connection>,
    seen: Seen,
    pub(crate) key: SigningKey,
    /// Hash of this process's own secret for the client `local`: whoever reads memory dumps gets no secret from it.
    local: blake3::Hash,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// A row of a token, as far as verifying asks for it.
struct KnownToken {
    client: String,
    access: String,
    is_revoked: bool,
    ends: Option<Timestamp>,
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
        let path = accounts_database::path(&data.own_part());
        let seen = Seen::open(&path).map_err(|source| AccountsError::Database { path, source: source.into() })?;
        Ok(Self { data, database: Mutex::new(database), seen, key, local, clock, random })
    }

    /// A new secret for the client `local`, which this process alone accepts; the one before is not valid any more.
    pub fn renew_local_secret(&mut self) -> Token {
        let secret = Token::local(&*self.random);
        self.local = blake3::hash(secret.expose().as_bytes());
        secret
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
        let now = self.clock.now();
        if claims.is_expired(now.to_parts().0) {
            return Err(Unauthorized::Expired.into());
        }
        self.caller_of(&claims, now)
    }

    /// The client whose token this is, if the accounts know it and have not revoked it.
    fn caller_of(&self, claims: &Claims, now: Timestamp) -> Result<Caller, VerifyError> {
        let database = self.lock();
        let known = database
            .prepare_cached("SELECT client, access, revoked_at IS NOT NULL, ends FROM token WHERE jti = ?1")
            .and_then(|mut select| select.query_row([&claims.jti.0], KnownToken::read).optional())
            .map_err(self.failed())?;
        let known = known.filter(|known| known.client == claims.sub).ok_or(Unauthorized::Invalid)?;
        if known.is_revoked || known.ends.is_some_and(|end| end <= now) {
            return Err(Unauthorized::Revoked.into());
        }
        let caller = known.caller().ok_or(Unauthorized::Invalid)?;
        drop(database);
        self.seen.note(&caller.client, now);
        Ok(caller)
    }

    /// Every client, by name.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn list(&self) -> Result<Vec<Account>, AccountsError> {
        accounts_database::list(&self.lock()).map_err(self.failed())
    }

    /// One client.
    ///
    /// # Errors
    /// [`AccountsError::UnknownClient`], and what the database refuses.
    pub fn show(&self, client: &ClientName) -> Result<Account, AccountsError> {
        let found = self.list()?.into_iter().find(|account| account.client == *client);
        found.ok_or_else(|| AccountsError::UnknownClient(client.clone()))
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// Changes the accounts: as a whole, or not at all where `change` fails.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T, AccountsError>>,
    ) -> Result<T, AccountsError> {
        let mut database = self.lock();
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(self.failed())?;
        let changed = change(&transaction).map_err(self.failed())??;
        transaction.commit().map_err(self.failed())?;
        Ok(changed)
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

impl KnownToken {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time = |column| row.get::<_, Option<i64>>(column).map(|nanos| nanos.map(Timestamp::from_nanos));
        Ok(Self { client: row.get(0)?, access: row.get(1)?, is_revoked: row.get(2)?, ends: time(3)? })
    }

    fn caller(&self) -> Option<Caller> {
        Some(Caller { client: ClientName::parse(&self.client).ok()?, access: Access::parse(&self.access)? })
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
pub(crate) mod tests;
