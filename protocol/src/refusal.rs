//! Why the receiver refuses single changes of a batch. A refusal names the change, so that the rest can go on.

use minicbor::{Decode, Encode};
use thiserror::Error;

/// One change that cannot be applied, and why.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refused {
    /// Its place in the proposed list of changes.
    #[n(0)]
    pub index: u32,
    /// Why.
    #[n(1)]
    pub reason: RefusalReason,
}

/// Why a change cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Error, Encode, Decode)]
pub enum RefusalReason {
    /// What it names is not there.
    #[n(0)]
    #[error("nothing is there in the mirror")]
    Missing,
    /// Its place is taken by something that stays.
    #[n(1)]
    #[error("its place in the mirror is taken")]
    Occupied,
    /// The directory it should lie in does not exist in the result.
    #[n(2)]
    #[error("its directory does not exist in the mirror")]
    NoParent,
    /// The kind there is not the kind it speaks of.
    #[n(3)]
    #[error("the mirror has another kind of thing there")]
    WrongKind,
    /// Two changes of the set speak of one place, or a directory would move into itself.
    #[n(4)]
    #[error("it contradicts another change of its batch")]
    Contradiction,
    /// Metadata outside the limits, or a change of the root that is not one of metadata.
    #[n(5)]
    #[error("it is not a valid change")]
    Invalid,
    /// The receiver's disk cannot hold this name, length or kind; in the disk's own words.
    #[n(6)]
    #[error("the receiver's disk cannot hold it: {0}")]
    NotStorable(#[n(0)] String),
    /// It does not fit into what the client may store; in numbers.
    #[n(7)]
    #[error("over quota: {0}")]
    OverQuota(#[n(0)] String),
}
