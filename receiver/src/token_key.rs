//! [`SigningKey`]: what this receiver signs its tokens with, and how it recognises them.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use protocol::StoreId;

use crate::data_dir::DataDirError;
use crate::data_dir_files::read_or_make;
use crate::token::{ACCOUNT_PREFIX, Claims, ISSUER, MAX_TOKEN_BYTES, Token, Unauthorized};

/// An Ed25519 key pair. EdDSA is the only algorithm: what a token's head asks for is never followed.
pub(crate) struct SigningKey {
    private: EncodingKey,
    public: DecodingKey,
    accepts: Validation,
}

impl SigningKey {
    /// Reads the receiver's key; makes it at first use (PKCS#8, mode 600).
    pub(crate) fn open(own_part: &Path, store: StoreId) -> Result<Self, DataDirError> {
        let path = own_part.join("signing.key");
        let pkcs8 = read_or_make(&path, new_key).map_err(|source| DataDirError::Io { path: path.clone(), source })?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8)
            .map_err(|_| DataDirError::Damaged { path, why: "it holds no Ed25519 key" })?;
        Ok(Self {
            private: EncodingKey::from_ed_der(&pkcs8),
            public: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            accepts: accepts(store),
        })
    }

    /// Signs.
    pub(crate) fn sign(&self, claims: &Claims) -> Token {
        let jwt = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.private)
            .expect("an Ed25519 key that was read can sign");
        Token::from(format!("{ACCOUNT_PREFIX}{jwt}"))
    }

    /// What a token says, if this receiver signed it for itself. Expiry and revocation are not looked at.
    pub(crate) fn read(&self, token: &str) -> Result<Claims, Unauthorized> {
        let jwt = token.strip_prefix(ACCOUNT_PREFIX).filter(|_| token.len() <= MAX_TOKEN_BYTES);
        let read = jsonwebtoken::decode::<Claims>(jwt.ok_or(Unauthorized::Invalid)?, &self.public, &self.accepts);
        match read {
            // A critical extension that nobody here knows must not be ignored (RFC 7515, 4.1.11).
            Ok(data) if data.header.crit.is_none() => Ok(data.claims),
            Ok(_) | Err(_) => Err(Unauthorized::Invalid),
        }
    }
}

fn new_key() -> Vec<u8> {
    let pair = Ed25519KeyPair::generate().expect("the kernel gives random bytes once it has booted");
    pair.to_pkcs8().expect("a new key can be written down").as_ref().to_vec()
}

fn accepts(store: StoreId) -> Validation {
    let mut accepts = Validation::new(Algorithm::EdDSA);
    accepts.set_issuer(&[ISSUER]);
    accepts.set_audience(&[store.to_hex()]);
    accepts.set_required_spec_claims(&["iss", "aud", "sub"]);
    // Looked at by the accounts, with the clock that they are given and without leeway.
    accepts.validate_exp = false;
    accepts
}
