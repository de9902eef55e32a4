//! Invites: a one-time secret that a client trades for its token. The accounts keep a hash of it and nothing else.

use std::time::Duration;

use protocol::wire::InviteSecret;
use protocol::{ClientName, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::account::Grant;
use crate::accounts::Accounts;
use crate::accounts_error::{AccountsError, JoinError};
use crate::accounts_tokens::{add_row, after, refuse_reserved};
use crate::caller::Access;
use crate::token::Token;

/// An invite that was just made.
#[derive(Debug)]
pub struct Invited {
    /// What is traded for a token; kept nowhere else.
    pub secret: InviteSecret,
    /// Until when.
    pub expires: Timestamp,
}

/// Who joined.
#[derive(Debug)]
pub struct JoinedClient {
    /// The client.
    pub client: ClientName,
    /// Its token; kept nowhere else.
    pub token: Token,
}

/// A row of an invite.
struct KnownInvite {
    client: String,
    expires: Timestamp,
    access: String,
    token_expires: Option<Timestamp>,
    is_used: bool,
}

impl Accounts {
    /// Makes an invite that is good for one token within `within`; adds the client if there is none.
    ///
    /// # Errors
    /// [`AccountsError::Reserved`], and what the database refuses.
    pub fn invite(&self, client: &ClientName, grant: Grant, within: Duration) -> Result<Invited, AccountsError> {
        refuse_reserved(client)?;
        let mut bits = [0; InviteSecret::BYTES];
        self.random.fill(&mut bits);
        let (secret, now) = (InviteSecret::from_bytes(bits), self.clock.now());
        let expires = after(now, within);
        self.change(|transaction| {
            add_row(transaction, client, now)?;
            let sql = "INSERT INTO invite (secret_hash, client, created, expires, access, token_expires) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let (access, end) = (grant.access.as_str(), grant.expires.map(Timestamp::as_nanos));
            let values = params![hash(&secret), client.as_str(), now.as_nanos(), expires.as_nanos(), access, end];
            transaction.execute(sql, values).map(Ok)
        })?;
        Ok(Invited { secret, expires })
    }

    /// Trades an invite's secret for a token. Of several who try at once, one gets it.
    ///
    /// # Errors
    /// [`JoinError::Unknown`], [`JoinError::Used`], [`JoinError::Expired`], and what the database refuses.
    pub fn join(&self, secret: &InviteSecret) -> Result<JoinedClient, JoinError> {
        self.change(|transaction| Ok(Ok(self.join_within(transaction, secret)?)))?
    }

    fn join_within(
        &self,
        transaction: &Transaction<'_>,
        secret: &InviteSecret,
    ) -> rusqlite::Result<Result<JoinedClient, JoinError>> {
        let now = self.clock.now();
        let Some(known) = KnownInvite::find(transaction, secret)? else { return Ok(Err(JoinError::Unknown)) };
        if known.is_used {
            return Ok(Err(JoinError::Used));
        }
        // A token that is over already would open nothing, and the invite be spent.
        if known.expires <= now || known.token_expires.is_some_and(|end| end <= now) {
            return Ok(Err(JoinError::Expired));
        }
        let Some((client, grant)) = known.grants() else { return Ok(Err(JoinError::Unknown)) };
        let sql = "UPDATE invite SET used_at = ?2 WHERE secret_hash = ?1";
        transaction.execute(sql, params![hash(secret), now.as_nanos()])?;
        let claims = self.new_claims(&client, grant.expires);
        self.insert_token(transaction, &client, &claims.jti, grant)?;
        Ok(Ok(JoinedClient { token: self.key.sign(&claims), client }))
    }
}

impl KnownInvite {
    /// Found by its hash: how long that takes tells nothing of a secret that one would have to hash first.
    fn find(transaction: &Transaction<'_>, secret: &InviteSecret) -> rusqlite::Result<Option<Self>> {
        let sql =
            "SELECT client, expires, access, token_expires, used_at IS NOT NULL FROM invite WHERE secret_hash = ?1";
        transaction.query_row(sql, params![hash(secret)], Self::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            client: row.get(0)?,
            expires: Timestamp::from_nanos(row.get(1)?),
            access: row.get(2)?,
            token_expires: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_nanos),
            is_used: row.get(4)?,
        })
    }

    fn grants(&self) -> Option<(ClientName, Grant)> {
        let grant = Grant { access: Access::parse(&self.access)?, expires: self.token_expires };
        Some((ClientName::parse(&self.client).ok()?, grant))
    }
}

fn hash(secret: &InviteSecret) -> [u8; blake3::OUT_LEN] {
    *blake3::hash(secret.expose()).as_bytes()
}

#[cfg(test)]
#[path = "accounts_invites_tests.rs"]
mod tests;
