//! `config show`: the settings that hold, as a configuration file that would give the same, and where each is from.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::key::{Key, Scope};
use super::layer::{Given, decide};
use super::typed::Typed;
use super::value::{Shape, Value};
use super::{MirrorSettings, all_keys};

impl Typed {
    /// Every setting that holds, as TOML; with `origin`, where each comes from, as comments.
    pub(crate) fn show(&self, origin: bool) -> String {
        let table = |scopes: &[Scope]| {
            let keys = all_keys().filter(|key| scopes.contains(&key.scope));
            keys.map(|key| line(key, self.decide(key).as_ref(), origin)).collect::<String>()
        };
        let mut shown = table(&[Scope::Top, Scope::Mirror]);
        shown.push_str("\n[receive]\n");
        shown.push_str(&table(&[Scope::Receive]));
        for mirror in &self.file.mirrors {
            shown.push_str("\n[[mirror]]\n");
            let lines = MirrorSettings::KEYS.iter().map(|key| (key, decide(key, &self.for_mirror(mirror))));
            shown.extend(lines.map(|(key, given)| line(key, given.as_ref(), origin)));
        }
        shown
    }
}

/// One setting; a comment where it is not set.
fn line(key: &Key, given: Option<&Given>, origin: bool) -> String {
    match given {
        None => format!("# {} is not set\n", key.name),
        Some(given) if origin => {
            format!("{} = {}  # {}\n", key.name, toml(key.shape, &given.words), given.origin.describe(key))
        }
        Some(given) => format!("{} = {}\n", key.name, toml(key.shape, &given.words)),
    }
}

/// Words as the TOML value that means them. A path that is not UTF-8 is escaped: TOML cannot hold it.
fn toml(shape: Shape, words: &[OsString]) -> String {
    let text = |word: &OsString| match word.to_str() {
        Some(text) => toml::Value::from(text).to_string(),
        None => toml::Value::from(protocol::escape(word.as_bytes())).to_string(),
    };
    match (shape, words) {
        (Shape::Timetable, [word]) => text(word),
        (Shape::List | Shape::Timetable, words) => {
            format!("[{}]", words.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        (Shape::Switch, words) => bool::read(words).unwrap_or_default().to_string(),
        (Shape::Count | Shape::Number, [word]) => word.to_str().unwrap_or_default().to_owned(),
        (_, words) => words.iter().map(text).collect(),
    }
}
