//! Readings for other tests.

use protocol::{ContentId, Timestamp};
use seams::clock::BootId;
use seams::recorded::{Evidence, Fingerprint, Moment, Reading, Trust};

/// A reading with this evidence and trust.
pub(crate) fn reading(evidence: Evidence, trust: Trust) -> Reading {
    let first_seen = Moment { boot: BootId([1; 16]), since_boot: std::time::Duration::ZERO };
    let (fingerprint, content) = (Fingerprint([0; 16]), ContentId::of(b""));
    Reading { evidence, fingerprint, content, first_seen, trust, verified: Timestamp::from_nanos(0) }
}
