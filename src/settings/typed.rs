//! [`Typed`]: everything that was typed, wherever, and the checked settings that come from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;

use super::environment::Environment;
use super::key::{Key, Scope};
use super::layer::{Given, Layer, Origin, decide};
use super::mistake::{Mistake, Mistakes};
use super::token;
use super::value::{AtOnce, To, Value};
use super::{
    ClientSettings, DataSettings, KeepingSettings, MirrorSettings, OutputSettings, ReceiveSettings, VerifySettings,
    all_keys,
};
use crate::config::{self, ConfigFile};
use crate::joined::{self, Joined};

/// Most transfers that nobody asked for: each holds up to two frames of 4 MiB in memory.
const MAX_USUAL_TRANSFERS: usize = 8;

/// The layers that settings come from.
#[derive(Debug)]
pub(crate) struct Typed {
    flags: Layer,
    environment: Layer,
    pub(super) file: ConfigFile,
    /// The receiver that this machine joined.
    joined: Option<Joined>,
    /// Defaults that depend on the machine or the user; the others are in the table.
    defaults: Layer,
}

impl Typed {
    /// Reads variables and the configuration file; `config` names one that must exist.
    ///
    /// # Errors
    /// Everything in them that cannot be meant so, also where a flag decides.
    pub(crate) fn gather(flags: Layer, config: Option<&Path>, from: &Environment) -> Result<Self, Mistakes> {
        Ok(Self {
            flags,
            environment: Layer::from_environment(all_keys(), from)?,
            file: config::read(config, from)?,
            joined: joined::directory(config, from).map_or(Ok(None), |directory| Joined::read(&directory))?,
            defaults: machine_defaults(from)?,
        })
    }

    /// What a person or a program is told.
    ///
    /// # Errors
    /// Never; every one of these can be left out.
    pub(crate) fn output(&self) -> Result<OutputSettings, Mistake> {
        OutputSettings::resolve(&self.over(&self.file.top))
    }

    /// How rounds are made.
    ///
    /// # Errors
    /// No state directory can be told.
    pub(crate) fn client(&self) -> Result<ClientSettings, Mistake> {
        ClientSettings::resolve(&self.over(&self.file.top))
    }

    /// Whether nothing is to be done, and so no file created.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.client().is_ok_and(|client| client.dry_run)
    }

    /// Where a receiver keeps mirrors.
    ///
    /// # Errors
    /// No data directory is named.
    pub(crate) fn data(&self) -> Result<DataSettings, Mistake> {
        DataSettings::resolve(&self.over(&self.file.receive))
    }

    /// How a receiver is reached.
    ///
    /// # Errors
    /// Never; every one of these can be left out.
    pub(crate) fn receive(&self) -> Result<ReceiveSettings, Mistake> {
        ReceiveSettings::resolve(&self.over(&self.file.receive))
    }

    /// What a receiver keeps.
    ///
    /// # Errors
    /// Never; every one of these can be left out.
    pub(crate) fn keeping(&self) -> Result<KeepingSettings, Mistake> {
        KeepingSettings::resolve(&self.over(&self.file.receive))
    }

    /// The mirrors to make: that of SOURCE, with what the configuration says of it, or all of the configuration.
    ///
    /// # Errors
    /// There is none, one has no destination or one that everybody on the way could listen to, or one name was given
    /// for several.
    pub(crate) fn mirrors(&self) -> Result<Vec<MirrorSettings>, Mistake> {
        let nothing_more = Layer::default();
        let tables = self.meant_tables(&nothing_more)?.into_iter();
        tables.map(|table| MirrorSettings::resolve(&self.for_mirror(table))?.kept_from_listeners()).collect()
    }

    /// The tables of the mirrors that are meant; for that of SOURCE `nothing_more`, where the configuration says nothing.
    fn meant_tables<'a>(&'a self, nothing_more: &'a Layer) -> Result<Vec<&'a Layer>, Mistake> {
        let mut tables = self.chosen_tables();
        if tables.is_empty() {
            self.said("source").ok_or(Mistake::NoMirror)?;
            tables.push(nothing_more);
        }
        if let (2.., Some((key, name))) = (tables.len(), self.said("mirror")) {
            return Err(Mistake::OneNameForSeveral { flag: name.origin.describe(key), mirrors: tables.len() });
        }
        Ok(tables)
    }

    /// The mirrors to look at, each with how: those of [`Self::mirrors`], where `from` stands for `to`.
    ///
    /// # Errors
    /// As [`Self::mirrors`].
    pub(crate) fn looked_at(&self) -> Result<Vec<(MirrorSettings, VerifySettings)>, Mistake> {
        let nothing_more = Layer::default();
        self.meant_tables(&nothing_more)?.into_iter().map(|table| self.looked_at_in(table)).collect()
    }

    fn looked_at_in(&self, table: &Layer) -> Result<(MirrorSettings, VerifySettings), Mistake> {
        let layers = self.for_mirror(table);
        let key = |name| MirrorSettings::KEYS.iter().find(|key| key.name == name).expect("is in the table");
        let mut from = Layer::default();
        if let Some(given) = decide(key("from"), &layers) {
            from.put(key("to"), given.words, given.origin)?;
        }
        let over: Vec<&Layer> = std::iter::once(&from).chain(layers.iter().copied()).collect();
        Ok((MirrorSettings::resolve(&over)?.kept_from_listeners()?, VerifySettings::resolve(&layers)?))
    }

    /// What `scan` is asked for: how, and of which mirrors.
    ///
    /// # Errors
    /// As [`Self::client`] and [`Self::mirrors`]; and a plan that is to be written or carried out where it cannot be.
    pub(crate) fn rounds(&self) -> Result<(ClientSettings, Vec<MirrorSettings>), Mistake> {
        let (client, mirrors) = (self.client()?, self.mirrors()?);
        let flag = |name| self.origin_of(name);
        match (flag("plan"), flag("apply")) {
            (Some(flag), _) if !client.dry_run => Err(Mistake::PlanOfRealRound { flag }),
            (_, Some(flag)) if client.dry_run => Err(Mistake::ApplyInDryRun { flag }),
            (_, Some(flag)) if client.interval.is_some() => Err(Mistake::ApplyInLoop { flag }),
            (Some(flag), _) | (_, Some(flag)) if mirrors.len() > 1 => {
                Err(Mistake::OnePlanForSeveral { flag, mirrors: mirrors.len() })
            }
            _ => Ok((client, mirrors)),
        }
    }

    /// How something was said that concerns all rounds; nothing where nobody said anything.
    fn origin_of(&self, name: &str) -> Option<String> {
        let key = ClientSettings::KEYS.iter().find(|key| key.name == name)?;
        self.decide(key).map(|given| given.origin.describe(key))
    }

    /// Which `[[mirror]]` tables are meant: those of the given source, else all.
    fn chosen_tables(&self) -> Vec<&Layer> {
        let all = self.file.mirrors.iter();
        match self.said("source") {
            None => all.collect(),
            Some((key, wanted)) => {
                let same = |table: &&Layer| table.get(key).is_some_and(|own| same_place(&own.words, &wanted.words));
                all.filter(same).collect()
            }
        }
    }

    /// What flags or variables say of a key that tells mirrors apart.
    pub(super) fn said(&self, name: &str) -> Option<(&'static Key, &Given)> {
        let key = MirrorSettings::KEYS.iter().find(|key| key.name == name)?;
        let given = self.flags.get(key).or_else(|| self.environment.get(key))?;
        Some((key, given))
    }

    /// The layers over and under one table of the configuration file, the deciding one first.
    pub(super) fn over<'a>(&'a self, table: &'a Layer) -> [&'a Layer; 4] {
        [&self.flags, &self.environment, table, &self.defaults]
    }

    /// The same for a `[[mirror]]`: what is not said there may be said for all at the top, or follow from where this
    /// machine is a client.
    pub(super) fn for_mirror<'a>(&'a self, table: &'a Layer) -> Vec<&'a Layer> {
        let mut layers = vec![&self.flags, &self.environment, table, &self.file.top];
        let joined = self.joined.as_ref().filter(|joined| self.goes_to(joined, &layers));
        layers.extend(joined.map(|joined| &joined.layer));
        layers.push(&self.defaults);
        layers
    }

    /// Whether these layers name no other receiver than the one that was joined: no other may see its token.
    fn goes_to(&self, joined: &Joined, layers: &[&Layer]) -> bool {
        ["to", "from"].iter().all(|name| {
            let key = MirrorSettings::KEYS.iter().find(|key| key.name == *name).expect("is in the table");
            joined.is(decide(key, layers).and_then(|given| To::read(&given.words)).as_ref())
        })
    }

    /// What decides a key outside `[[mirror]]`, and where it was said; nothing where nobody said anything.
    pub(crate) fn decide(&self, key: &Key) -> Option<Given> {
        match key.scope {
            Scope::Receive => decide(key, &self.over(&self.file.receive)),
            Scope::Top => decide(key, &self.over(&self.file.top)),
            Scope::Mirror | Scope::OneMirror => decide(key, &self.for_mirror(&Layer::default())),
        }
    }

    /// The configuration file that was read, if there is one.
    pub(crate) fn config_path(&self) -> Option<&Path> {
        self.file.path.as_deref()
    }
}

impl MirrorSettings {
    /// Nothing goes to another machine without TLS unless somebody insists.
    fn kept_from_listeners(self) -> Result<Self, Mistake> {
        match &self.to {
            To::Url(url) if url.is_plaintext() && !url.is_loopback() && !self.allow_plaintext => {
                Err(Mistake::Plaintext { url: url.to_string() })
            }
            To::Url(_) | To::Directory(_) => Ok(self),
        }
    }
}

/// Whether two paths lead to one directory; by their text where one of them does not exist.
fn same_place(one: &[OsString], other: &[OsString]) -> bool {
    let place = |words: &[OsString]| words.first().map(|word| resolved(Path::new(word)));
    place(one) == place(other)
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn machine_defaults(from: &Environment) -> Result<Layer, Mistake> {
    let state_dir = from.state_home().map(|home| home.join("roundsman").into_os_string());
    let processors = thread::available_parallelism().map_or(1, usize::from).min(AtOnce::MAX);
    let mut defaults = Layer::default();
    let transfers = (processors * 2).clamp(2, MAX_USUAL_TRANSFERS);
    let number = |number: usize| Some(OsString::from(number.to_string()));
    let own = [("state_dir", state_dir), ("threads", number(processors)), ("transfers", number(transfers))];
    let token = token::credential(from).map(PathBuf::into_os_string);
    for (name, word) in own.into_iter().chain([("token_file", token)]) {
        let key = all_keys().find(|key| key.name == name);
        if let (Some(key), Some(word)) = (key, word) {
            defaults.put(key, vec![word], Origin::Default)?;
        }
    }
    Ok(defaults)
}

#[cfg(test)]
#[path = "typed_tests.rs"]
mod tests;
