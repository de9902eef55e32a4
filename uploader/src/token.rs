//! [`Token`]: what a client shows to be let in. It never appears in a message, a log or a debug print.

use std::fmt;

use thiserror::Error;

/// Longest token, in bytes; ours have a few hundred.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a text is no token. Does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidToken {
    /// Nothing but white space.
    #[error("the token is empty; `roundsman client add NAME` at the receiver prints one")]
    Empty,
    /// Longer than any token.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes; is this the right file?")]
    TooLong,
    /// White space inside, or a byte that no HTTP header can hold.
    #[error("the token holds a byte that no token has; is this the right file?")]
    Byte,
}

/// A bearer token: visible ASCII.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks a token as read from its file; white space around it is dropped.
    ///
    /// # Errors
    /// What could not be sent, or is plainly something else.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if text.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken::Byte);
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself: for the one header that carries it and for a file of mode 600, never for logs or errors.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_checked_and_never_printed() {
        let token = Token::parse("  eyJ.abc.def\n").expect("a token with white space around it");
        assert_eq!(token.secret(), "eyJ.abc.def");
        assert!(!format!("{token:?}").contains("abc"));
        assert_eq!(Token::parse(" \n"), Err(InvalidToken::Empty));
        assert_eq!(Token::parse("a b"), Err(InvalidToken::Byte));
        assert_eq!(Token::parse("a\u{e9}"), Err(InvalidToken::Byte));
        assert_eq!(Token::parse(&"a".repeat(MAX_TOKEN_BYTES + 1)), Err(InvalidToken::TooLong));
    }
}
