//! End to end: the real command, a real receiver on port 0, real trees.
#![allow(clippy::disallowed_methods)] // Processes are watched from outside here, in real time.

mod support;

mod bad_input;
mod changes;
mod configuration;
mod crashes;
mod cron;
mod full;
mod local;
mod loops;
mod moving;
mod names;
mod safety;
mod terminal;
mod timing;
