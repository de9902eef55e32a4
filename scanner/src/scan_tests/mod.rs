//! Whole scans of a file system in memory, with edits and errors injected at exact operations.

mod changes;
mod cutting;
mod errors;
mod evidence;
mod explaining;
mod filters;
mod gone;
mod habits;
mod large;
mod mounts;
mod moved_costs;
mod moved_crafted;
mod moved_directories;
mod moved_edited;
mod moved_evidence;
mod moved_limits;
mod moved_reuse;
mod moved_rounds;
mod moved_storms;
mod patience;
mod reading;
mod recording;
mod rows;
mod scrubbing;
mod settling;
mod world;
