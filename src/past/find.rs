//! [`Reached`]: the mirror that is meant, found by what was said, by what this machine remembers, or by who keeps it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use protocol::wire::{KnownMirror, Mirrors};
use protocol::{MirrorName, RelPath};
use receiver::Keeping;
use seams::clock::{Clock, SystemClock};
use seams::random::{Random, SystemRandom};
use uploader::{Caller, RetryPolicy};

use crate::commands::why::place;
use crate::exit::Failure;
use crate::own_mirrors::OwnMirrors;
use crate::past::{MirrorPast, call_failure};
use crate::reach;
use crate::route::{settled, shown};
use crate::settings::PastSettings;
use crate::settings::value::To;
use crate::stop::Stop;

/// A mirror whose past can be asked.
#[derive(Debug)]
pub(crate) struct Reached {
    caller: Caller,
    mirror: MirrorName,
    /// The source, as this machine or the receiver remembers it.
    source: Option<PathBuf>,
}

/// A mirror that may be meant.
struct Candidate {
    name: MirrorName,
    source: PathBuf,
}

impl Reached {
    /// Reaches whoever keeps the mirror, and finds out which one is meant. `paths` are those that were typed: one below a
    /// source says which mirror it is.
    ///
    /// # Errors
    /// Nobody can be reached; it is not clear which mirror is meant.
    pub(crate) fn find(
        settings: &PastSettings,
        state_dir: &Path,
        paths: &[PathBuf],
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let from = settled_from(&settings.from)?;
        let caller = caller(settings, &from, stop)?;
        let own = own_mirrors(state_dir, &from);
        let wanted = settings.mirror.clone().or_else(|| configured(settings)).or_else(|| told_by(&own, paths));
        if let Some(name) = &wanted
            && let Some(known) = own.iter().find(|known| known.name == *name)
        {
            return Ok(Self { caller, mirror: name.clone(), source: Some(known.source.clone()) });
        }
        let kept = kept(&caller, stop)?;
        let chosen = choose(&kept, wanted.as_ref())?;
        let source = PathBuf::from(OsStr::from_bytes(&chosen.source.path));
        Ok(Self { mirror: chosen.name.clone(), source: Some(source), caller })
    }

    /// Its past.
    pub(crate) fn past(&self) -> MirrorPast<'_> {
        MirrorPast { caller: &self.caller, mirror: self.mirror.clone() }
    }

    /// Its name.
    pub(crate) fn mirror(&self) -> &MirrorName {
        &self.mirror
    }

    /// A path that was typed, as the mirror knows it: one that leads below the source, else one in the mirror.
    ///
    /// # Errors
    /// It leads elsewhere, or is no path.
    pub(crate) fn path(&self, typed: &Path) -> Result<RelPath, Failure> {
        if let (Some(source), Ok(place)) = (&self.source, place(typed))
            && let Ok(below) = place.strip_prefix(source)
        {
            return rel_path(below, typed);
        }
        if typed.is_absolute() {
            let source = self.source.as_deref().map_or_else(String::new, |source| format!(", {}", shown(source)));
            return Err(Failure::usage(format!("{} is not below the source of this mirror{source}", shown(typed)))
                .hint("name a path as it is in the mirror, without a `/` before it"));
        }
        rel_path(typed, typed)
    }
}

fn rel_path(path: &Path, typed: &Path) -> Result<RelPath, Failure> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => names.push(name.as_bytes()),
            _ => return Err(Failure::usage(format!("{} leads out of the mirror", shown(typed)))),
        }
    }
    if names.is_empty() {
        return Ok(RelPath::root());
    }
    RelPath::parse(&names.join(&b'/')).map_err(|error| Failure::usage(format!("{}: {error}", shown(typed))))
}

fn settled_from(from: &To) -> Result<To, Failure> {
    let To::Directory(data) = from else { return Ok(from.clone()) };
    let data = settled(data)?;
    if data.join(".roundsman").is_dir() {
        return Ok(To::Directory(data));
    }
    Err(Failure::usage(format!("there are no mirrors in {}", shown(&data)))
        .hint("is its disk mounted? Name the directory that `scan --to` was given, not the mirror in it"))
}

fn caller(settings: &PastSettings, from: &To, stop: &Stop) -> Result<Caller, Failure> {
    let patience = settings.retry_for;
    let policy =
        RetryPolicy { budget: patience.get(), refused_budget: patience.if_refused(), ..RetryPolicy::default() };
    let transport = reach::transport(from, settings.token_file.as_deref(), None, Keeping::default())?;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    Ok(Caller::new(transport, clock, random, policy, stop.flag()))
}

/// The mirrors of this machine that lie there. What cannot be read says nothing.
fn own_mirrors(state_dir: &Path, from: &To) -> Vec<Candidate> {
    let found = OwnMirrors::find(state_dir).unwrap_or_default();
    let there = found.mirrors.into_iter().filter(|own| own.way.to == *from);
    there.map(|own| Candidate { name: own.way.mirror, source: own.way.source }).collect()
}

/// The name that the configuration's source has, where it is not said.
fn configured(settings: &PastSettings) -> Option<MirrorName> {
    MirrorName::parse(settings.source.as_ref()?.file_name()?.as_bytes()).ok()
}

fn told_by(own: &[Candidate], paths: &[PathBuf]) -> Option<MirrorName> {
    let holds =
        |known: &&Candidate| paths.iter().any(|path| place(path).is_ok_and(|place| place.starts_with(&known.source)));
    let mut holding = own.iter().filter(holds);
    match (holding.next(), holding.next(), own) {
        (Some(only), None, _) | (None, _, [only]) => Some(only.name.clone()),
        _ => None,
    }
}

fn kept(caller: &Caller, stop: &Stop) -> Result<Vec<KnownMirror>, Failure> {
    let mut kept: Vec<KnownMirror> = Vec::new();
    loop {
        let after = kept.last().map(|last| last.name.clone());
        let page = caller.call(Mirrors { after }).map_err(|error| call_failure(error, stop))?;
        let ended = !page.more || page.mirrors.is_empty();
        kept.extend(page.mirrors);
        if ended {
            return Ok(kept);
        }
    }
}

fn choose<'a>(kept: &'a [KnownMirror], wanted: Option<&MirrorName>) -> Result<&'a KnownMirror, Failure> {
    let names = || kept.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ");
    match (wanted, kept) {
        (_, []) => Err(Failure::usage("this client has no mirror there")),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(Failure::usage(format!("there are several mirrors: {}", names()))
                .hint("say which is meant: --mirror NAME"))
        }
        (Some(wanted), _) => kept.iter().find(|known| known.name == *wanted).ok_or_else(|| {
            Failure::usage(format!("there is no mirror {wanted}")).hint(format!("there are: {}", names()))
        }),
    }
}
