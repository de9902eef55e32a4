//! Finds out what changed: walks a source, compares each directory with its recorded rows, reads what it must, and
//! plans the changes. In reading order.
//!
//! Knows no SQLite and no HTTP. It decides what differs, never what is sent. `compare`, `moves` and `plan` are pure.

mod compare;
mod filter;
mod finding;
mod fingerprint;
mod judge;
mod marker;
mod moves;
mod open_directories;
mod plan;
mod root;
mod round;
mod scan;
mod second_look;
mod trust;
mod walk;

pub use filter::{Filter, FilterError, FilterRules};
pub use finding::{Deferral, Finding, Hint, Trouble};
pub use plan::plan;
pub use marker::{MARKER_FILE, MarkerId, make_marker, marker_name, read_marker};
pub use root::{RootIdentity, RootTrouble, check_marker, check_not_emptied, check_root};
pub use scan::{Counts, Rules, Scan, ScanError, Scanned};
pub use trust::Margins;
