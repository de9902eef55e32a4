//! End to end: the real command, a real receiver on port 0, real trees.

mod support;

mod bad_input;
mod changes;
mod names;
mod safety;
