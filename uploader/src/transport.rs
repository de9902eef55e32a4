//! [`Transport`]: a request goes out, a response comes back. The seam between the engine and the network.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::num::NonZeroU64;
use std::time::Duration;

use protocol::Problem;
use protocol::wire::{Request, Response};
use thiserror::Error;

/// Carries requests to one receiver, from any thread, several at a time.
pub trait Transport: Debug + Send + Sync {
    /// Sends a request once and waits for its answer.
    ///
    /// # Errors
    /// Whatever kept the answer from coming. Whether the receiver acted on the request is then not known.
    fn call(&self, request: &Request) -> Result<Response, TransportError>;

    /// What went over the wire so far.
    fn traffic(&self) -> Traffic;
}

/// What went over the wire: HTTP bodies and heads, without what TCP and TLS add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent, repeated ones each time.
    pub requests: u64,
    /// Bytes of request heads and bodies.
    pub bytes_sent: u64,
    /// Bytes of response heads and bodies.
    pub bytes_received: u64,
}

/// What lies beneath an error, whoever made it.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why no answer came. What to do about it follows from the variant, never from its text.
#[derive(Debug, Error)]
pub enum TransportError {
    /// No connection came about: the request was not sent.
    #[error("no connection to the receiver")]
    Unreachable {
        /// Whether the host answered that nothing listens there.
        nothing_listens: bool,
        /// What the connection failed with.
        source: Cause,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection broke before the answer was whole")]
    Interrupted {
        /// How it broke.
        source: Cause,
    },
    /// No whole answer in time.
    #[error("no answer from the receiver in time")]
    TimedOut {
        /// What ran out.
        source: Cause,
    },
    /// The receiver answered with a problem.
    #[error("the receiver answered: {problem}")]
    Problem {
        /// Its own words.
        problem: Problem,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer is none that this protocol knows.
    #[error("the receiver does not speak this protocol: {0}")]
    Protocol(String),
    /// TLS could not be agreed on, mostly because of the certificate.
    #[error("the receiver's certificate or TLS was not accepted: {0}")]
    Certificate(String),
}

impl TransportError {
    /// How far work has come that the same request goes on with, in bytes.
    pub(crate) fn progress(&self) -> Option<NonZeroU64> {
        match self {
            Self::Problem { problem, .. } if problem.code.is_transient() => problem.progress,
            _ => None,
        }
    }

    /// Whether it is not known who would answer next: the receiver may have been started anew since.
    pub(crate) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Interrupted { .. } | Self::TimedOut { .. })
    }

    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::TimedOut { .. } => true,
            Self::Problem { problem, .. } => problem.code.is_transient(),
            Self::Protocol(_) | Self::Certificate(_) => false,
        }
    }
}
