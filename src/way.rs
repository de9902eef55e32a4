//! [`Way`]: from where to where the last round went, and what it left out. Kept in the snapshot, so that commands about
//! a mirror need nothing but the state directory.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use protocol::MirrorName;
use scanner::FilterRules;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uploader::Address;

use crate::json_bytes::JsonBytes;
use crate::route::Route;
use crate::settings::MirrorSettings;
use crate::settings::value::To;

/// What a round was asked to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The source; absolute.
    pub(crate) source: PathBuf,
    /// The mirror's name.
    pub(crate) mirror: MirrorName,
    /// Where it lies.
    pub(crate) to: To,
    /// What is left out.
    pub(crate) filter: FilterRules,
    /// Whether to stay on the source's own file system.
    pub(crate) one_file_system: bool,
    /// How long a file must have stood still.
    pub(crate) settle: Duration,
    /// Whether inode numbers are no evidence.
    pub(crate) ignore_inodes: bool,
    /// Whether ctimes are no evidence.
    pub(crate) ignore_ctimes: bool,
}

/// Why a record is no way.
#[derive(Debug, Error)]
pub(crate) enum NoWay {
    /// Not the JSON that [`Way::encode`] writes.
    #[error("what the snapshot says of its source cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A name or address that cannot be.
    #[error("what the snapshot says of its {0} cannot be meant so")]
    Value(&'static str),
}

/// The same in JSON. Fields may be added with a default, never renamed.
#[derive(Serialize, Deserialize)]
struct Record {
    source: JsonBytes,
    mirror: String,
    to: Destination,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    ignore_file: Vec<JsonBytes>,
    #[serde(default)]
    one_file_system: bool,
    #[serde(default)]
    settle_ms: u64,
    #[serde(default)]
    ignore_inodes: bool,
    #[serde(default)]
    ignore_ctimes: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Destination {
    Url(String),
    Directory(JsonBytes),
}

impl Way {
    /// The way of a round with these settings.
    pub(crate) fn of(route: &Route, settings: &MirrorSettings) -> Self {
        Self {
            source: route.source.clone(),
            mirror: route.mirror.clone(),
            to: route.to.clone(),
            filter: FilterRules {
                exclude: settings.exclude.clone(),
                ignore_files: settings.ignore_file.iter().map(absolute).collect(),
                include: settings.include.clone(),
            },
            one_file_system: settings.one_file_system,
            settle: settings.settle.get(),
            ignore_inodes: settings.ignore_inodes,
            ignore_ctimes: settings.ignore_ctimes,
        }
    }

    /// As JSON.
    pub(crate) fn encode(&self) -> String {
        let record = Record {
            source: self.source.as_path().into(),
            mirror: self.mirror.to_string(),
            to: match &self.to {
                To::Url(address) => Destination::Url(address.to_string()),
                To::Directory(data) => Destination::Directory(data.as_path().into()),
            },
            exclude: self.filter.exclude.clone(),
            include: self.filter.include.clone(),
            ignore_file: self.filter.ignore_files.iter().map(|file| file.as_path().into()).collect(),
            one_file_system: self.one_file_system,
            settle_ms: u64::try_from(self.settle.as_millis()).unwrap_or(u64::MAX),
            ignore_inodes: self.ignore_inodes,
            ignore_ctimes: self.ignore_ctimes,
        };
        serde_json::to_string(&record).expect("strings, numbers and lists of these have a JSON form")
    }

    /// What [`Self::encode`] wrote, by this version or an earlier one.
    ///
    /// # Errors
    /// Anything else.
    pub(crate) fn decode(json: &str) -> Result<Self, NoWay> {
        let record: Record = serde_json::from_str(json)?;
        let to = match record.to {
            Destination::Url(url) => To::Url(Address::parse(&url, true).map_err(|_| NoWay::Value("destination"))?),
            Destination::Directory(data) => To::Directory(data.into()),
        };
        Ok(Self {
            source: record.source.into(),
            mirror: MirrorName::parse(record.mirror.as_bytes()).map_err(|_| NoWay::Value("name"))?,
            to,
            filter: FilterRules {
                exclude: record.exclude,
                ignore_files: record.ignore_file.into_iter().map(PathBuf::from).collect(),
                include: record.include,
            },
            one_file_system: record.one_file_system,
            settle: Duration::from_millis(record.settle_ms),
            ignore_inodes: record.ignore_inodes,
            ignore_ctimes: record.ignore_ctimes,
        })
    }

    /// A path of this machine as the mirror knows it: below the source. Nothing if it lies elsewhere; the source itself is
    /// the root.
    pub(crate) fn below(&self, path: &std::path::Path) -> Option<protocol::RelPath> {
        let below = path.strip_prefix(&self.source).ok()?.as_os_str().as_bytes();
        if below.is_empty() { Some(protocol::RelPath::root()) } else { protocol::RelPath::parse(below).ok() }
    }
}

/// The working directory of the round is not that of whoever asks later. One that cannot be told changes nothing.
fn absolute(path: &PathBuf) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.clone())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use protocol::RelPath;

    use super::*;

    fn way() -> Way {
        Way {
            source: OsStr::from_bytes(b"/home/u/caf\xe9").into(),
            mirror: MirrorName::parse(b"photos").expect("valid"),
            to: To::Directory("/mnt/backup".into()),
            filter: FilterRules {
                exclude: vec!["*.tmp".to_owned()],
                ignore_files: vec![OsStr::from_bytes(b"/\xff").into()],
                include: vec!["keep.tmp".to_owned()],
            },
            one_file_system: true,
            settle: Duration::from_secs(5),
            ignore_inodes: true,
            ignore_ctimes: false,
        }
    }

    #[test]
    fn a_way_comes_back_as_it_was_whatever_its_names_and_wherever_it_leads() {
        let to_url = To::Url(Address::parse("http://192.0.2.1:7373", true).expect("valid"));
        for to in [way().to, to_url] {
            let way = Way { to, ..way() };
            assert_eq!(Way::decode(&way.encode()).expect("was encoded"), way);
        }
    }

    #[test]
    fn a_way_of_an_older_version_lacks_settings_and_one_of_nonsense_is_refused() {
        let older = r#"{"source":"/s","mirror":"m","to":{"directory":"/d"}}"#;
        assert_eq!(Way::decode(older).expect("is enough").settle, Duration::ZERO);
        for bad in ["", "{}", r#"{"source":"/s","mirror":"..","to":{"url":"http://h"}}"#] {
            Way::decode(bad).expect_err(bad);
        }
    }

    #[test]
    fn a_path_below_the_source_is_known_by_what_follows_it() {
        let way = Way { source: "/home/u/photos".into(), ..way() };
        assert_eq!(way.below(Path::new("/home/u/photos/a/b")), RelPath::parse(b"a/b").ok());
        assert_eq!(way.below(Path::new("/home/u/photos")), Some(RelPath::root()));
        assert_eq!(way.below(Path::new("/home/u/photos2/a")), None);
    }
}
