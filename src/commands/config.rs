//! `roundsman config`: is the configuration right, and what holds?

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::settings::Typed;
use crate::settings::mistake::Mistake;

/// Everything in the configuration can be meant so: the file, the variables and every `[[mirror]]`.
pub(crate) fn check(typed: &Typed, output: &Output) -> Result<Exit, Failure> {
    typed.output()?;
    typed.client()?;
    let mirrors = match typed.mirrors() {
        Err(Mistake::NoMirror) => 0,
        mirrors => mirrors?.len(),
    };
    let file = typed.config_path().map_or_else(|| "no configuration file".to_owned(), crate::route::shown);
    output.data(format!("{file}: right, {mirrors} mirrors\n").as_bytes());
    Ok(Exit::Done)
}

/// Prints what holds, and where each setting comes from.
pub(crate) fn show(typed: &Typed, origin: bool, output: &Output) -> Result<Exit, Failure> {
    output.data(typed.show(origin).as_bytes());
    Ok(Exit::Done)
}
