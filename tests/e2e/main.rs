//! End to end: the real command, a real receiver on port 0, real trees.

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
