//! Every trait through which an engine touches the world: file system, clock, randomness, threads, recorded rows.
//!
//! Each has the real implementation and one in memory that runs from a seed, so that both engines can be run
//! whole in a test. Decisions do not belong here; neither do HTTP and databases.

pub mod clock;
pub mod fs;
pub mod known;
pub mod parallel;
pub mod progress;
pub mod random;
pub mod recorded;
pub mod scratch;
pub mod stretches;

pub mod disk;
pub mod memory;
