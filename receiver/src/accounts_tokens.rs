//! What changes clients and their tokens: adding, issuing, rotating, revoking, removing. Each as a whole or not at all.

use std::time::Duration;

use protocol::{ClientName, Timestamp};
use rusqlite::{Transaction, params};

use crate::account::Grant;
use crate::accounts::Accounts;
use crate::accounts_error::AccountsError;
use crate::caller::Access;
use crate::token::{Claims, Token, TokenId};

/// Which tokens of a client let it in at `?2`.
const IS_GOOD: &str = "revoked_at IS NULL AND coalesce(ends > ?2, true) AND coalesce(expires > ?2, true)";

/// What came of a rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The new token; kept nowhere else.
    pub token: Token,
    /// What it allows.
    pub access: Access,
    /// How many tokens it takes the place of.
    pub replaced: usize,
}

impl Accounts {
    /// Adds a client. Its token is nowhere else: who loses it needs another one.
    ///
    /// # Errors
    /// [`AccountsError::Exists`], [`AccountsError::Reserved`], and what the database refuses.
    pub fn add(&self, client: &ClientName, grant: Grant) -> Result<Token, AccountsError> {
        refuse_reserved(client)?;
        let claims = self.new_claims(client, grant.expires);
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
        let claims = self.new_claims(client, grant.expires);
        self.change(|transaction| {
            if !is_known(transaction, client)? {
                return Ok(Err(AccountsError::UnknownClient(client.clone())));
            }
            self.insert_token(transaction, client, &claims.jti, grant).map(Ok)
        })?;
        Ok(self.key.sign(&claims))
    }

    /// Makes a new token in the place of all of a client's tokens of a kind, or of the one kind that it has; those end
    /// after `overlap`, unless they end sooner by themselves.
    ///
    /// # Errors
    /// [`AccountsError::NoToken`] and [`AccountsError::SeveralKinds`]: nothing would be rotated, or not what is meant; and as
    /// [`Self::issue`].
    pub fn rotate(
        &self,
        client: &ClientName,
        kind: Option<Access>,
        expires: Option<Timestamp>,
        overlap: Duration,
    ) -> Result<Rotated, AccountsError> {
        let claims = self.new_claims(client, expires);
        let (access, replaced) = self.change(|transaction| {
            if !is_known(transaction, client)? {
                return Ok(Err(AccountsError::UnknownClient(client.clone())));
            }
            let now = self.clock.now();
            let access = match kind_to_rotate(client, kind, &live_kinds(transaction, client, now)?) {
                Ok(access) => access,
                Err(refused) => return Ok(Err(refused)),
            };
            let replaced = end_tokens(transaction, client, access, now, overlap)?;
            self.insert_token(transaction, client, &claims.jti, Grant { access, expires })?;
            Ok(Ok((access, replaced)))
        })?;
        Ok(Rotated { token: self.key.sign(&claims), access, replaced })
    }

    /// Takes a token back, at once and whatever the clock says later. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AccountsError::UnknownToken`], and what the database refuses.
    pub fn revoke(&self, token: &TokenId) -> Result<(), AccountsError> {
        self.change(|transaction| {
            let sql = "UPDATE token SET revoked_at = coalesce(revoked_at, ?2) WHERE jti = ?1";
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
            let good = format!("SELECT count(*) FROM token WHERE client = ?1 AND {IS_GOOD}");
            let count: i64 = transaction.query_row(&good, params![client.as_str(), now], |row| row.get(0))?;
            let sql = "UPDATE token SET revoked_at = ?2 WHERE client = ?1 AND revoked_at IS NULL";
            transaction.execute(sql, params![client.as_str(), now])?;
            Ok(Ok(usize::try_from(count).unwrap_or(usize::MAX)))
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

    pub(crate) fn new_claims(&self, client: &ClientName, expires: Option<Timestamp>) -> Claims {
        let seconds = |moment: Timestamp| moment.to_parts().0;
        let (id, now) = (TokenId::random(&*self.random), self.clock.now());
        Claims::new(self.data().store(), client, id, seconds(now), expires.map(seconds))
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

/// What the tokens of a client that let it in now allow.
fn live_kinds(transaction: &Transaction<'_>, client: &ClientName, now: Timestamp) -> rusqlite::Result<Vec<Access>> {
    let sql = format!("SELECT DISTINCT access FROM token WHERE client = ?1 AND {IS_GOOD}");
    let mut select = transaction.prepare_cached(&sql)?;
    let kinds = select.query_map(params![client.as_str(), now.as_nanos()], |row| row.get::<_, String>(0))?;
    let kinds: Vec<String> = kinds.collect::<rusqlite::Result<_>>()?;
    Ok(kinds.iter().filter_map(|kind| Access::parse(kind)).collect())
}

/// Of the kinds that there are, the one that is meant.
fn kind_to_rotate(client: &ClientName, meant: Option<Access>, kinds: &[Access]) -> Result<Access, AccountsError> {
    match (meant, kinds) {
        (Some(kind), kinds) if kinds.contains(&kind) => Ok(kind),
        (None, [kind]) => Ok(*kind),
        (None, [_, _, ..]) => Err(AccountsError::SeveralKinds(client.clone())),
        (kind, _) => Err(AccountsError::NoToken(client.clone(), kind)),
    }
}

/// Lets a client's tokens of a kind end: at once, or after a while; how many those are.
fn end_tokens(
    transaction: &Transaction<'_>,
    client: &ClientName,
    access: Access,
    now: Timestamp,
    overlap: Duration,
) -> rusqlite::Result<usize> {
    let of_kind = format!("client = ?1 AND access = ?3 AND {IS_GOOD}");
    let (name, moment, kind) = (client.as_str(), now.as_nanos(), access.as_str());
    if overlap.is_zero() {
        let sql = format!("UPDATE token SET revoked_at = ?2 WHERE {of_kind}");
        return transaction.execute(&sql, params![name, moment, kind]);
    }
    let sql = format!("UPDATE token SET ends = min(coalesce(ends, ?4), ?4) WHERE {of_kind}");
    transaction.execute(&sql, params![name, moment, kind, after(now, overlap).as_nanos()])
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
