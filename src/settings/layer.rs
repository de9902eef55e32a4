//! [`Layer`]: the settings that one origin gave. Layers lie over each other; the first that has a key decides.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::environment::Environment;
use super::key::Key;
use super::mistake::Mistake;
use super::value::{Shape, Value};
use crate::route::shown;

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// A variable.
    Environment,
    /// A configuration file.
    File {
        /// Which.
        path: Arc<Path>,
        /// The line, from 1.
        line: usize,
    },
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// In words, for people who wonder where a value comes from.
    pub(crate) fn describe(&self, key: &Key) -> String {
        match self {
            Self::Flag => format!("flag {}", key.flag_name()),
            Self::Environment => format!("environment {}", key.variable()),
            Self::File { path, line } => format!("file {}:{line}", shown(path)),
            Self::Default => "default".to_owned(),
        }
    }
}

/// A setting as it was given; a value of its key's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// What was typed: one word, or those of a list.
    pub(crate) words: Vec<OsString>,
    /// Where.
    pub(crate) origin: Origin,
}

/// What one origin gave. Holds checked values only, so that a mistake shows even where another layer decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layer(BTreeMap<&'static str, Given>);

impl Layer {
    /// Adds a setting.
    ///
    /// # Errors
    /// The words are no value of the key's type.
    pub(crate) fn put(&mut self, key: &Key, words: Vec<OsString>, origin: Origin) -> Result<(), Mistake> {
        if !(key.accepts)(&words) {
            return Err(Mistake::unfit(key, &origin, &quoted(&words)));
        }
        self.0.insert(key.name, Given { words, origin });
        Ok(())
    }

    /// What it says of a key.
    pub(crate) fn get(&self, key: &Key) -> Option<&Given> {
        self.0.get(key.name)
    }

    /// The settings in variables; those of a list one a line.
    ///
    /// # Errors
    /// The first that is no value of its key's type.
    pub(crate) fn from_environment(
        keys: impl Iterator<Item = &'static Key>,
        from: &Environment,
    ) -> Result<Self, Mistake> {
        let mut layer = Self::default();
        for key in keys {
            if let Some(value) = from.get(&key.variable()) {
                let words = if matches!(key.shape, Shape::List | Shape::Timetable) {
                    lines(value)
                } else {
                    vec![value.to_owned()]
                };
                layer.put(key, words, Origin::Environment)?;
            }
        }
        Ok(layer)
    }
}

fn lines(value: &std::ffi::OsStr) -> Vec<OsString> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let lines = value.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| OsString::from_vec(line.to_vec())).collect()
}

/// Words as an error shows them.
fn quoted(words: &[OsString]) -> String {
    use std::os::unix::ffi::OsStrExt;
    let shown: Vec<_> = words.iter().map(|word| format!("`{}`", protocol::escape(word.as_bytes()))).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

/// What decides a key: the first layer that has it, else its default; nothing where there is none.
pub(crate) fn decide(key: &Key, layers: &[&Layer]) -> Option<Given> {
    let default = || Some(Given { words: key.default_words(), origin: Origin::Default });
    let given = layers.iter().find_map(|layer| layer.get(key)).cloned();
    given.or_else(default).filter(|given| !given.words.is_empty() || given.origin != Origin::Default)
}

/// The value of a key.
///
/// # Errors
/// Nobody gave it, and it cannot be left out.
pub(crate) fn resolve<T: Value>(key: &Key, layers: &[&Layer]) -> Result<T, Mistake> {
    let value = match decide(key, layers) {
        Some(given) => T::read(&given.words),
        None => T::absent(),
    };
    value.ok_or(Mistake::Missing { key: key.name, flag: key.flag_name() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::MirrorSettings;

    fn exclude() -> &'static Key {
        MirrorSettings::KEYS.iter().find(|key| key.name == "exclude").expect("is in the table")
    }

    #[test]
    fn a_list_in_a_variable_is_one_a_line() {
        let environment = Environment::from_iter([("ROUNDSMAN_EXCLUDE", "*.tmp\n\ncache dir/,x\n")]);
        let layer = Layer::from_environment([exclude()].into_iter(), &environment).expect("is valid");
        assert_eq!(layer.get(exclude()).expect("was given").words, ["*.tmp", "cache dir/,x"]);
    }

    #[test]
    fn an_empty_list_is_a_value_and_overrides_what_lies_below() {
        let (mut upper, mut lower) = (Layer::default(), Layer::default());
        upper.put(exclude(), Vec::new(), Origin::Flag).expect("is valid");
        lower.put(exclude(), vec!["*.tmp".into()], Origin::Environment).expect("is valid");
        assert_eq!(resolve::<Vec<String>>(exclude(), &[&upper, &lower]).expect("is valid"), Vec::<String>::new());
    }
}
