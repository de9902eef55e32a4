//! [`DeliverError`]: what ends contact or delivery. Single changes that fail do not; they are left out.

use std::io;

use protocol::ProblemCode;
use thiserror::Error;

use crate::CallError;

/// Why a round's business with the receiver ended early. What was acknowledged before stays acknowledged.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// The receiver could not be called, or answered with a problem.
    #[error(transparent)]
    Call(CallError),
    /// This state directory was superseded: another live client writes this mirror.
    #[error(
        "another client took this mirror over after revision {at}; if this one shall write it, run `roundsman takeover`"
    )]
    Fenced {
        /// The last revision this client could have written.
        at: u64,
    },
    /// The mirror's head is not the one expected: the next contact finds out why.
    #[error("the mirror was changed by somebody else meanwhile; the next round makes contact anew")]
    HeadMoved,
    /// No version of the protocol that both speak.
    #[error("the receiver speaks protocol {min} to {max}, this program another; update the older of the two")]
    Version {
        /// The oldest the receiver speaks.
        min: u32,
        /// The newest the receiver speaks.
        max: u32,
    },
    /// What the receiver answers cannot be.
    #[error("the receiver contradicts the protocol: {0}")]
    Protocol(String),
    /// The snapshot cannot be read or written.
    #[error("the snapshot cannot be {what}")]
    Ledger {
        /// "read" or "written".
        what: &'static str,
        /// What it failed with.
        source: io::Error,
    },
}

impl DeliverError {
    pub(crate) fn reading(source: io::Error) -> Self {
        Self::Ledger { what: "read", source }
    }

    pub(crate) fn writing(source: io::Error) -> Self {
        Self::Ledger { what: "written", source }
    }
}

impl From<CallError> for DeliverError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Problem(problem) if problem.code == ProblemCode::HeadMoved => Self::HeadMoved,
            other => Self::Call(other),
        }
    }
}
