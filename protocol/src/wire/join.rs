//! Joining: an invite's one-time secret is traded for a token. The one request that needs no token.

use std::fmt;

use minicbor::{Decode, Encode};

/// The last part of the path that [`Join`] is posted to.
pub const JOIN_ROUTE: &str = "join";

/// The secret of an invite: 256 random bits. Only [`InviteSecret::expose`] shows it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct InviteSecret(#[cbor(with = "minicbor::bytes")] [u8; InviteSecret::BYTES]);

impl InviteSecret {
    /// How long it is.
    pub const BYTES: usize = 32;

    /// Wraps the bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bits: for the line that a person carries, a request's body or a hash; never for logs or errors.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteSecret(..)")
    }
}

/// I was invited; let me in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Join {
    /// The invite's secret, good for one token.
    #[n(0)]
    pub secret: InviteSecret,
}

/// You are this client; here is your token.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Joined {
    /// The client's name.
    #[n(0)]
    pub client: String,
    /// Its token. The receiver does not keep it.
    #[n(1)]
    pub token: String,
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Join {
    /// Its body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::to_cbor(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// A message for the problem document; it never repeats the body.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        super::from_cbor(body)
    }
}

impl Joined {
    /// Its body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::to_cbor(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// What is no such answer.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        super::from_cbor(body)
    }
}
