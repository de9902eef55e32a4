//! [`PastSettings`]: where a mirror's past is read. The same keys say it that say where a round goes, but `from` over `to`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use protocol::MirrorName;

use super::key::Key;
use super::layer::{self, Layer};
use super::mistake::Mistake;
use super::typed::Typed;
use super::value::{AtOnce, To, Value};
use super::{MirrorSettings, RestoreSettings};
use crate::duration::RetryFor;

/// Where a mirror's past is read, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastSettings {
    /// Who keeps it.
    pub(crate) from: To,
    /// The mirror's name, where it was said.
    pub(crate) mirror: Option<MirrorName>,
    /// The source of the `[[mirror]]` that is meant, where one is.
    pub(crate) source: Option<PathBuf>,
    /// The file that holds this client's token.
    pub(crate) token_file: Option<PathBuf>,
    /// How long to keep trying.
    pub(crate) retry_for: RetryFor,
    /// How many files to fetch at a time.
    pub(crate) transfers: AtOnce,
}

impl Typed {
    /// Where a mirror's past is read.
    ///
    /// # Errors
    /// Nothing says where, or everybody on the way could listen.
    pub(crate) fn past(&self) -> Result<PastSettings, Mistake> {
        let nothing = Layer::default();
        let layers = self.for_mirror(self.meant_table().unwrap_or(&nothing));
        let from: Option<To> = value("from", &layers)?;
        let missing = |_| Mistake::Missing { key: "from", flag: "--from".to_owned() };
        let from = from.map_or_else(|| value("to", &layers).map_err(missing), Ok)?;
        if let To::Url(url) = &from
            && url.is_plaintext()
            && !url.is_loopback()
            && !value("allow_plaintext", &layers)?
        {
            return Err(Mistake::Plaintext { url: url.to_string() });
        }
        Ok(PastSettings {
            from,
            mirror: value("mirror", &layers)?,
            source: value::<Option<PathBuf>>("source", &layers)?,
            token_file: value("token_file", &layers)?,
            retry_for: value("retry_for", &layers)?,
            transfers: value("transfers", &layers)?,
        })
    }

    /// What a restore does.
    ///
    /// # Errors
    /// It is not said where to.
    pub(crate) fn restore(&self) -> Result<RestoreSettings, Mistake> {
        RestoreSettings::resolve(&self.over(&self.file.top))
    }

    /// The `[[mirror]]` that is meant: the one of the name that was said, or the only one.
    fn meant_table(&self) -> Option<&Layer> {
        let Some((key, name)) = self.said("mirror") else {
            return <&[Layer; 1]>::try_from(&self.file.mirrors[..]).ok().map(|[only]| only);
        };
        let wanted = name.words.first()?;
        self.file.mirrors.iter().find(|table| match table.get(key) {
            Some(own) => own.words.first() == Some(wanted),
            None => source_name(table) == Some(wanted),
        })
    }
}

fn source_name(table: &Layer) -> Option<&OsStr> {
    Path::new(table.get(key_of("source"))?.words.first()?).file_name()
}

fn key_of(name: &str) -> &'static Key {
    MirrorSettings::KEYS.iter().find(|key| key.name == name).expect("these names are in the table of a mirror")
}

fn value<T: Value>(name: &str, layers: &[&Layer]) -> Result<T, Mistake> {
    layer::resolve(key_of(name), layers)
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
