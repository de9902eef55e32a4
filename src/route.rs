//! [`Route`]: one mirror's names and places, checked before anything is opened or made.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use protocol::{ContentId, MirrorName, RelPath};

use crate::exit::{Exit, Failure};
use crate::settings::MirrorSettings;
use crate::settings::value::To;

/// Hexadecimal digits that tell state directories of one name apart.
const STATE_DIGITS: usize = 16;

/// From where to where.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The source; absolute, and without symlinks where it exists.
    pub(crate) source: PathBuf,
    /// The mirror's name.
    pub(crate) mirror: MirrorName,
    /// Where it lies.
    pub(crate) to: To,
    /// Where the client keeps what it remembers of it.
    pub(crate) state: PathBuf,
}

impl Route {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// A source that is none, a name that cannot be, a destination that overlaps with the source.
    pub(crate) fn of(settings: &MirrorSettings, state_home: &Path) -> Result<Self, Failure> {
        let route = Self::of_mirror(settings, state_home)?;
        route.check_source()?;
        Ok(route)
    }

    /// The same of a mirror that is only looked at: its source need not be there.
    ///
    /// # Errors
    /// A name that cannot be, a destination that overlaps with the source.
    pub(crate) fn of_mirror(settings: &MirrorSettings, state_home: &Path) -> Result<Self, Failure> {
        let source = settled(&settings.source)?;
        let mirror = mirror_name(settings.mirror.as_ref(), &settings.source, &source)?;
        let to = match &settings.to {
            To::Url(address) => To::Url(address.clone()),
            To::Directory(data) => To::Directory(data_directory(&source, data)?),
        };
        let state = settled(state_home)?.join(state_name(&mirror, &to));
        Ok(Self { source, mirror, to, state })
    }

    /// Where people find the mirror.
    pub(crate) fn place(&self) -> String {
        match &self.to {
            To::Url(url) => format!("{url}, mirror {}", self.mirror),
            To::Directory(data) => shown(&data.join("local").join(self.mirror.as_str())),
        }
    }

    /// Where the snapshot lies.
    pub(crate) fn snapshot(&self) -> PathBuf {
        self.state.join("snapshot.db")
    }

    /// Where a round puts what does not fit in memory.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.state.join("scratch.db")
    }

    /// The client's own directory, where it lies inside the source: it changes with every round and is left out.
    pub(crate) fn own_directory(&self) -> Option<RelPath> {
        let home = self.state.parent()?;
        let own = if home == self.source { &*self.state } else { home };
        RelPath::parse(own.strip_prefix(&self.source).ok()?.as_os_str().as_bytes()).ok()
    }

    /// A source that was never there is a mistake of whoever typed it. One that is known may be an unmounted disk, and the
    /// round itself says so.
    fn check_source(&self) -> Result<(), Failure> {
        if self.snapshot().exists() {
            return Ok(());
        }
        let failed = |why: String| Failure::usage(format!("the source {} {why}", shown(&self.source)));
        match self.source.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(failed("is not a directory".to_owned()).hint("name the directory that holds it")),
            Err(error) => {
                Err(failed(format!("cannot be opened: {error}")).hint("is the name right, and the disk mounted?"))
            }
        }
    }
}

/// Absolute, and without symlinks as far as the path exists.
///
/// # Errors
/// The path is empty, or there is no working directory.
pub(crate) fn settled(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{} is no usable path: {error}", shown(path))))?;
    let mut missing = Vec::new();
    let mut there = absolute.as_path();
    loop {
        if let Ok(real) = there.canonicalize() {
            return Ok(missing.iter().rev().fold(real, |path, name| path.join(name)));
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                there = parent;
            }
            _ => return Ok(absolute),
        }
    }
}

/// The name that was given, else that of the source as it was typed: a symlink has a name of its own.
fn mirror_name(given: Option<&MirrorName>, typed: &Path, source: &Path) -> Result<MirrorName, Failure> {
    if let Some(name) = given {
        return Ok(name.clone());
    }
    let Some(name) = typed.file_name().or_else(|| source.file_name()) else {
        return Err(Failure::usage("`/` has no name of its own").hint("name the mirror: --mirror NAME"));
    };
    MirrorName::parse(name.as_bytes()).map_err(|error| {
        let message =
            format!("the source's name `{}` cannot be the mirror's: {error}", protocol::escape(name.as_bytes()));
        Failure::usage(message).hint("name the mirror: --mirror NAME")
    })
}

/// A local destination must lie apart from the source, in a directory that exists: a disk that is not mounted is not
/// replaced by a folder of its name.
fn data_directory(source: &Path, data: &Path) -> Result<PathBuf, Failure> {
    let data = settled(data)?;
    if data.starts_with(source) || source.starts_with(&data) {
        let (inner, outer) =
            if data.starts_with(source) { ("destination", "source") } else { ("source", "destination") };
        let message = format!("the {inner} lies inside the {outer}: {} and {}", shown(source), shown(&data));
        return Err(Failure::usage(message).hint("choose a destination apart from the source"));
    }
    match data.parent().map(Path::metadata) {
        Some(Ok(parent)) if parent.is_dir() => Ok(data),
        _ => {
            let message = format!("there is no directory in which to make the destination {}", shown(&data));
            Err(Failure::usage(message).hint("is its disk mounted? Only the last directory of the path is made"))
        }
    }
}

/// One state directory a mirror and destination: readable, and told apart by a digest.
fn state_name(mirror: &MirrorName, to: &To) -> String {
    let to = match to {
        To::Url(address) => address.to_string().into_bytes(),
        To::Directory(data) => data.as_os_str().as_bytes().to_vec(),
    };
    let digest = ContentId::of(&[mirror.as_str().as_bytes(), b"\0", &to].concat());
    let readable: String = mirror.as_str().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("{readable}-{}", &digest.to_hex()[..STATE_DIGITS])
}

/// A path as people read it.
pub(crate) fn shown(path: &Path) -> String {
    protocol::escape(path.as_os_str().as_bytes())
}

/// The same failure whatever the place: another process is at it.
pub(crate) fn locked(mirror: &MirrorName) -> Failure {
    let message = anyhow::anyhow!("another round of the mirror `{mirror}` is running");
    Failure::new(Exit::Locked, message).hint("let it finish; rounds of one mirror never overlap")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(typed: &str, source: &str) -> String {
        match mirror_name(None, Path::new(typed), Path::new(source)) {
            Ok(name) => name.to_string(),
            Err(failure) => failure.report(),
        }
    }

    #[test]
    fn a_mirror_is_called_as_its_source_was_typed() {
        assert_eq!(name("/home/u/docs/", "/home/u/docs"), "docs");
        assert_eq!(name("current", "/srv/release-42"), "current");
        assert_eq!(name(".", "/home/u/docs"), "docs");
        assert_eq!(name("..", "/home/u"), "u");
        assert!(name("/", "/").contains("Hint: name the mirror"), "{}", name("/", "/"));
    }

    #[test]
    fn a_missing_path_is_settled_below_its_last_real_directory() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let real = directory.path().canonicalize().expect("it exists");
        std::os::unix::fs::symlink(&real, real.join("link")).expect("a link");
        let path = settled(&real.join("link/a/b")).expect("a path");
        assert_eq!(path, real.join("a/b"));
    }

    #[test]
    fn state_directories_of_one_name_differ_by_destination() {
        let (mirror, to) =
            (MirrorName::parse("Fotos 2026".as_bytes()).expect("valid"), |path: &str| To::Directory(path.into()));
        let (one, other) = (state_name(&mirror, &to("/a")), state_name(&mirror, &to("/b")));
        assert!(one.starts_with("Fotos2026-") && other.starts_with("Fotos2026-") && one != other, "{one} {other}");
    }
}
