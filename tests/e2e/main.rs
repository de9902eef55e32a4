//! End to end: the real command, a real receiver on port 0, real trees.
#![allow(clippy::disallowed_methods)] // Processes are watched from outside here, in real time.

mod support;

mod accounts;
mod bad_input;
mod changes;
mod clones;
mod configuration;
mod copies;
mod crashes;
mod cron;
mod cuts;
mod cycles;
mod delivery;
mod filesystems;
mod full;
mod held;
mod history;
mod injected;
mod kept;
mod kills;
mod local;
mod looking;
mod loops;
mod matrix;
mod meddling;
mod memory;
mod moves;
mod moving;
mod names;
mod plans;
mod restore;
mod rewrites;
mod roots;
mod safety;
mod service;
mod sharing;
mod sparse;
mod status;
mod terminal;
mod timing;
mod undo;
mod verifying;
