//! [`Answered`]: an answer as it came over the wire, and what is in it.

use std::time::Duration;

use protocol::wire::{Packed, ZSTD};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::TransportError;
use crate::http_error::problem;

const PROBLEM: &str = "application/problem+json";

/// An answer as it came.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Packed, if the headers say so.
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// What it took on the wire.
    pub(crate) fn bytes(&self) -> u64 {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let line = format!("HTTP/1.1 {} {reason}", self.status.as_str());
        (line.len() + head_bytes(&self.headers) + self.body.len()) as u64
    }

    /// The message of at most `limit` bytes that it is, or the problem.
    ///
    /// # Errors
    /// The problem; or, not worth another try, what no receiver of this protocol sends.
    pub(crate) fn into_message(self, limit: usize) -> Result<Vec<u8>, TransportError> {
        if !self.status.is_success() {
            return Err(self.into_error());
        }
        match self.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None => Ok(self.body),
            Some(encoding) if encoding.eq_ignore_ascii_case(ZSTD.as_bytes()) => Packed::open(&self.body, limit)
                .and_then(Packed::unpack)
                .map_err(|error| TransportError::Protocol(format!("an answer that cannot be unpacked: {error}"))),
            Some(_) => Err(TransportError::Protocol("an answer in an encoding that was not asked for".to_owned())),
        }
    }

    fn into_error(self) -> TransportError {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let is_document = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(PROBLEM));
        let retry_after = text(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        match problem(self.status.as_u16(), is_document, &self.body) {
            Ok(problem) => TransportError::Problem { problem, retry_after },
            Err(error) => error,
        }
    }
}

/// What headers take on the wire as both sides write them, with the line ends around them.
pub(crate) fn head_bytes(headers: &HeaderMap) -> usize {
    const LINE_END: usize = "\r\n".len();
    let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + ": ".len() + value.len() + LINE_END;
    LINE_END + headers.iter().map(header).sum::<usize>() + LINE_END
}
