//! Whole scans of a file system in memory, with edits and errors injected at exact operations.

mod changes;
mod errors;
mod evidence;
mod explaining;
mod filters;
mod gone;
mod habits;
mod mounts;
mod patience;
mod reading;
mod recording;
mod scrubbing;
mod settling;
mod world;
