//! The command `roundsman`: arguments, configuration, one round told top to bottom, output, exit codes.
//!
//! No rule worth a unit test of its own lives here: what differs is decided in `scanner`, what is sent in `uploader`,
//! what is applied in `receiver`.

mod ledger;
mod meter;
pub mod round;
mod source_contents;
