//! How bodies are encoded: what the head of a request says of its own and of the answer's (docs/PROTOCOL.md, Packed bodies).

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use protocol::wire::{Body, Packed, UnpackError, ZSTD, may_be_packed};
use protocol::{Problem, ProblemCode};

use crate::http_failure::Failure;

/// What a body may only be where nothing may be packed.
const IDENTITY: &str = "identity";

/// How a request's body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Not at all.
    Plain,
    /// One zstd frame.
    Zstd,
}

impl Encoding {
    /// What the head of a request says; an encoding that its route does not take is refused.
    pub(crate) fn of(route: &str, head: &HeaderMap) -> Result<Self, Failure> {
        let mut encodings = head.get_all(header::CONTENT_ENCODING);
        match (encodings.next(), encodings.next()) {
            (None, _) => Ok(Self::Plain),
            (Some(only), None) if is_zstd(only.as_bytes()) && may_be_packed(route) => Ok(Self::Zstd),
            _ => Err(Failure::unsupported_encoding(if may_be_packed(route) { ZSTD } else { IDENTITY })),
        }
    }

    /// How many bytes the message in a body takes besides the body itself; refused if that is not told or over `limit`.
    pub(crate) fn unpacked_size(self, body: &[u8], limit: usize) -> Result<usize, Problem> {
        match self {
            Self::Plain => Ok(0),
            Self::Zstd => Packed::open(body, limit).map(|packed| packed.size()).map_err(refused),
        }
    }

    /// The message in a body, of at most `limit` bytes.
    pub(crate) fn unpack(self, body: Bytes, limit: usize) -> Result<Bytes, Problem> {
        match self {
            Self::Plain => Ok(body),
            Self::Zstd => Packed::open(&body, limit).and_then(Packed::unpack).map(Bytes::from).map_err(refused),
        }
    }
}

fn refused(error: UnpackError) -> Problem {
    let code = match error {
        UnpackError::TooLarge { .. } => ProblemCode::TooLarge,
        UnpackError::NoFrame | UnpackError::NoSize | UnpackError::Broken | UnpackError::Trailing => {
            ProblemCode::Malformed
        }
    };
    Problem::new(code, error)
}

/// Whether the answer to a request may be packed: its route and its sender take that. A sender that weighs encodings
/// gets a plain answer, which is always right.
pub(crate) fn answer_is_packed(route: &str, head: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| value.as_bytes().split(|byte| *byte == b',').any(is_zstd);
    may_be_packed(route) && head.get_all(header::ACCEPT_ENCODING).any(accepts)
}

fn is_zstd(encoding: &[u8]) -> bool {
    encoding.trim_ascii().eq_ignore_ascii_case(ZSTD.as_bytes())
}

/// The response with this body.
pub(crate) fn respond(response: &mut HttpResponseBuilder, body: Body) -> HttpResponse {
    match body {
        Body::Plain(message) => response.body(message),
        Body::Zstd(frame) => response.insert_header((header::CONTENT_ENCODING, ZSTD)).body(frame),
    }
}
