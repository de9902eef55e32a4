//! [`Problem`]: an answer that is an error (RFC 9457), with a stable code for programs and words for people.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A problem document. `detail` says what and why, `hint` what to do; neither reveals anything internal.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{detail}")]
pub struct Problem {
    /// What kind of problem, for programs.
    pub code: ProblemCode,
    /// What failed and why, for people.
    pub detail: String,
    /// What to do about it, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How far a long piece of work has come, in bytes, where the same request goes on with it. While this grows, nothing
    /// is wrong and nobody need wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<NonZeroU64>,
}

/// The kinds of problems. Codes are stable: programs rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// No valid token (401).
    Unauthorized,
    /// A token that does not allow this (403).
    Forbidden,
    /// Nobody here made this invite (403).
    InviteUnknown,
    /// This invite was traded for a token already (403).
    InviteUsed,
    /// The time of this invite is over (403).
    InviteExpired,
    /// No such route, mirror, revision, path or content (404).
    NotFound,
    /// The two sides share no protocol version (409).
    UnsupportedProtocol,
    /// The mirror's head is not the one the request is based on (409).
    HeadMoved,
    /// This proposal is not open any more: propose again (409).
    UnknownProposal,
    /// Another live client took this mirror over (409).
    Fenced,
    /// The mirror belongs to another source (409).
    OtherSource,
    /// A request that means nothing (400).
    Malformed,
    /// Larger than a limit (413).
    TooLarge,
    /// Too many requests at once or too fast: try again later (429).
    Busy,
    /// Something inside failed (500).
    Internal,
    /// What the receiver knows of this client is damaged: somebody has to mend it there (500).
    Damaged,
    /// A revision is not yet finished on disk: reads go on, commits wait (503).
    RedoPending,
    /// Shutting down or not ready yet: try again (503).
    Unavailable,
    /// No room on the receiver's disk, or in the client's quota (507).
    NoSpace,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ProblemCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden | Self::InviteUnknown | Self::InviteUsed | Self::InviteExpired => 403,
            Self::NotFound => 404,
            Self::UnsupportedProtocol | Self::HeadMoved | Self::UnknownProposal | Self::Fenced | Self::OtherSource => {
                409
            }
            Self::Malformed => 400,
            Self::TooLarge => 413,
            Self::Busy => 429,
            Self::Internal | Self::Damaged | Self::Unknown => 500,
            Self::RedoPending | Self::Unavailable => 503,
            Self::NoSpace => 507,
        }
    }

    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable | Self::RedoPending | Self::Internal)
    }
}

impl Problem {
    /// A problem without a hint.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl fmt::Display) -> Self {
        Self { code, detail: detail.to_string(), hint: None, progress: None }
    }

    /// The same, of work that has come so far.
    #[must_use]
    pub fn with_progress(self, bytes: u64) -> Self {
        Self { progress: NonZeroU64::new(bytes), ..self }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}
