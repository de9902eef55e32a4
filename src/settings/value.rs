//! [`Value`]: what a setting can be, and how it is read from the words that somebody typed.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use protocol::MirrorName;
use scanner::Limit;
use uploader::Address;

/// How a setting is written: decides the form of its flag and the type of its TOML value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `--quiet`, `quiet = true`
    Switch,
    /// `-vv`, `verbose = 2`
    Count,
    /// `--transfers 4`, `transfers = 4`
    Number,
    /// `--to DIR`, `to = "DIR"`
    Text,
    /// `--compression-level 3`, `compression_level = "auto"` or `= 3`
    Word,
    /// `--limit-rate 10MiB`, `limit_rate = "10MiB"` or `= [{ from = "08:00", to = "18:00", rate = "2MiB" }]`
    Timetable,
    /// `--exclude A --exclude B`, `exclude = ["A", "B"]`, one a line in a variable
    List,
}

/// Whether the words of a setting are paths: in a configuration file those are relative to its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    /// They are not.
    Never,
    /// They are.
    Always,
    /// They are unless they hold `://`.
    UnlessUrl,
}

/// The type of a setting.
pub(crate) trait Value: Sized {
    /// How it is written.
    const SHAPE: Shape;
    /// What to type: the end of a sentence that begins with "expected".
    const EXPECTED: &'static str;
    /// Whether its words are paths.
    const PATHS: Paths = Paths::Never;
    /// Two different values.
    #[cfg(test)]
    const SAMPLES: [&'static str; 2];

    /// Reads it; nothing if the words are no value of this type.
    fn read(words: &[OsString]) -> Option<Self>;

    /// What stands where nobody said anything and there is no default; nothing if it must be said.
    fn absent() -> Option<Self> {
        None
    }
}

/// The only word, as text.
pub(crate) fn one_text(words: &[OsString]) -> Option<&str> {
    one_word(words)?.to_str()
}

fn one_word(words: &[OsString]) -> Option<&OsStr> {
    match words {
        [word] if !word.is_empty() => Some(word),
        _ => None,
    }
}

impl Value for bool {
    const SHAPE: Shape = Shape::Switch;
    const EXPECTED: &'static str = "`true` or `false`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["true", "false"];

    fn read(words: &[OsString]) -> Option<Self> {
        match one_text(words)? {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }
}

impl Value for u8 {
    const SHAPE: Shape = Shape::Count;
    const EXPECTED: &'static str = "a number such as `1`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["1", "2"];

    fn read(words: &[OsString]) -> Option<Self> {
        one_text(words)?.parse().ok()
    }
}

/// How many of something work at once: 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AtOnce(usize);

impl AtOnce {
    /// Most threads, and most requests at once.
    pub(crate) const MAX: usize = 64;

    /// The number.
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl Value for AtOnce {
    const SHAPE: Shape = Shape::Number;
    const EXPECTED: &'static str = "a whole number from 1 to 64";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["3", "5"];

    fn read(words: &[OsString]) -> Option<Self> {
        let number = one_text(words)?.parse().ok()?;
        (1..=Self::MAX).contains(&number).then_some(Self(number))
    }
}

impl Value for PathBuf {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a path";
    const PATHS: Paths = Paths::Always;
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["/one", "/two"];

    fn read(words: &[OsString]) -> Option<Self> {
        let word = one_word(words)?;
        (!word.as_bytes().contains(&0)).then(|| Self::from(word))
    }
}

/// Where a mirror is to lie: at a receiver, or below a local data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    /// The address of a receiver. Whether it may be reached without TLS is another setting.
    Url(Address),
    /// A data directory on this machine.
    Directory(PathBuf),
}

impl Value for To {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str =
        "a directory, or the URL of a receiver such as `https://backup.example:7373` (never with a token in it)";
    const PATHS: Paths = Paths::UnlessUrl;
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["/data", "http://127.0.0.1:7373"];

    fn read(words: &[OsString]) -> Option<Self> {
        match one_text(words).filter(|text| text.contains("://")) {
            Some(url) => Address::parse(url, true).ok().map(Self::Url),
            None => PathBuf::read(words).map(Self::Directory),
        }
    }
}

impl Value for MirrorName {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a name without `/` and control characters, other than `.`, `..` and `.roundsman`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["photos", "mail"];

    fn read(words: &[OsString]) -> Option<Self> {
        Self::parse(one_word(words)?.as_bytes()).ok()
    }
}

impl Value for SocketAddr {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "an IP address and a port such as `127.0.0.1:7373` or `[::]:7373`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["127.0.0.1:1", "[::1]:2"];

    fn read(words: &[OsString]) -> Option<Self> {
        let text = one_text(words)?;
        match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}").parse().ok(),
            None => text.parse().ok(),
        }
    }
}

impl Value for Limit {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a number of files such as `1000`, or a share of them such as `50%`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["1000", "2.5%"];

    fn read(words: &[OsString]) -> Option<Self> {
        one_text(words)?.parse().ok()
    }
}

impl Value for Vec<String> {
    const SHAPE: Shape = Shape::List;
    const EXPECTED: &'static str = "a list of patterns in gitignore syntax, such as `[\"*.tmp\", \"cache/\"]`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["*.tmp", "cache/"];

    fn read(words: &[OsString]) -> Option<Self> {
        words.iter().map(|word| Some(word.to_str()?.to_owned())).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Value for Vec<PathBuf> {
    const SHAPE: Shape = Shape::List;
    const EXPECTED: &'static str = "a list of paths";
    const PATHS: Paths = Paths::Always;
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["/one", "/two"];

    fn read(words: &[OsString]) -> Option<Self> {
        words.iter().map(|word| PathBuf::read(std::slice::from_ref(word))).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Value> Value for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const EXPECTED: &'static str = T::EXPECTED;
    const PATHS: Paths = T::PATHS;
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = T::SAMPLES;

    fn read(words: &[OsString]) -> Option<Self> {
        T::read(words).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(word: &str) -> Option<T> {
        T::read(&[OsString::from(word)])
    }

    #[test]
    fn a_destination_is_a_url_or_a_directory() {
        assert_eq!(read("../demo"), Some(To::Directory("../demo".into())));
        assert!(matches!(read("https://h:1/x"), Some(To::Url(address)) if address.to_string() == "https://h:1/x"));
        for bad in ["", "ftp://h", "http://", "https://user:secret@h", "https://h?token=x"] {
            assert_eq!(read::<To>(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_need_not_be_utf8() {
        let word = OsStr::from_bytes(b"/a\xff").to_owned();
        assert_eq!(PathBuf::read(std::slice::from_ref(&word)), Some(PathBuf::from(&word)));
        assert_eq!(To::read(std::slice::from_ref(&word)), Some(To::Directory(word.into())));
    }

    #[test]
    fn how_many_at_once_has_bounds() {
        assert_eq!(read::<AtOnce>("64").map(AtOnce::get), Some(64));
        for bad in ["0", "65", "-1", "many", "4.5"] {
            assert_eq!(read::<AtOnce>(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_to_listen_on_is_numbers_or_localhost() {
        assert_eq!(read::<SocketAddr>("localhost:0"), "127.0.0.1:0".parse().ok());
        for bad in ["localhost", "7373", "example.org:80", "127.0.0.1:99999"] {
            assert_eq!(read::<SocketAddr>(bad), None, "{bad}");
        }
    }
}
