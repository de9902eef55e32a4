//! [`HeldList`]: the changes that the brake holds, and what a person decided about them.

use std::fmt;

use protocol::{Change, Timestamp};

/// Names a held list by what is in it. Another change, or another count of files, makes another digest; the caller
/// computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldDigest([u8; 32]);

/// How many bytes of a digest people see, two digits each.
const SHOWN_BYTES: usize = 6;

impl HeldDigest {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether its lower-case hexadecimal begins so.
    #[must_use]
    pub fn begins_with(&self, hex: &str) -> bool {
        to_hex(&self.0).starts_with(hex)
    }
}

/// As people see and type it: the first 12 hexadecimal digits.
impl fmt::Display for HeldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0[..SHOWN_BYTES]))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a person says about a held list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Exactly these changes may go.
    Approved,
    /// They may not, and the list is not asked about again until it changes.
    Rejected,
}

impl Decision {
    /// What holds after one more decision: a rejected list stays rejected.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        if before == Some(Self::Rejected) { Self::Rejected } else { self }
    }
}

/// Changes that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldList {
    /// Names exactly these changes.
    pub digest: HeldDigest,
    /// Since when they are held.
    pub since: Timestamp,
    /// What was decided, and when.
    pub decision: Option<(Decision, Timestamp)>,
    /// The changes by which files would cease to exist, and how many each would end.
    pub changes: Vec<(Change, u64)>,
}

impl HeldList {
    /// A list that nobody decided about yet.
    #[must_use]
    pub const fn new(digest: HeldDigest, since: Timestamp, changes: Vec<(Change, u64)>) -> Self {
        Self { digest, since, decision: None, changes }
    }

    /// How many files would cease to exist.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.changes.iter().fold(0, |sum, (_, files)| sum.saturating_add(*files))
    }
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// No list of this digest is held, and none was let go lately.
    Unknown,
    /// It was approved then, and is let go already: there is nothing left to decide.
    LetGo(Timestamp),
    /// The list is held.
    Held {
        /// What had been decided before, and when.
        before: Option<(Decision, Timestamp)>,
        /// What holds now. A rejected list stays rejected, and a decision taken twice keeps its first time.
        now: (Decision, Timestamp),
    },
}
