//! `roundsman why`: what decides about one path. Works beside running rounds, and makes or changes nothing.

use std::path::{Component, Path, PathBuf};

use protocol::RelPath;
use seams::clock::{Clock, SystemClock};
use seams::disk::Disk;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::own_mirrors::{OwnMirror, OwnMirrors};
use crate::route::{settled, shown};
use crate::why::Why;

/// Says for each mirror whose source holds a path what decides about it.
pub(crate) fn why(path: &Path, state_dir: &Path, output: &Output) -> Result<Exit, Failure> {
    let place = place(path)?;
    let found = OwnMirrors::find(state_dir)?;
    let holding: Vec<(&OwnMirror, RelPath)> =
        found.mirrors.iter().filter_map(|mirror| Some((mirror, mirror.way.below(&place)?))).collect();
    if holding.is_empty() {
        return Err(nobodys(&place, &found));
    }
    let clock = SystemClock::new();
    for (mirror, path) in holding {
        if path.is_root() {
            return Err(Failure::usage(format!("{} is a source itself", shown(&place)))
                .hint("name a path below it; `roundsman status` says how the whole stands"));
        }
        let why = Why::of(mirror, &path, &Disk, &clock)?;
        output.answer(&why.text(clock.now()), &why);
    }
    Ok(Exit::Done)
}

/// Where a path is: its directory without symlinks, its own name as it is, for a link is mirrored as a link.
pub(crate) fn place(path: &Path) -> Result<PathBuf, Failure> {
    match (path.parent(), path.components().next_back()) {
        (Some(parent), Some(Component::Normal(name))) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(settled(parent)?.join(name))
        }
        _ => settled(path),
    }
}

fn nobodys(place: &Path, found: &OwnMirrors) -> Failure {
    let sources: Vec<String> = found.mirrors.iter().map(|mirror| shown(&mirror.way.source)).collect();
    let hint = if sources.is_empty() {
        "no round was made yet with this state directory".to_owned()
    } else {
        format!("sources with mirrors are: {}", sources.join(", "))
    };
    Failure::usage(format!("no mirrored source holds {}", shown(place))).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_meant_itself_and_what_lies_behind_links_above_it_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let real = directory.path().canonicalize().expect("it exists");
        std::fs::create_dir(real.join("d")).expect("creates");
        std::os::unix::fs::symlink(real.join("d"), real.join("link")).expect("a link");
        assert_eq!(place(&real.join("link")).expect("a path"), real.join("link"));
        assert_eq!(place(&real.join("link/missing")).expect("a path"), real.join("d/missing"));
        assert_eq!(place(&real.join("link/..")).expect("a path"), real);
    }

    #[test]
    fn a_path_of_no_source_is_answered_with_the_sources_there_are() {
        let report = nobodys(Path::new("/x"), &OwnMirrors::default()).report();
        assert_eq!(
            report,
            "Error: no mirrored source holds /x\nHint: no round was made yet with this state directory\n"
        );
    }
}
