//! [`Environment`]: the process's variables as a value, read once, so that nothing deeper asks the system.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Environment variables. Those set to nothing count as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Those of this process.
    pub(crate) fn current() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The user's home directory.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.absolute("HOME")
    }

    /// Where this user's configuration lies.
    pub(crate) fn config_home(&self) -> Option<PathBuf> {
        self.directory("XDG_CONFIG_HOME", ".config")
    }

    /// Where programs keep what should outlive them, for this user.
    pub(crate) fn state_home(&self) -> Option<PathBuf> {
        self.directory("XDG_STATE_HOME", ".local/state")
    }

    fn directory(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.absolute(variable).map(Path::to_owned);
        named.or_else(|| self.home().map(|home| home.join(below_home)))
    }

    /// A relative path in such a variable is invalid, says the XDG specification, and counts as not set.
    fn absolute(&self, name: &str) -> Option<&Path> {
        self.get(name).map(Path::new).filter(|path| path.is_absolute())
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_lies_below_home_unless_xdg_says_otherwise() {
        let home = |extra: &[(&str, &str)]| {
            Environment::from_iter([("HOME", "/h")].iter().chain(extra).copied()).state_home().expect("HOME is set")
        };
        assert_eq!(home(&[]), Path::new("/h/.local/state"));
        assert_eq!(home(&[("XDG_STATE_HOME", "/s")]), Path::new("/s"));
        assert_eq!(home(&[("XDG_STATE_HOME", "s")]), Path::new("/h/.local/state"));
        assert_eq!(Environment::from_iter([("HOME", "")]).state_home(), None);
    }
}
