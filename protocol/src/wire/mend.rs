//! Putting right what lies otherwise in a mirror than the catalog says, without a revision: nothing logical changes.

use minicbor::{Decode, Encode};

use super::delivery::{Mismatch, Missing};
use crate::{ContentId, ContentPlan, Lineage, MirrorName, RelPath, RevisionDigest};

/// Asks what is wanted, offers contents that were, and has them put where they were damaged.
///
/// The same request opens the filling, and after the last frame has what came put in place.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Mend {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Who offers.
    #[n(1)]
    pub lineage: Lineage,
    /// The contents offered; none to ask what is wanted, and to have mended what needs nobody.
    #[n(2)]
    pub contents: Vec<ContentPlan>,
    /// Tell only of wanted contents after this one.
    #[n(3)]
    pub after: Option<ContentId>,
}

/// What came of mending.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Mended {
    /// Names the filling of what was offered.
    #[n(0)]
    pub proposal: RevisionDigest,
    /// Literals of the offered contents that have not arrived.
    #[n(1)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Offered contents that came out wrong.
    #[n(2)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub mismatched: Vec<Mismatch>,
    /// How many damaged files were put right by this request.
    #[n(3)]
    pub places: u64,
    /// What is still wanted, sorted by content: a page.
    #[n(4)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub wanted: Vec<Wanted>,
    /// Whether more could be put right than one request does: the same request goes on.
    #[n(5)]
    #[cbor(default)]
    pub more: bool,
}

/// A content that is damaged or missing at the receiver, and where the mirror should have it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Wanted {
    /// Which.
    #[n(0)]
    pub content: ContentId,
    /// Its length.
    #[n(1)]
    pub length: u64,
    /// The path of a file of the head that has it.
    #[n(2)]
    pub path: RelPath,
}
