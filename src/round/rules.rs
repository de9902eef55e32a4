//! [`RoundRules`]: how a round is to be made, as its user decided.

use std::collections::HashSet;

use protocol::Change;
use scanner::{BrakeRules, Rules};

use super::list_share::ListShare;
use super::scrub::ScrubRate;

/// How a round is to be made.
#[derive(Debug, Clone, Default)]
pub struct RoundRules {
    /// How to look at the source.
    pub look: Rules,
    /// What needs a person's consent.
    pub brake: BrakeRules,
    /// How much of what seems unchanged is read again.
    pub scrub: Option<ScrubRate>,
    /// How much may be kept of how files are cut.
    pub lists: ListShare,
    /// Whether the source must have its marker file.
    pub marker: bool,
    /// Whether a person said that the source may be another one than before.
    pub adopt: bool,
    /// Whether a person said that the directory at the source's path is the right one, whatever it was before.
    pub accept_root: bool,
    /// The changes of a plan that a person asked for; without it, all.
    pub only: Option<HashSet<Change>>,
}
