//! How it is typed what a receiver keeps: `30d` or `forever`, `50GiB` or `any`, and `laptop=90d` for one client.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use protocol::ClientName;
use receiver::{Keeping, Retention, Retentions};

use super::KeepingSettings;
use super::sizes::bytes;
use super::value::{Shape, Value, one_text};

/// Longer spans are typing errors; `forever` says what is meant.
const MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How long old versions are kept; nothing for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep(Option<Duration>);

/// How many bytes old versions of a client may take; nothing for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepSize(Option<u64>);

/// How many bytes stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MinFree(u64);

/// What one client has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfClient<T>(ClientName, T);

impl Keep {
    fn parse(text: &str) -> Option<Self> {
        if text == "forever" {
            return Some(Self(None));
        }
        let span = humantime::parse_duration(text).ok().filter(|span| *span <= MAX)?;
        Some(Self(Some(span)))
    }
}

impl KeepSize {
    fn parse(text: &str) -> Option<Self> {
        if text == "any" { Some(Self(None)) } else { bytes(text).map(|bytes| Self(Some(bytes))) }
    }
}

impl Value for Keep {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a duration such as `30d`, `1y` or `12h`, or `forever`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["90d", "forever"];

    fn read(words: &[OsString]) -> Option<Self> {
        Self::parse(one_text(words)?)
    }
}

impl Value for KeepSize {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a size such as `50GiB`, or `any`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["50GiB", "1TB"];

    fn read(words: &[OsString]) -> Option<Self> {
        Self::parse(one_text(words)?)
    }
}

impl Value for MinFree {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a size such as `64MiB` or `10GB`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["1GiB", "0"];

    fn read(words: &[OsString]) -> Option<Self> {
        bytes(one_text(words)?).map(Self)
    }
}

/// `CLIENT=VALUE`, each client once.
fn of_clients<T>(words: &[OsString], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<OfClient<T>>> {
    let one = |word: &OsString| {
        let (client, value) = word.to_str()?.split_once('=')?;
        Some(OfClient(ClientName::parse(client.trim()).ok()?, parse(value.trim())?))
    };
    let all: Vec<OfClient<T>> = words.iter().map(one).collect::<Option<_>>()?;
    let names: std::collections::BTreeSet<&ClientName> = all.iter().map(|of| &of.0).collect();
    (names.len() == all.len()).then_some(all)
}

impl Value for Vec<OfClient<Keep>> {
    const SHAPE: Shape = Shape::List;
    const EXPECTED: &'static str = "a client and a duration such as `laptop=90d`, each client once";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["laptop=90d", "desk=forever"];

    fn read(words: &[OsString]) -> Option<Self> {
        of_clients(words, Keep::parse)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Value for Vec<OfClient<KeepSize>> {
    const SHAPE: Shape = Shape::List;
    const EXPECTED: &'static str = "a client and a size such as `laptop=50GiB`, each client once";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["laptop=50GiB", "desk=any"];

    fn read(words: &[OsString]) -> Option<Self> {
        of_clients(words, KeepSize::parse)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl KeepingSettings {
    /// What a receiver that goes by these keeps.
    pub(crate) fn keeping(&self) -> Keeping {
        Keeping { history: Some(self.retentions()), min_free: self.min_free.0 }
    }

    /// What holds for each client.
    fn retentions(&self) -> Retentions {
        let keep_of = self.client_keep.iter().map(|OfClient(client, Keep(keep))| (client.clone(), *keep));
        let sizes = self.client_keep_size.iter();
        let keep_size_of = sizes.map(|OfClient(client, KeepSize(size))| (client.clone(), *size));
        Retentions {
            usual: Retention { keep: self.keep.0, keep_size: self.keep_size.0 },
            keep_of: keep_of.collect::<BTreeMap<_, _>>(),
            keep_size_of: keep_size_of.collect::<BTreeMap<_, _>>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_span_is_a_duration_or_for_ever() {
        let read = |word: &str| Keep::read(&words(&[word]));
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(
            [read("30d"), read("forever"), read("0s")],
            [30, -1, 0].map(|days| { Some(Keep(u32::try_from(days).ok().map(|days| day * days))) })
        );
        for bad in ["", "30", "-1d", "never", "1000y"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_client_is_said_once_and_has_its_own() {
        let settings = KeepingSettings {
            keep: Keep(None),
            keep_size: KeepSize(None),
            client_keep: Value::read(&words(&["a=1d", "b=forever"])).expect("two clients"),
            client_keep_size: Value::read(&words(&["a=5GB"])).expect("one"),
            min_free: MinFree(7),
        };
        let name = |text| ClientName::parse(text).expect("a valid name");
        let retentions = settings.retentions();
        assert_eq!(retentions.of(&name("a")).keep, Some(Duration::from_secs(86_400)));
        assert_eq!(retentions.of(&name("a")).keep_size, Some(5_000_000_000));
        assert_eq!(retentions.of(&name("b")), Retention::FOR_EVER);
        for bad in [&["a=1d", "a=2d"][..], &["a"], &["=1d"], &["A B=1d"], &["a=x"]] {
            assert_eq!(<Vec<OfClient<Keep>>>::read(&words(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn the_default_is_what_the_receiver_takes_by_itself() {
        let key = KeepingSettings::KEYS.iter().find(|key| key.name == "keep").expect("it is a key");
        assert_eq!(Keep::read(&[key.default.into()]), Some(Keep(Some(Retention::USUAL_KEEP))));
        let key = KeepingSettings::KEYS.iter().find(|key| key.name == "min_free").expect("it is a key");
        assert_eq!(MinFree::read(&[key.default.into()]), Some(MinFree(Keeping::USUAL_MIN_FREE)));
    }
}
