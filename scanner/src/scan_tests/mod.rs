//! Whole scans of a file system in memory, with edits and errors injected at exact operations.

mod changes;
mod errors;
mod filters;
mod gone;
mod reading;
mod world;
