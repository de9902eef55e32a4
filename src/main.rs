//! The command `roundsman`. What it does is in the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    roundsman::run(std::env::args_os())
}
