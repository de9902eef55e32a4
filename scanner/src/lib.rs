//! Finds out what changed: walks a source, compares each directory with its recorded rows, reads what it must, and
//! plans the changes. In reading order.
//!
//! Knows no SQLite and no HTTP. It decides what differs, never what is sent. `compare`, `moves`, `plan` and `brake` are
//! pure.

mod birth;
mod brake;
mod claims;
mod compare;
mod content;
mod directory_moves;
mod displaced;
mod edited_moves;
mod ended;
mod explain;
mod explanation;
mod filter;
mod finding;
mod fingerprint;
mod found;
mod gone;
mod habits;
mod judge;
mod large;
mod likeness;
mod limit;
mod lists;
mod marker;
mod mounts;
mod moved;
mod moves;
mod open_directories;
mod past;
pub mod patience;
mod places;
mod plain;
mod plan;
mod root;
mod round;
mod scan;
mod scrub;
mod scrubber;
mod second_look;
mod settle;
mod spilling;
mod tangled;
mod trust;
mod unsettled;
mod waiting;
mod walk;
mod watched;

#[cfg(test)]
mod perfect_scan;
#[cfg(test)]
mod perturbed;
#[cfg(test)]
mod plan_laws;
#[cfg(test)]
mod plan_literals;
#[cfg(test)]
mod small_trees;
#[cfg(test)]
mod waiting_laws;

pub use brake::{BrakeFacts, BrakeRules, Braked, Held, HeldWhy, brake, endings, held_digest};
pub use explain::{Question, explain};
pub use explanation::{Explanation, Outcome, Part, Proof, ReadWhy};
pub use filter::{Filter, FilterError, FilterRules};
pub use finding::{Deferral, Finding, Hint, Trouble};
pub use limit::{InvalidLimit, Limit, SHARE_FLOOR_FILES, Share};
pub use marker::{MARKER_FILE, MarkerId, make_marker, marker_name, read_marker};
pub use plain::{MOST_IN_MEMORY, plain_change};
pub use plan::{Planned, plan};
pub use root::{RootIdentity, RootTrouble, check_marker, check_not_emptied, check_root};
pub use scan::{Counts, Rules, Scan, ScanError, Scanned};
pub use trust::Margins;
