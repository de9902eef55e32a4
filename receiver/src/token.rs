//! [`Token`]: what a client shows to be let in. A secret, which never shows itself.

use std::fmt;

use protocol::ClientName;
use protocol::StoreId;
use seams::random::Random;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 2_048;
/// What the tokens of accounts begin with, so that a leaked one is recognised as what it is.
pub(crate) const ACCOUNT_PREFIX: &str = "rmt_";
/// What a process's own secret for the client `local` begins with.
const LOCAL_PREFIX: &str = "rml_";
/// Who issues them.
pub(crate) const ISSUER: &str = "roundsman";

/// A secret that opens a receiver. Only [`Token::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The secret itself: for a file of mode 600 or the `Authorization` header, never for logs or errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A secret that only this process knows: 256 random bits.
    pub(crate) fn local(random: &dyn Random) -> Self {
        let mut bits = [0; 32];
        random.fill(&mut bits);
        Self(format!("{LOCAL_PREFIX}{}", blake3::Hash::from_bytes(bits).to_hex()))
    }
}

impl From<String> for Token {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The number of a token, by which it is revoked. No secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub(crate) String);

impl TokenId {
    /// A new one.
    pub(crate) fn random(random: &dyn Random) -> Self {
        Self(format!("{:032x}", u128::from_le_bytes(seams::random::id(random))))
    }
}

/// What was given is no number of a token. It is not repeated: it may be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of a token has 32 hexadecimal digits; `roundsman client show NAME` tells it")]
pub struct InvalidTokenId;

impl std::str::FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| Self(text.to_owned())).ok_or(InvalidTokenId)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a token of an account says, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Always [`ISSUER`].
    pub(crate) iss: String,
    /// The id of the receiver it was made for, in hexadecimal.
    pub(crate) aud: String,
    /// The client's name.
    pub(crate) sub: String,
    /// The token's number.
    pub(crate) jti: TokenId,
    /// When it was made, in seconds since 1970.
    pub(crate) iat: i64,
    /// When it ends, in seconds since 1970; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exp: Option<i64>,
}

impl Claims {
    /// What a token for this client says.
    pub(crate) fn new(store: StoreId, client: &ClientName, jti: TokenId, iat: i64, exp: Option<i64>) -> Self {
        Self { iss: ISSUER.to_owned(), aud: store.to_hex(), sub: client.as_str().to_owned(), jti, iat, exp }
    }

    /// Whether its time is over.
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.exp.is_some_and(|end| end <= now)
    }
}

/// Why nobody is let in. Says nothing that helps to forge a token: only the owner of a signed one learns more than
/// that it is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unauthorized {
    /// No token was shown.
    #[error("a token is needed")]
    Missing,
    /// No token that this receiver signed.
    #[error("the token is not valid here")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
}

#[cfg(test)]
mod tests {
    use seams::random::SystemRandom;

    use super::*;

    #[test]
    fn a_token_never_shows_itself_by_accident() {
        let token = Token::local(&SystemRandom);
        assert!(!format!("{token:?}").contains(&token.expose()[4..12]));
        assert_eq!(token.expose().len(), LOCAL_PREFIX.len() + 64);
        assert_ne!(token, Token::local(&SystemRandom));
    }

    #[test]
    fn a_token_is_over_at_its_end_and_not_before() {
        let client = ClientName::parse("laptop").expect("a valid name");
        let until = |exp| Claims::new(StoreId::from_bytes([1; 16]), &client, TokenId("1".to_owned()), 0, exp);
        assert!(!until(Some(100)).is_expired(99));
        assert!(until(Some(100)).is_expired(100));
        assert!(!until(None).is_expired(i64::MAX));
    }
}
