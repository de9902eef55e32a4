//! The configuration file: where it lies, and how its text becomes layers of settings.
//!
//! Every mistake in it is reported at once, each with its line; a file with a mistake is not used at all.

mod reader;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::settings::environment::Environment;
use crate::settings::layer::Layer;
use crate::settings::mistake::{Mistake, Mistakes};

pub(crate) use reader::parse;

/// Where the administrator's configuration lies.
const SYSTEM_WIDE: &str = "/etc/roundsman/config.toml";
/// Longer files are no configuration files.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a configuration file says.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// Where it lies; nothing if there is none.
    pub(crate) path: Option<PathBuf>,
    /// The keys at its top.
    pub(crate) top: Layer,
    /// Its `[receive]`.
    pub(crate) receive: Layer,
    /// Its `[[mirror]]` tables in their order; each has a source.
    pub(crate) mirrors: Vec<Layer>,
}

/// The variable that names a configuration file.
const VARIABLE: &str = "ROUNDSMAN_CONFIG";

/// Reads the file that was named, by flag or variable, else the user's, else the administrator's, else nothing.
///
/// # Errors
/// The named file does not exist, one cannot be read, or something in it cannot be meant so.
pub(crate) fn read(named: Option<&Path>, environment: &Environment) -> Result<ConfigFile, Mistakes> {
    let named = named.or_else(|| environment.get(VARIABLE).map(Path::new));
    let user = environment.config_home().map(|home| home.join("roundsman/config.toml"));
    let usual = user.into_iter().chain([PathBuf::from(SYSTEM_WIDE)]);
    let candidates: Vec<PathBuf> = match named {
        Some(path) => vec![path.to_owned()],
        None => usual.collect(),
    };
    for path in candidates {
        match text_of(&path) {
            Ok(text) => return parse(&path, &text, environment.home()),
            Err(error) if named.is_none() && is_absent(&error) => {}
            Err(error) => return Err(Mistake::Unreadable { path, reason: error.to_string() }.into()),
        }
    }
    Ok(ConfigFile::default())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_BYTES) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
