//! From TOML to layers: each key is looked up in the table of settings, each value checked where it stands.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigFile;
use crate::settings::all_keys;
use crate::settings::key::{Key, Scope};
use crate::settings::layer::{Layer, Origin};
use crate::settings::mistake::{Mistake, Mistakes};
use crate::settings::value::{Paths, Shape};

/// How alike an unknown key must be to one that exists, to be suggested (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// Reads the text of a configuration file. Relative paths in it are relative to its directory, `~/` is `home`.
///
/// # Errors
/// Everything in it that cannot be meant so.
pub(crate) fn parse(path: &Path, text: &str, home: Option<&Path>) -> Result<ConfigFile, Mistakes> {
    let mut reader = Reader { path: path.into(), text, home, mistakes: Vec::new() };
    let document = DeTable::parse(text).map_err(|error| reader.syntax(&error))?;
    let file = reader.file(document.get_ref());
    reader.mistakes.sort_by_key(|(line, _)| *line);
    Mistakes::check(reader.mistakes.into_iter().map(|(_, mistake)| mistake).collect())?;
    Ok(file)
}

struct Reader<'a> {
    path: Arc<Path>,
    text: &'a str,
    home: Option<&'a Path>,
    /// Each with its line, since tables are not read in the order of lines.
    mistakes: Vec<(usize, Mistake)>,
}

impl Reader<'_> {
    fn file(&mut self, document: &DeTable<'_>) -> ConfigFile {
        let mut file = ConfigFile { path: Some(self.path.to_path_buf()), ..ConfigFile::default() };
        for (name, value) in document {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("receive", DeValue::Table(table)) => file.receive = self.table(table, &[Scope::Receive]),
                ("mirror", DeValue::Array(tables)) => {
                    file.mirrors = tables.iter().map(|table| self.mirror(table)).collect();
                }
                _ => self.setting(&mut file.top, name, value, &[Scope::Top, Scope::Mirror]),
            }
        }
        file
    }

    fn mirror(&mut self, value: &Spanned<DeValue<'_>>) -> Layer {
        let line = self.line(value.span());
        let DeValue::Table(table) = value.get_ref() else {
            let message = "each [[mirror]] must be a table".to_owned();
            self.mistakes.push((line, Mistake::Syntax { path: self.path.to_path_buf(), line, message }));
            return Layer::default();
        };
        if !table.contains_key("source") {
            let message = "this [[mirror]] has no `source`".to_owned();
            self.mistakes.push((line, Mistake::Syntax { path: self.path.to_path_buf(), line, message }));
        }
        self.table(table, &[Scope::Mirror, Scope::OneMirror])
    }

    fn table(&mut self, table: &DeTable<'_>, scopes: &[Scope]) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in table {
            self.setting(&mut layer, name, value, scopes);
        }
        layer
    }

    fn setting(
        &mut self,
        layer: &mut Layer,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
        scopes: &[Scope],
    ) {
        let line = self.line(name.span());
        let name = name.get_ref().as_ref();
        let Some(key) = all_keys().find(|key| key.name == name && scopes.contains(&key.scope)) else {
            return self.mistakes.push((line, self.unknown(name, line, scopes)));
        };
        let origin = Origin::File { path: Arc::clone(&self.path), line };
        let outcome = match words(key.shape, value.get_ref()) {
            Some(words) => layer.put(key, words.into_iter().map(|word| self.anchored(key, word)).collect(), origin),
            None => Err(Mistake::unfit(key, &origin, &found(value.get_ref()))),
        };
        self.mistakes.extend(outcome.err().map(|mistake| (line, mistake)));
    }

    fn unknown(&self, name: &str, line: usize, scopes: &[Scope]) -> Mistake {
        let suggestion = match all_keys().find(|key| key.name == name) {
            Some(key) => Some(format!(" here: it belongs {}", place(key.scope))),
            None => most_alike(name, scopes).map(|name| format!("; did you mean `{name}`?")),
        };
        Mistake::UnknownKey { path: self.path.to_path_buf(), line, key: protocol::escape(name.as_bytes()), suggestion }
    }

    /// A path as it is meant: relative to the file's directory, or to the user's home.
    fn anchored(&self, key: &Key, word: OsString) -> OsString {
        let is_url = word.as_bytes().windows(3).any(|bytes| bytes == b"://");
        match key.paths {
            Paths::Never => word,
            Paths::UnlessUrl if is_url => word,
            Paths::Always | Paths::UnlessUrl if word.is_empty() => word,
            Paths::Always | Paths::UnlessUrl => self.anchored_path(Path::new(&word)).into_os_string(),
        }
    }

    fn anchored_path(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => self.path.parent().unwrap_or(Path::new("")).join(path),
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> Mistake {
        let line = self.line(error.span().unwrap_or(0..0));
        Mistake::Syntax { path: self.path.to_path_buf(), line, message: error.message().replace('\n', ", ") }
    }

    fn line(&self, span: Range<usize>) -> usize {
        self.text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count() + 1
    }
}

/// The words of a value; nothing if its TOML type is not the one that this shape is written as.
fn words(shape: Shape, value: &DeValue<'_>) -> Option<Vec<OsString>> {
    match (shape, value) {
        (Shape::Switch, DeValue::Boolean(value)) => Some(vec![value.to_string().into()]),
        (Shape::Count | Shape::Number, DeValue::Integer(value)) => Some(vec![value.to_string().into()]),
        (Shape::Text, DeValue::String(value)) => Some(vec![value.as_ref().into()]),
        (Shape::Word, DeValue::String(value)) => Some(vec![value.as_ref().into()]),
        (Shape::Word, DeValue::Integer(value)) => Some(vec![value.to_string().into()]),
        (Shape::List, DeValue::Array(values)) => values.iter().map(|value| one_string(value.get_ref())).collect(),
        (Shape::Timetable, DeValue::String(value)) => Some(vec![value.as_ref().into()]),
        (Shape::Timetable, DeValue::Array(values)) => {
            values.iter().map(|value| one_string(value.get_ref()).or_else(|| span(value.get_ref()))).collect()
        }
        _ => None,
    }
}

fn one_string(value: &DeValue<'_>) -> Option<OsString> {
    match value {
        DeValue::String(word) => Some(word.as_ref().into()),
        _ => None,
    }
}

/// `{ from = "08:00", to = "18:00", rate = "2MiB" }` as the word `08:00-18:00 2MiB`.
fn span(value: &DeValue<'_>) -> Option<OsString> {
    let DeValue::Table(table) = value else { return None };
    let text = |name: &str| match table.get(name)?.get_ref() {
        DeValue::String(text) => Some(text.as_ref()),
        _ => None,
    };
    let word = format!("{}-{} {}", text("from")?, text("to")?, text("rate")?);
    (table.len() == 3).then(|| word.into())
}

/// A value of the wrong type, as an error shows it.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string \"{}\"", protocol::escape(text.as_bytes())),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(moment) => format!("the time {moment}"),
        DeValue::Array(_) => "a list of something else".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn place(scope: Scope) -> &'static str {
    match scope {
        Scope::Top => "at the top of the file",
        Scope::Mirror => "at the top of the file, or in a [[mirror]]",
        Scope::OneMirror => "in a [[mirror]]",
        Scope::Receive => "in [receive]",
    }
}

fn most_alike(name: &str, scopes: &[Scope]) -> Option<&'static str> {
    let tables = ["receive", "mirror"].into_iter().filter(|_| scopes.contains(&Scope::Top));
    let keys = all_keys().filter(|key| scopes.contains(&key.scope)).map(|key| key.name);
    let ranked = keys.chain(tables).map(|known| (strsim::jaro_winkler(name, known), known));
    ranked.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
