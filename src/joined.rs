//! [`Joined`]: where this machine became a client, as `roundsman join` writes it down beside the configuration file and
//! every command finds it.
//!
//! The token is shown to nobody but the receiver that gave it: where the configuration or a flag names another one, none
//! of this counts.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seams::random::{self, SystemRandom};
use serde::Deserialize;
use uploader::{Address, Token};

use crate::invite::Invite;
use crate::settings::MirrorSettings;
use crate::settings::environment::Environment;
use crate::settings::key::Key;
use crate::settings::layer::{Layer, Origin};
use crate::settings::mistake::Mistake;
use crate::settings::value::To;

/// The file, and the one with the token, in the directory of the configuration file.
const FILE: &str = "joined.toml";
const TOKEN: &str = "joined.token";
/// Longer files are none of ours.
const MAX_BYTES: u64 = 16 * 1024;

/// A receiver that took this machine in.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Where it is.
    pub(crate) address: Address,
    /// What of the settings follows from that.
    pub(crate) layer: Layer,
}

/// The file, as TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    to: String,
    /// Somebody insisted on plain HTTP when joining.
    #[serde(default)]
    allow_plaintext: bool,
    /// For whoever verifies certificates.
    #[serde(default, rename = "pin")]
    _pin: Option<String>,
}

/// The directory of the configuration file, where this is kept; nothing where this user has none.
pub(crate) fn directory(config: Option<&Path>, from: &Environment) -> Option<PathBuf> {
    let named = config.or_else(|| from.get("ROUNDSMAN_CONFIG").map(Path::new));
    match named {
        // Of a name alone the parent is "", which is no directory to open.
        Some(file) => {
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            Some(parent.unwrap_or(Path::new(".")).to_owned())
        }
        None => from.config_home().map(|home| home.join("roundsman")),
    }
}

impl Joined {
    /// What is written in a directory; nothing if this machine did not join from there.
    ///
    /// # Errors
    /// The file cannot be read, or is none of ours.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, Mistake> {
        let path = directory.join(FILE);
        let text = match text_of(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(Mistake::Unreadable { path, reason: error.to_string() }),
        };
        let none_of_ours = |message: String| Mistake::Syntax { path: path.clone(), line: 1, message };
        let written: Written = toml::from_str(&text).map_err(|error| none_of_ours(error.message().to_owned()))?;
        let address = Address::parse(&written.to, true).map_err(|error| none_of_ours(error.to_string()))?;
        let origin = Origin::File { path: Arc::from(path.as_path()), line: 1 };
        let mut layer = Layer::default();
        layer.put(key("to"), vec![OsString::from(&written.to)], origin.clone())?;
        layer.put(key("token_file"), vec![directory.join(TOKEN).into_os_string()], origin.clone())?;
        if written.allow_plaintext {
            layer.put(key("allow_plaintext"), vec![OsString::from("true")], origin)?;
        }
        Ok(Some(Self { address, layer }))
    }

    /// Whether a destination, if there is one, is this receiver.
    pub(crate) fn is(&self, to: Option<&To>) -> bool {
        to.is_none_or(|to| matches!(to, To::Url(address) if *address == self.address))
    }
}

/// A place for a token, found usable before the secret that it is traded for is spent.
#[derive(Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    draft: PathBuf,
    file: File,
}

impl Place {
    /// Makes the directory, for its owner alone, and an empty file in it.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub(crate) fn prepare(directory: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mark = u128::from_le_bytes(random::id(&SystemRandom));
        let draft = directory.join(format!("{TOKEN}.{mark:032x}.new"));
        let file = new_file(&draft, 0o600)?;
        Ok(Self { directory: directory.to_owned(), draft, file })
    }

    /// Keeps the token (mode 600), then says where it is from, which is no secret. Durable when it returns; where this
    /// ended.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub(crate) fn keep(mut self, token: &Token, invite: &Invite) -> io::Result<PathBuf> {
        writeln!(self.file, "{}", token.secret())?;
        self.file.sync_all()?;
        fs::rename(&self.draft, self.directory.join(TOKEN))?;
        let path = self.directory.join(FILE);
        let mut file = new_file(&self.draft, 0o644)?;
        file.write_all(written(invite).as_bytes())?;
        file.sync_all()?;
        fs::rename(&self.draft, &path)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Renamed into place, or without meaning.
        fs::remove_file(&self.draft).unwrap_or_default();
    }
}

/// A file that nobody else made: a draft never goes through a link, and never keeps somebody's mode.
fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

fn written(invite: &Invite) -> String {
    let pin = invite.pin.map_or_else(String::new, |pin| format!("pin = \"{pin}\"\n"));
    let insists = invite.address.is_plaintext() && !invite.address.is_loopback();
    let insists = if insists { "allow_plaintext = true\n" } else { "" };
    let address = toml::Value::from(invite.address.to_string());
    format!(
        "# Written by `roundsman join`: the receiver that took this machine in. Its token lies beside, in {TOKEN}.\n\
         to = {address}\n{insists}{pin}"
    )
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn key(name: &str) -> &'static Key {
    MirrorSettings::KEYS.iter().find(|key| key.name == name).expect("these names are in the table of a mirror")
}

#[cfg(test)]
#[path = "joined_tests.rs"]
mod tests;
