//! Opening below a held directory. No symlink is followed and nothing blocks.
//!
//! A symlink is `ELOOP` everywhere here, also where the kernel would say `ENOTDIR`, so that callers see the same
//! error whichever way a directory was opened.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use protocol::Name;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, chmod, openat, openat2, statat};
use rustix::io::{Errno, retry_on_intr};

use super::stat;
use crate::fs::FileKind;

/// Longest path given to the kernel at once, in bytes. `PATH_MAX` is 4096, its final NUL included.
const MAX_STRETCH_BYTES: usize = 4_000;

/// How often the kernel is asked again when it saw a rename in the middle of a look-up.
const MAX_ATTEMPTS: usize = 16;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Opens the directory at the operator's path; symlinks in it are followed.
pub(super) fn root(path: &Path) -> io::Result<OwnedFd> {
    Ok(retry_on_intr(|| openat(rustix::fs::CWD, path, DIRECTORY, Mode::empty()))?)
}

/// Opens the same directory once more, with a position of its own.
pub(super) fn again(held: impl AsFd) -> io::Result<OwnedFd> {
    Ok(retry_on_intr(|| openat(held.as_fd(), c".", DIRECTORY, Mode::empty()))?)
}

/// Opens a directory that is one name below `parent`.
pub(super) fn directory(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    match retry_on_intr(|| openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())) {
        Err(Errno::NOTDIR) if is_symlink(parent, name) => Err(Errno::LOOP.into()),
        result => Ok(result?),
    }
}

/// Opens a directory any number of components below `parent`, however long the path is.
pub(super) fn below(parent: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let mut reached = None;
    for stretch in stretches(path) {
        let from = reached.as_ref().map_or(parent, AsFd::as_fd);
        reached = Some(stretch_below(from, stretch)?);
    }
    reached.map_or_else(|| again(parent), Ok)
}

/// Opens a regular file for `access`, and nothing else.
pub(super) fn file(parent: BorrowedFd<'_>, name: &Name, access: OFlags) -> io::Result<File> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match retry_on_intr(|| openat(parent, name.as_bytes(), flags, Mode::empty())) {
        // So the kernel refuses sockets, and devices and FIFOs that nobody serves.
        Err(Errno::NXIO | Errno::NODEV) => return Err(FileKind::Special.not_a_file()),
        result => File::from(result?),
    };
    match stat::of_descriptor(&file)?.kind {
        FileKind::File => Ok(file),
        other => Err(other.not_a_file()),
    }
}

/// Makes a file that was not there, for reading and writing.
pub(super) fn new_file(parent: BorrowedFd<'_>, name: &Name) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(File::from(retry_on_intr(|| openat(parent, name.as_bytes(), flags, mode))?))
}

/// Sets the permission bits of what a name stands for, whatever they are now: through a descriptor that allows nothing
/// else, so that the name cannot come to mean something else meanwhile.
pub(super) fn set_mode(parent: BorrowedFd<'_>, name: &Name, mode: u16) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = retry_on_intr(|| openat(parent, name.as_bytes(), flags, Mode::empty()))?;
    if stat::of_descriptor(&held)?.kind == FileKind::Symlink {
        return Err(Errno::LOOP.into());
    }
    Ok(chmod(format!("/proc/self/fd/{}", held.as_raw_fd()), Mode::from_raw_mode(mode.into()))?)
}

/// One stretch in one look-up, or by components where the kernel or a sandbox knows no `openat2`.
fn stretch_below(parent: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    for _ in 0..MAX_ATTEMPTS {
        match openat2(parent, path, DIRECTORY, Mode::empty(), BENEATH) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::PERM) => break,
            result => return Ok(result?),
        }
    }
    by_components(parent, path)
}

fn by_components(parent: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let mut reached = None;
    for name in path.split(|byte| *byte == b'/') {
        reached = Some(directory(reached.as_ref().map_or(parent, AsFd::as_fd), name)?);
    }
    reached.map_or_else(|| again(parent), Ok)
}

/// Cuts a path between components into pieces that the kernel takes. A root's path has none.
fn stretches(path: &[u8]) -> Vec<&[u8]> {
    let mut stretches = Vec::new();
    let mut rest = path;
    while rest.len() > MAX_STRETCH_BYTES {
        let slash = rest[..=MAX_STRETCH_BYTES].iter().rposition(|byte| *byte == b'/');
        let slash = slash.expect("a component is far shorter than a stretch");
        stretches.push(&rest[..slash]);
        rest = &rest[slash + 1..];
    }
    if !rest.is_empty() {
        stretches.push(rest);
    }
    stretches
}

fn is_symlink(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_between_components_and_nothing_is_lost() {
        let path = vec!["x".repeat(255); 40].join("/");
        let cut = stretches(path.as_bytes());
        assert_eq!(cut.join(&b'/'), path.as_bytes());
        assert!(cut.len() > 1 && cut.iter().all(|stretch| stretch.len() <= MAX_STRETCH_BYTES));
        assert!(stretches(b"").is_empty());
    }

    #[test]
    fn a_cut_may_fall_exactly_on_the_longest_stretch() {
        let head = [vec!["x".repeat(249); 15].join("/"), "y".repeat(250)].join("/");
        assert_eq!(head.len(), MAX_STRETCH_BYTES);
        let path = format!("{head}/z");
        assert_eq!(stretches(path.as_bytes()), [head.as_bytes(), b"z"]);
    }

    #[test]
    fn both_ways_of_opening_agree_also_on_errors() -> io::Result<()> {
        let tree = tempfile::tempdir()?;
        std::fs::create_dir_all(tree.path().join("a/b"))?;
        std::fs::write(tree.path().join("file"), b"")?;
        std::os::unix::fs::symlink("a", tree.path().join("link"))?;
        std::os::unix::fs::symlink("b", tree.path().join("a/link"))?;
        let held = root(tree.path())?;
        for path in ["a", "a/b", "link", "link/b", "a/link", "file", "file/b", "none", "a/none", "none/b"] {
            let outcome = |opened: io::Result<OwnedFd>| {
                opened.and_then(|fd| stat::of_descriptor(&fd)).map(|stat| stat.inode).map_err(|e| e.raw_os_error())
            };
            let at_once = outcome(stretch_below(held.as_fd(), path.as_bytes()));
            assert_eq!(at_once, outcome(by_components(held.as_fd(), path.as_bytes())), "{path}");
            assert_eq!(at_once.is_ok(), ["a", "a/b"].contains(&path), "{path}");
        }
        Ok(())
    }
}
