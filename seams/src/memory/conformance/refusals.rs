//! Each error that the engines tell apart, made on purpose. Random sequences come upon some of them too seldom.

use std::io;

use protocol::Name;
use rustix::io::Errno;

use super::act::{Act, At, perform};
use super::world::World;

fn at(directory: usize, name: &str) -> At {
    At(directory, Name::parse(name.as_bytes()).expect("a name in this test"))
}

fn names(path: &str) -> Vec<Name> {
    path.split('/').map(|name| at(0, name).1).collect()
}

const ROOT: usize = 0;
const FULL: usize = 1;
const INNER: usize = 2;
const GONE: usize = 3;

/// `full/inner/note`, `empty/`, `file`, `link -> full`, `pipe`; directories held in this order: root, full, inner, and
/// one that was removed. The file is held for reading only.
fn furnish(world: &mut World) {
    let acts = [
        Act::CreateDirectory(at(ROOT, "full")),
        Act::OpenDirectory(at(ROOT, "full")),
        Act::CreateDirectory(at(FULL, "inner")),
        Act::OpenBelow(ROOT, names("full/inner")),
        Act::CreateDirectory(at(ROOT, "gone")),
        Act::OpenDirectory(at(ROOT, "gone")),
        Act::RemoveDirectory(at(ROOT, "gone")),
        Act::CreateDirectory(at(ROOT, "empty")),
        Act::CreateSymlink(at(ROOT, "link"), b"full".to_vec()),
        Act::MakeSpecial(at(ROOT, "pipe").1),
        Act::CreateFile(at(ROOT, "file")),
        Act::OpenFile(at(ROOT, "file")),
        Act::CreateFile(at(INNER, "note")),
    ];
    for act in acts {
        let outcome = perform(world, &act);
        assert!(["opened", "done"].contains(&outcome.as_str()), "{act:?}: {outcome}");
    }
}

fn on_names() -> Vec<(Act, Errno)> {
    let file = || at(ROOT, "file");
    vec![
        (Act::Stat(at(ROOT, "none")), Errno::NOENT),
        (Act::OpenDirectory(at(ROOT, "none")), Errno::NOENT),
        (Act::OpenDirectory(file()), Errno::NOTDIR),
        (Act::OpenDirectory(at(ROOT, "pipe")), Errno::NOTDIR),
        (Act::OpenDirectory(at(ROOT, "link")), Errno::LOOP),
        (Act::OpenBelow(ROOT, names("link")), Errno::LOOP),
        (Act::OpenBelow(ROOT, names("link/inner")), Errno::LOOP),
        (Act::OpenBelow(ROOT, names("file/x")), Errno::NOTDIR),
        (Act::OpenBelow(ROOT, names("full/none/x")), Errno::NOENT),
        (Act::OpenFile(at(ROOT, "full")), Errno::ISDIR),
        (Act::OpenFile(at(ROOT, "link")), Errno::LOOP),
        (Act::OpenForWriting(at(ROOT, "full")), Errno::ISDIR),
        (Act::OpenForWriting(at(ROOT, "none")), Errno::NOENT),
        (Act::ReadLink(file()), Errno::INVAL),
        (Act::CreateFile(at(ROOT, "link")), Errno::EXIST),
        (Act::CreateDirectory(file()), Errno::EXIST),
        (Act::CreateSymlink(at(ROOT, "full"), b"x".to_vec()), Errno::EXIST),
        (Act::CreateSymlink(at(ROOT, "new"), Vec::new()), Errno::NOENT),
        (Act::CreateSymlink(at(ROOT, "new"), vec![b'x'; 4_096]), Errno::NAMETOOLONG),
        (Act::Link(at(ROOT, "full"), at(ROOT, "new")), Errno::PERM),
        (Act::Link(at(ROOT, "full"), file()), Errno::EXIST),
        (Act::Link(at(ROOT, "none"), file()), Errno::NOENT),
        (Act::RemoveFile(at(ROOT, "empty")), Errno::ISDIR),
        (Act::RemoveDirectory(at(ROOT, "link")), Errno::NOTDIR),
        (Act::RemoveDirectory(at(ROOT, "full")), Errno::NOTEMPTY),
        (Act::Write(1, 0, b"x".to_vec()), Errno::BADF),
        (Act::SetLength(1, 0), Errno::INVAL),
    ]
}

fn on_renames() -> Vec<(Act, Errno)> {
    let rename = |from: At, to: At| Act::Rename(from, to);
    vec![
        (rename(at(ROOT, "none"), at(ROOT, "file")), Errno::NOENT),
        (rename(at(ROOT, "file"), at(ROOT, "empty")), Errno::ISDIR),
        (rename(at(ROOT, "empty"), at(ROOT, "file")), Errno::NOTDIR),
        (rename(at(ROOT, "empty"), at(ROOT, "link")), Errno::NOTDIR),
        (rename(at(ROOT, "empty"), at(ROOT, "full")), Errno::NOTEMPTY),
        (rename(at(ROOT, "full"), at(INNER, "x")), Errno::INVAL),
        (rename(at(ROOT, "full"), at(FULL, "x")), Errno::INVAL),
        (rename(at(FULL, "inner"), at(ROOT, "full")), Errno::NOTEMPTY),
        (rename(at(INNER, "note"), at(ROOT, "full")), Errno::NOTEMPTY),
        (rename(at(ROOT, "file"), at(GONE, "x")), Errno::NOENT),
    ]
}

fn in_a_removed_directory() -> Vec<(Act, Errno)> {
    let acts = [
        Act::List(GONE),
        Act::Stat(at(GONE, "x")),
        Act::CreateFile(at(GONE, "x")),
        Act::CreateDirectory(at(GONE, "x")),
        Act::CreateSymlink(at(GONE, "x"), b"y".to_vec()),
        Act::Link(at(ROOT, "file"), at(GONE, "x")),
        Act::OpenDirectory(at(GONE, "x")),
    ];
    acts.into_iter().map(|act| (act, Errno::NOENT)).collect()
}

#[test]
fn every_refusal_has_the_same_number_on_disk_and_in_memory() -> io::Result<()> {
    for mut world in [World::on_disk()?, World::in_memory()?] {
        furnish(&mut world);
        for (act, errno) in [on_names(), on_renames(), in_a_removed_directory()].concat() {
            let expected = io::Error::from(errno);
            let expected = format!("{:?} {:?}", expected.kind(), expected.raw_os_error());
            assert_eq!(perform(&mut world, &act), expected, "{act:?}");
        }
    }
    Ok(())
}
