//! Manual pages, made from the same declarations as the help.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Cli;
use crate::exit::Exit;
use crate::settings::all_keys;

/// One page.
#[derive(Debug)]
pub(crate) struct ManPage {
    /// Its file name, such as `roundsman-scan.1`.
    pub(crate) file_name: String,
    /// Its text, in roff.
    pub(crate) roff: Vec<u8>,
}

/// The page of the program, then those of its commands.
///
/// # Errors
/// Never: they are made in memory.
pub(crate) fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, "roundsman", &mut pages)?;
    if let Some(first) = pages.first_mut() {
        first.roff.extend_from_slice(environment_section().as_bytes());
        first.roff.extend_from_slice(exit_section().as_bytes());
    }
    Ok(pages)
}

fn add_pages(command: &clap::Command, name: &str, pages: &mut Vec<ManPage>) -> io::Result<()> {
    let mut roff = Vec::new();
    Man::new(command.clone()).title(name).render(&mut roff)?;
    if name == "roundsman-scan" {
        roff.extend_from_slice(exit_section().as_bytes());
    }
    pages.push(ManPage { file_name: format!("{name}.1"), roff });
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add_pages(below, &format!("{name}-{}", below.get_name()), pages)?;
    }
    Ok(())
}

fn environment_section() -> String {
    let entries = all_keys().map(|key| format!(".TP\n{}\n{}\n", key.variable(), plain(key.why)));
    format!(".SH ENVIRONMENT\n{}", entries.collect::<String>())
}

fn exit_section() -> String {
    let entries = Exit::ALL.iter().map(|exit| format!(".TP\n{}\n{}\n", exit.code(), plain(exit.meaning())));
    format!(".SH \"EXIT STATUS\"\n{}", entries.collect::<String>())
}

/// Text that roff does not take for a request or a hyphenation hint.
fn plain(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_scan_tells_its_exit_codes() {
        let pages = man_pages().expect("made in memory");
        let names: Vec<_> = pages.iter().map(|page| page.file_name.as_str()).collect();
        for name in ["roundsman.1", "roundsman-scan.1", "roundsman-client-add.1", "roundsman-config-show.1"] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        let scan = pages.iter().find(|page| page.file_name == "roundsman-scan.1").expect("exists");
        assert!(String::from_utf8_lossy(&scan.roff).contains(".TP\n25\n"));
    }
}
