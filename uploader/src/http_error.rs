//! What a failed exchange was, by the types in its chain of causes.

use std::error::Error as StdError;
use std::io;

use protocol::{Problem, ProblemCode};

use crate::TransportError;

/// What kept an exchange from its answer.
pub(crate) fn classify(error: reqwest::Error) -> TransportError {
    if error.is_connect() {
        // Its words name the address: whoever reads them has to know where nobody listens.
        return not_connected(error);
    }
    let error = error.without_url();
    if error.is_timeout() {
        return TransportError::TimedOut { source: error.into() };
    }
    if error.is_builder() {
        return TransportError::Protocol(error.to_string());
    }
    TransportError::Interrupted { source: error.into() }
}

/// rustls reports what it does not accept as `InvalidData`; nothing else on the way to a connection does.
fn not_connected(error: reqwest::Error) -> TransportError {
    let kinds = io_errors(&error);
    if let Some((_, words)) = kinds.iter().find(|(kind, _)| *kind == io::ErrorKind::InvalidData) {
        return TransportError::Certificate(words.clone());
    }
    let nothing_listens = kinds.iter().any(|(kind, _)| *kind == io::ErrorKind::ConnectionRefused);
    TransportError::Unreachable { nothing_listens, source: error.into() }
}

/// Every I/O error in a chain of causes, also those wrapped in each other.
fn io_errors(error: &(dyn StdError + 'static)) -> Vec<(io::ErrorKind, String)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found.push((io.kind(), io.to_string()));
            next = io.get_ref().map(|inner| inner as &(dyn StdError + 'static)).or(next);
        }
    }
    found
}

/// The problem of an answer that is no success: its document, or what its status says.
pub(crate) fn problem(status: u16, is_document: bool, body: &[u8]) -> Result<Problem, TransportError> {
    if is_document && let Ok(problem) = serde_json::from_slice(body) {
        return Ok(problem);
    }
    let code = match status {
        401 => ProblemCode::Unauthorized,
        403 => ProblemCode::Forbidden,
        413 => ProblemCode::TooLarge,
        429 => ProblemCode::Busy,
        502..=504 => ProblemCode::Unavailable,
        500..=599 => ProblemCode::Internal,
        _ => return Err(TransportError::Protocol(format!("status {status} without a problem document"))),
    };
    Ok(Problem::new(code, format!("status {status} without a problem document")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_io_errors_are_found_by_kind() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, "unknown issuer");
        let outer = io::Error::other(io::Error::other(inner));
        let kinds: Vec<_> = io_errors(&outer).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [io::ErrorKind::Other, io::ErrorKind::Other, io::ErrorKind::InvalidData]);
    }

    #[test]
    fn a_status_without_a_document_still_says_whether_to_try_again() {
        let code = |status| problem(status, false, b"<html>").map(|problem| problem.code);
        assert_eq!(code(503).ok(), Some(ProblemCode::Unavailable));
        assert_eq!(code(401).ok(), Some(ProblemCode::Unauthorized));
        assert!(matches!(code(404), Err(TransportError::Protocol(_))));
        assert!(matches!(code(302), Err(TransportError::Protocol(_))));
        assert_eq!(problem(507, true, b"not json").map(|p| p.code).ok(), Some(ProblemCode::Internal));
    }
}
