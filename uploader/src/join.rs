//! [`join`]: trades the secret of an invite for a token, in one request.

use protocol::ClientName;
use protocol::wire::{InviteSecret, JOIN_ROUTE, Join, Joined};

use crate::http::{HttpSettings, HttpTransport, SetupError};
use crate::{Address, Token, TransportError};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// No answer, or another one.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Who this machine is to the receiver from now on.
#[derive(Debug)]
pub struct Membership {
    /// The client's name.
    pub client: ClientName,
    /// Its token.
    pub token: Token,
}

/// Asks once: a secret is good for one answer, so nothing is tried again.
///
/// # Errors
/// No answer came (then the secret may be used up), the receiver refused, or answered something else.
pub fn join(address: Address, secret: &InviteSecret, settings: HttpSettings) -> Result<Membership, JoinError> {
    let transport = HttpTransport::without_token(address, settings)?;
    let answer = transport.post(JOIN_ROUTE, Join { secret: secret.clone() }.encode())?;
    // What the decoder says may repeat some of the answer: the token is in it.
    let not_understood = || TransportError::Protocol("its answer to join is none".to_owned());
    let Joined { client, token } = Joined::decode(&answer).map_err(|_| not_understood())?;
    let client = ClientName::parse(&client).map_err(|_| not_understood())?;
    let token = Token::parse(&token).map_err(|_| not_understood())?;
    Ok(Membership { client, token })
}
