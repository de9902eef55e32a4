//! Which stamps an operation changes. Trust in a row hangs on it, so memory must not be kinder than the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use protocol::{Name, Timestamp};

use super::act::{Act, At, perform};
use super::world::World;

fn at(directory: usize, name: &str) -> At {
    At(directory, Name::parse(name.as_bytes()).expect("a name in this test"))
}

/// `a` and `b`, files held open; `dir`, held, with a file `in` in it; `sub`, an empty directory; `link`.
fn furnish(world: &mut World) {
    let acts = [
        Act::CreateFile(at(0, "a")),
        Act::CreateFile(at(0, "b")),
        Act::Write(0, 0, b"abc".to_vec()),
        Act::CreateDirectory(at(0, "dir")),
        Act::OpenDirectory(at(0, "dir")),
        Act::CreateFile(at(1, "in")),
        Act::CreateDirectory(at(0, "sub")),
        Act::CreateSymlink(at(0, "link"), b"a".to_vec()),
    ];
    for act in acts {
        perform(world, &act);
    }
}

/// The stamps of everything there is, by inode, and what it is called.
fn stamps(world: &World) -> io::Result<BTreeMap<u64, (String, Timestamp, Timestamp)>> {
    let mut found = BTreeMap::new();
    let mut see = |called: &str, stat: crate::fs::Stat| {
        found.entry(stat.inode).or_insert((called.to_owned(), stat.mtime, stat.ctime));
    };
    for (number, called) in ["a", "b", "in"].iter().enumerate() {
        see(called, world.files.get(number).expect("three files are held").stat()?);
    }
    for (number, called) in ["root", "dir"].iter().enumerate() {
        let directory = world.directories.get(number).expect("two directories are held");
        see(called, directory.own_stat()?);
        for name in directory.list()? {
            see(&name.to_string(), directory.stat(&name)?);
        }
    }
    Ok(found)
}

/// Which of the stamps that were there before are others after the act.
fn changed_by(world: &mut World, act: &Act) -> io::Result<BTreeSet<String>> {
    furnish(world);
    world.tick()?;
    let before = stamps(world)?;
    let outcome = perform(world, act);
    assert!(["opened", "done"].contains(&outcome.as_str()), "{act:?}: {outcome}");
    let after = stamps(world)?;
    let mut changed = BTreeSet::new();
    for (inode, (called, mtime, ctime)) in before {
        let Some((_, mtime_after, ctime_after)) = after.get(&inode) else { continue };
        changed.extend((mtime != *mtime_after).then(|| format!("mtime of {called}")));
        changed.extend((ctime != *ctime_after).then(|| format!("ctime of {called}")));
    }
    Ok(changed)
}

fn acts() -> Vec<Act> {
    vec![
        Act::CreateFile(at(0, "new")),
        Act::CreateDirectory(at(1, "new")),
        Act::CreateSymlink(at(1, "new"), b"x".to_vec()),
        Act::Link(at(0, "a"), at(1, "new")),
        Act::Link(at(0, "link"), at(0, "new")),
        Act::Rename(at(0, "a"), at(0, "new")),
        Act::Rename(at(0, "a"), at(0, "b")),
        Act::Rename(at(0, "a"), at(0, "a")),
        Act::Rename(at(0, "a"), at(1, "in")),
        Act::Rename(at(0, "dir"), at(0, "new")),
        Act::Rename(at(0, "dir"), at(0, "sub")),
        Act::Rename(at(0, "sub"), at(1, "sub")),
        Act::RemoveFile(at(0, "a")),
        Act::RemoveFile(at(1, "in")),
        Act::RemoveDirectory(at(0, "sub")),
        Act::Write(0, 1, b"x".to_vec()),
        Act::Write(0, 0, Vec::new()),
        Act::SetLength(0, 3),
        Act::SetLength(0, 1),
        Act::FileMode(0, 0o640),
        Act::FileMode(0, 0o600),
        Act::FileMtime(0, 5),
        Act::SetOwnMode(1, 0o755),
        Act::SetOwnMtime(1, 5),
        Act::SetMtime(at(0, "link"), 5),
        Act::OpenFile(at(0, "a")),
    ]
}

#[test]
fn every_operation_changes_the_same_stamps_on_disk_and_in_memory() -> io::Result<()> {
    for act in acts() {
        let on_disk = changed_by(&mut World::on_disk()?, &act)?;
        let in_memory = changed_by(&mut World::in_memory()?, &act)?;
        assert_eq!(in_memory, on_disk, "{act:?}");
    }
    Ok(())
}

#[test]
fn a_rename_changes_what_moves_and_no_child_of_it() -> io::Result<()> {
    let changed = changed_by(&mut World::in_memory()?, &Act::Rename(at(0, "dir"), at(0, "new")))?;
    let expected = ["ctime of dir", "ctime of root", "mtime of root"];
    assert_eq!(changed, expected.into_iter().map(str::to_owned).collect());
    Ok(())
}
