//! [`Act`]: one operation as a value, and its outcome in words that can be compared.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath, Timestamp};

use super::world::World;
use crate::fs::{Directory, FileKind, Stat, Step};

/// A held directory, by number, and a name in it.
#[derive(Debug, Clone)]
pub(super) struct At(pub(super) usize, pub(super) Name);

#[derive(Debug, Clone)]
pub(super) enum Act {
    OwnStat(usize),
    Stat(At),
    List(usize),
    Walk(usize, Name),
    OpenDirectory(At),
    OpenBelow(usize, Vec<Name>),
    OpenFile(At),
    OpenForWriting(At),
    ReadLink(At),
    CreateFile(At),
    CreateDirectory(At),
    CreateSymlink(At, Vec<u8>),
    MakeSpecial(Name),
    Link(At, At),
    Rename(At, At),
    RemoveFile(At),
    RemoveDirectory(At),
    SetOwnMode(usize, u16),
    SetOwnMtime(usize, i64),
    SetMtime(At, i64),
    FileStat(usize),
    Read(usize, u64, usize),
    Write(usize, u64, Vec<u8>),
    SetLength(usize, u64),
    FileMode(usize, u16),
    FileMtime(usize, i64),
}

/// Does it, and says what came of it.
pub(super) fn perform(world: &mut World, act: &Act) -> String {
    match attempt(world, act) {
        Ok(outcome) => outcome,
        Err(error) => format!("{:?} {:?}", error.kind(), error.raw_os_error()),
    }
}

fn attempt(world: &mut World, act: &Act) -> io::Result<String> {
    if let Some(outcome) = look(world, act) {
        return outcome;
    }
    if let Some(outcome) = open(world, act) {
        return outcome.map(|()| "opened".to_owned());
    }
    let changed = change(world, act).or_else(|| change_file(world, act));
    changed.unwrap_or(Ok(())).map(|()| "done".to_owned())
}

fn directory(world: &World, number: usize) -> Arc<dyn Directory> {
    Arc::clone(world.directories.get(number).expect("there is always the root"))
}

fn look(world: &World, act: &Act) -> Option<io::Result<String>> {
    Some(match act {
        Act::OwnStat(at) => directory(world, *at).own_stat().map(|stat| show(&stat)),
        Act::Stat(At(at, name)) => directory(world, *at).stat(name).map(|stat| show(&stat)),
        Act::List(at) => directory(world, *at).list().map(|mut names| {
            names.sort();
            format!("{names:?}")
        }),
        Act::Walk(at, skipped) => Ok(format!("{:#?}", walk(&*directory(world, *at), skipped))),
        Act::ReadLink(At(at, name)) => directory(world, *at).read_link(name).map(|target| format!("{target:?}")),
        Act::FileStat(at) => world.files.get(*at)?.stat().map(|stat| show(&stat)),
        Act::Read(at, offset, length) => {
            let mut buffer = vec![0; *length];
            let read = world.files.get(*at)?.read_at(&mut buffer, *offset);
            read.map(|length| format!("{:?}", &buffer[..length]))
        }
        _ => return None,
    })
}

fn open(world: &mut World, act: &Act) -> Option<io::Result<()>> {
    Some(match act {
        Act::OpenDirectory(At(at, name)) => {
            let opened = directory(world, *at).open_directory(name);
            opened.map(|opened| world.directories.push(opened))
        }
        Act::OpenBelow(at, names) => {
            let path = names.iter().try_fold(RelPath::root(), |path, name| path.join(name));
            let opened = directory(world, *at).open_below(&path.expect("short enough"));
            opened.map(|opened| world.directories.push(opened))
        }
        Act::OpenFile(At(at, name)) => directory(world, *at).open_file(name).map(|file| world.files.push(file)),
        Act::OpenForWriting(At(at, name)) => {
            directory(world, *at).open_file_for_writing(name).map(|file| world.files.push(file))
        }
        Act::CreateFile(At(at, name)) => directory(world, *at).create_file(name).map(|file| world.files.push(file)),
        _ => return None,
    })
}

fn change(world: &World, act: &Act) -> Option<io::Result<()>> {
    Some(match act {
        Act::CreateDirectory(At(at, name)) => directory(world, *at).create_directory(name),
        Act::CreateSymlink(At(at, name), target) => directory(world, *at).create_symlink(name, target),
        Act::MakeSpecial(name) => world.make_special(name),
        Act::Link(At(at, name), At(to, new)) => directory(world, *at).link(name, &*directory(world, *to), new),
        Act::Rename(At(at, name), At(to, new)) => directory(world, *at).rename(name, &*directory(world, *to), new),
        Act::RemoveFile(At(at, name)) => directory(world, *at).remove_file(name),
        Act::RemoveDirectory(At(at, name)) => directory(world, *at).remove_directory(name),
        Act::SetOwnMode(at, mode) => directory(world, *at).set_own_mode(*mode),
        Act::SetOwnMtime(at, seconds) => directory(world, *at).set_own_mtime(Timestamp::from_parts(*seconds, 0)),
        Act::SetMtime(At(at, name), seconds) => {
            directory(world, *at).set_mtime(name, Timestamp::from_parts(*seconds, 0))
        }
        _ => return None,
    })
}

fn change_file(world: &World, act: &Act) -> Option<io::Result<()>> {
    Some(match act {
        Act::Write(at, offset, bytes) => world.files.get(*at)?.write_all_at(bytes, *offset),
        Act::SetLength(at, length) => world.files.get(*at)?.set_length(*length),
        Act::FileMode(at, mode) => world.files.get(*at)?.set_mode(*mode),
        Act::FileMtime(at, seconds) => world.files.get(*at)?.set_mtime(Timestamp::from_parts(*seconds, 0)),
        _ => return None,
    })
}

/// Everything that stat says and that is the same on every file system. A current time is `now`.
fn show(stat: &Stat) -> String {
    let (seconds, nanos) = stat.mtime.to_parts();
    let mtime = if seconds < 1_000_000_000 { format!("{seconds}.{nanos}") } else { "now".to_owned() };
    let exact = stat.kind != FileKind::Directory;
    let (size, links) = if exact { (stat.size, stat.links) } else { (0, stat.links.min(1)) };
    format!("{:?} {:o} size {size} links {links} mtime {mtime}", stat.kind, stat.mode)
}

/// All that a walk comes upon, by path. Directories called `skipped` are not descended into, and every other name
/// of that kind is skipped as well, which must change nothing.
fn walk(directory: &dyn Directory, skipped: &Name) -> BTreeMap<Vec<u8>, String> {
    let mut found = BTreeMap::new();
    let mut above: Vec<Vec<u8>> = Vec::new();
    let mut walk = directory.walk();
    while let Some(step) = walk.next_step() {
        match step {
            Step::Name { depth, name, descends, too_deep } => {
                above.truncate(depth - 1);
                above.push(name.as_bytes().to_vec());
                found.insert(above.join(&b'/'), format!("descends {descends}, too deep {too_deep}"));
                if name == *skipped {
                    walk.skip_directory();
                }
            }
            Step::Incomplete { depth, error } => {
                above.truncate(depth);
                found.insert(above.join(&b'/'), format!("incomplete: {:?}", error.kind()));
            }
        }
    }
    found
}

/// The whole tree: what each path is and holds, and which paths are the same inode.
pub(super) fn dump(world: &World) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut first_paths = BTreeMap::new();
    dump_below(&**world.root(), "", &mut first_paths, &mut lines)?;
    Ok(lines)
}

fn dump_below(
    directory: &dyn Directory,
    path: &str,
    first_paths: &mut BTreeMap<u64, String>,
    lines: &mut Vec<String>,
) -> io::Result<()> {
    let mut names = directory.list()?;
    names.sort();
    for name in names {
        let (path, stat) = (format!("{path}/{name}"), directory.stat(&name)?);
        let same_as = first_paths.entry(stat.inode).or_insert_with(|| path.clone()).clone();
        lines.push(format!("{path}: {}, same as {same_as}, {:?}", show(&stat), content(directory, &name, stat.kind)?));
        if stat.kind == FileKind::Directory {
            dump_below(&*directory.open_directory(&name)?, &path, first_paths, lines)?;
        }
    }
    Ok(())
}

fn content(directory: &dyn Directory, name: &Name, kind: FileKind) -> io::Result<Vec<u8>> {
    match kind {
        FileKind::Symlink => directory.read_link(name),
        FileKind::File => {
            let mut buffer = vec![0; 4096];
            let length = directory.open_file(name)?.read_at(&mut buffer, 0)?;
            Ok(buffer[..length].to_vec())
        }
        FileKind::Directory | FileKind::Special => Ok(Vec::new()),
    }
}
