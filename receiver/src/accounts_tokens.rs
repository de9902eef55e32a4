//! What changes clients and their tokens: adding, issuing, rotating, revoking, removing. Each as a whole or not at all.

use std::time::Duration;

use protocol::{ClientName, Timestamp};
use rusqlite::{Transaction, params};

use crate::account::Grant;
use crate::accounts::Accounts;
use crate::accounts_error::AccountsError;
use crate::token::{Claims, Token, TokenId};

impl Accounts {
    /// Adds a client. Its token is nowhere else: who loses it needs another one.
    ///
    /// # Errors
    /// [`AccountsError::Exists`], [`AccountsError::Reserved`], and what the database refuses.
    pub fn add(&self, client: &ClientName, grant: Grant) -> Result<Token, AccountsError> {
        refuse_reserved(client)?;
        let claims = self.new_claims(client, grant);
        self.change(|transaction| {
            if !add_row(transaction, client, self.clock.now())? {
                return Ok(Err(AccountsError::Exists(client.clone())));
            }
            self.insert_token(transaction, client, &claims.jti, grant).map(Ok)
        })?;
        Ok(self.key.sign(&claims))
    }

    /// Makes one more token for a client.
    ///
    /// # Errors
    /// [`AccountsError::UnknownClient`], and what the database refuses.
    pub fn issue(&self, client: &ClientName, grant: Grant) -> Result<Token, AccountsError> {
        let claims = self.new_claims(client, grant);
        self.change(|transaction| {
            if !is_known(transaction, client)? {
                return Ok(Err(AccountsError::UnknownClient(client.clone())));
            }
            self.insert_token(transaction, client, &claims.jti, grant).map(Ok)
        })?;
        Ok(self.key.sign(&claims))
    }

    /// Makes a new token in the place of all of a client's tokens that allow the same; those end after `overlap`, unless
    /// they end sooner by themselves.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn rotate(&self, client: &ClientName, grant: Grant, overlap: Duration) -> Result<Token, AccountsError> {
        let claims = self.new_claims(client, grant);
        self.change(|transaction| {
            if !is_known(transaction, client)? {
                return Ok(Err(AccountsError::UnknownClient(client.clone())));
            }
            let end = after(self.clock.now(), overlap).as_nanos();
            let sql =
                "UPDATE token SET revoked_at = min(coalesce(revoked_at, ?3), ?3) WHERE client = ?1 AND access = ?2";
            transaction.execute(sql, params![client.as_str(), grant.access.as_str(), end])?;
            self.insert_token(transaction, client, &claims.jti, grant).map(Ok)
        })?;
        Ok(self.key.sign(&claims))
    }

    /// Takes a token back, at once. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AccountsError::UnknownToken`], and what the database refuses.
    pub fn revoke(&self, token: &TokenId) -> Result<(), AccountsError> {
        self.change(|transaction| {
            let sql = "UPDATE token SET revoked_at = min(coalesce(revoked_at, ?2), ?2) WHERE jti = ?1";
            let found = transaction.execute(sql, params![token.0, self.clock.now().as_nanos()])?;
            Ok(if found == 0 { Err(AccountsError::UnknownToken(token.clone())) } else { Ok(()) })
        })
    }

    /// Takes all tokens and open invites of a client back, at once; how many tokens were still good.
    ///
    /// # Errors
    /// [`AccountsError::UnknownClient`], and what the database refuses.
    pub fn revoke_all(&self, client: &ClientName) -> Result<usize, AccountsError> {
        self.change(|transaction| {
            if !is_known(transaction, client)? {
                return Ok(Err(AccountsError::UnknownClient(client.clone())));
            }
            let now = self.clock.now().as_nanos();
            transaction.execute("DELETE FROM invite WHERE client = ?1 AND used_at IS NULL", [client.as_str()])?;
            let sql = "UPDATE token SET revoked_at = ?2 WHERE client = ?1 AND coalesce(revoked_at > ?2, true)";
            transaction.execute(sql, params![client.as_str(), now]).map(Ok)
        })
    }

    /// Forgets a client with its tokens and invites; whether there was one. Nobody is let in as it from now on.
    ///
    /// # Errors
    /// [`AccountsError::Reserved`], and what the database refuses.
    pub(crate) fn forget(&self, client: &ClientName) -> Result<bool, AccountsError> {
        refuse_reserved(client)?;
        self.change(|transaction| {
            transaction.execute("DELETE FROM client WHERE name = ?1", [client.as_str()]).map(|gone| Ok(gone > 0))
        })
    }

    pub(crate) fn new_claims(&self, client: &ClientName, grant: Grant) -> Claims {
        let seconds = |moment: Timestamp| moment.to_parts().0;
        let (id, now) = (TokenId::random(&*self.random), self.clock.now());
        Claims::new(self.data().store(), client, id, seconds(now), grant.expires.map(seconds))
    }

    pub(crate) fn insert_token(
        &self,
        transaction: &Transaction<'_>,
        client: &ClientName,
        id: &TokenId,
        grant: Grant,
    ) -> rusqlite::Result<()> {
        let (now, end) = (self.clock.now().as_nanos(), grant.expires.map(Timestamp::as_nanos));
        let sql = "INSERT INTO token (jti, client, created, expires, access) VALUES (?1, ?2, ?3, ?4, ?5)";
        transaction.execute(sql, params![id.0, client.as_str(), now, end, grant.access.as_str()]).map(drop)
    }
}

/// A moment so much later; the last there is where there is none.
pub(crate) fn after(now: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_nanos(now.as_nanos().saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
}

pub(crate) fn refuse_reserved(client: &ClientName) -> Result<(), AccountsError> {
    if *client == ClientName::local() { Err(AccountsError::Reserved(client.clone())) } else { Ok(()) }
}

/// Adds a client's row; whether there was none.
pub(crate) fn add_row(transaction: &Transaction<'_>, client: &ClientName, now: Timestamp) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO client (name, created) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    transaction.execute(sql, params![client.as_str(), now.as_nanos()]).map(|added| added > 0)
}

fn is_known(transaction: &Transaction<'_>, client: &ClientName) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM client WHERE name = ?1")?.exists([client.as_str()])
}
