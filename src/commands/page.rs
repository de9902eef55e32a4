//! `roundsman man` and `roundsman completions`: pages made from the command line's own declarations.

use std::fs;
use std::path::Path;

use clap_complete::Shell;

use crate::args::{completions as script, man_pages};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::route::shown;

/// Prints the program's page, or writes those of all commands into a directory.
pub(crate) fn man(directory: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
    let pages = man_pages()?;
    match directory {
        None => pages.first().into_iter().for_each(|page| output.data(&page.roff)),
        Some(directory) => {
            for page in pages {
                let path = directory.join(&page.file_name);
                fs::write(&path, &page.roff)
                    .map_err(|error| Failure::usage(format!("cannot write {}: {error}", shown(&path))))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell, output: &Output) -> Exit {
    output.data(&script(shell));
    Exit::Done
}
