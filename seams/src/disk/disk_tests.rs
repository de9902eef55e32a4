//! The real disk, held by descriptors.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;

use protocol::{Name, RelPath, Timestamp};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::set_thread_res_uid;
use tempfile::TempDir;

use super::*;
use crate::fs::{FileKind, Step};

type Outcome = Result<(), Box<dyn Error>>;

/// A directory on the disk that is gone after the test, and a handle on it.
fn tree() -> io::Result<(TempDir, Arc<dyn Directory>)> {
    let place = tempfile::tempdir()?;
    let root = Disk.open_root(place.path())?;
    Ok((place, root))
}

fn name(bytes: impl AsRef<[u8]>) -> Name {
    Name::parse(bytes.as_ref()).expect("a name in this test")
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("a path in this test")
}

fn fails_with<T>(result: io::Result<T>, expected: Errno) -> bool {
    result.is_err_and(|error| Errno::from_io_error(&error) == Some(expected))
}

fn write(directory: &dyn Directory, file: &str, bytes: &[u8]) -> io::Result<()> {
    directory.create_file(&name(file))?.write_all_at(bytes, 0)
}

fn read(directory: &dyn Directory, file: &str) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 64];
    let length = directory.open_file(&name(file))?.read_at(&mut buffer, 0)?;
    Ok(buffer[..length].to_vec())
}

#[test]
fn a_fifo_is_refused_at_once_and_so_is_a_socket() -> Outcome {
    let (place, root) = tree()?;
    mkfifoat(CWD, place.path().join("fifo"), Mode::RUSR | Mode::WUSR)?;
    let _listener = std::os::unix::net::UnixListener::bind(place.path().join("socket"))?;
    for special in ["fifo", "socket"] {
        assert_eq!(root.stat(&name(special))?.kind, FileKind::Special);
        let refused = [root.open_file(&name(special)), root.open_file_for_writing(&name(special))];
        for error in refused.map(|result| result.expect_err(special)) {
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidInput, "not a regular file"));
        }
    }
    Ok(())
}

#[test]
fn no_operation_follows_a_symlink() -> Outcome {
    let (place, root) = tree()?;
    let outside = tempfile::tempdir()?;
    std::fs::create_dir(outside.path().join("dir"))?;
    std::fs::write(outside.path().join("file"), b"secret")?;
    symlink(outside.path(), place.path().join("dir"))?;
    symlink(outside.path().join("file"), place.path().join("file"))?;
    symlink(outside.path().join("new"), place.path().join("new"))?;

    assert!(fails_with(root.open_directory(&name("dir")), Errno::LOOP));
    assert!(fails_with(root.open_below(&path("dir")), Errno::LOOP));
    assert!(fails_with(root.open_below(&path("dir/dir")), Errno::LOOP));
    assert!(fails_with(root.open_file(&name("file")), Errno::LOOP));
    assert!(fails_with(root.open_file_for_writing(&name("file")), Errno::LOOP));
    assert!(fails_with(root.create_file(&name("new")), Errno::EXIST));
    assert!(fails_with(root.create_directory(&name("new")), Errno::EXIST));
    assert!(fails_with(root.remove_directory(&name("dir")), Errno::NOTDIR));
    assert_eq!(root.stat(&name("dir"))?.kind, FileKind::Symlink);

    root.link(&name("file"), &*root, &name("second"))?;
    assert_eq!(root.stat(&name("second"))?.kind, FileKind::Symlink);
    write(&*root, "ours", b"ours")?;
    root.rename(&name("ours"), &*root, &name("file"))?;
    root.remove_file(&name("dir"))?;
    assert_eq!(std::fs::read(outside.path().join("file"))?, b"secret");
    assert!(outside.path().join("dir").is_dir() && !outside.path().join("new").exists());
    Ok(())
}

#[test]
fn setting_the_mtime_of_a_symlink_leaves_its_target_alone() -> Outcome {
    let (_place, root) = tree()?;
    write(&*root, "target", b"")?;
    root.create_symlink(&name("link"), b"target")?;
    let target_before = root.stat(&name("target"))?;
    let mtime = Timestamp::from_parts(-5, 7);
    root.set_mtime(&name("link"), mtime)?;
    assert_eq!(root.stat(&name("link"))?.mtime, mtime);
    assert_eq!(root.stat(&name("target"))?, target_before);
    assert_eq!(root.read_link(&name("link"))?, b"target");
    Ok(())
}

#[test]
fn any_bytes_that_linux_takes_are_a_name() -> Outcome {
    let (_place, root) = tree()?;
    let odd = [name(b"\xff\xfe"), name(b"new\nline"), name([b'x'; 255]), name(b" -rf"), name(b"...")];
    for name in &odd {
        root.create_file(name)?;
    }
    let expected: BTreeSet<Name> = odd.into_iter().collect();
    assert_eq!(root.list()?.into_iter().collect::<BTreeSet<_>>(), expected);
    let mut walked = BTreeSet::new();
    let mut walk = root.walk();
    while let Some(Step::Name { depth: 1, name, descends: false, too_deep: false }) = walk.next_step() {
        assert_eq!(root.stat(&name)?.kind, FileKind::File);
        walked.insert(name);
    }
    assert_eq!(walked, expected);
    Ok(())
}

/// How many names lie below a directory, beginning another walk wherever one cannot go on; and how many walks that took.
fn count_below(directory: &Arc<dyn Directory>) -> Result<(usize, usize), Box<dyn Error>> {
    let (mut names, mut walks) = (0, 1);
    let mut above: Vec<Name> = Vec::new();
    let mut walk = directory.walk();
    while let Some(step) = walk.next_step() {
        let Step::Name { depth, name, too_deep, .. } = step else { return Err(format!("{step:?}").into()) };
        names += 1;
        above.truncate(depth - 1);
        above.push(name);
        if too_deep {
            let path = above.iter().try_fold(RelPath::root(), |path, name| path.join(name))?;
            let below = count_below(&directory.open_below(&path)?)?;
            (names, walks) = (names + below.0, walks + below.1);
        }
    }
    Ok((names, walks))
}

#[test]
fn a_tree_deeper_than_a_path_can_be_is_made_walked_and_removed() -> Outcome {
    const DEPTH: usize = 31;
    let (_place, root) = tree()?;
    let step = name([b'd'; 200]);
    let mut levels = vec![Arc::clone(&root)];
    for _ in 0..DEPTH {
        let last = levels.last().expect("at least the root");
        last.create_directory(&step)?;
        write(&**last, "file", b"")?;
        levels.push(last.open_directory(&step)?);
    }
    let (names, walks) = count_below(&root)?;
    assert_eq!(names, 2 * DEPTH);
    assert!(walks > 1, "the path of the last is over {} bytes long", 200 * DEPTH);

    let whole = (0..DEPTH).try_fold(RelPath::root(), |path, _| path.join(&step))?;
    let deepest = levels.pop().expect("more than the root");
    assert_eq!(root.open_below(&whole)?.own_stat()?, deepest.own_stat()?);
    while let Some(level) = levels.pop() {
        level.remove_directory(&step)?;
        level.remove_file(&name("file"))?;
    }
    assert!(root.list()?.is_empty());
    Ok(())
}

#[test]
fn a_rename_replaces_and_a_link_does_not() -> Outcome {
    let (_place, root) = tree()?;
    write(&*root, "old", b"old")?;
    write(&*root, "new", b"new")?;
    assert!(fails_with(root.link(&name("new"), &*root, &name("old")), Errno::EXIST));
    assert_eq!(read(&*root, "old")?, b"old");
    root.rename(&name("new"), &*root, &name("old"))?;
    assert_eq!(read(&*root, "old")?, b"new");
    assert_eq!(root.list()?, [name("old")]);
    Ok(())
}

#[test]
fn a_handle_of_another_file_system_is_refused() -> Outcome {
    let (_place, root) = tree()?;
    write(&*root, "file", b"")?;
    let memory = crate::memory::Memory::new(Arc::new(crate::clock::SystemClock::new()));
    let elsewhere = memory.open_root(Path::new("/"))?;
    assert!(fails_with(root.rename(&name("file"), &*elsewhere, &name("file")), Errno::XDEV));
    assert!(fails_with(elsewhere.link(&name("file"), &*root, &name("x")), Errno::XDEV));
    Ok(())
}

#[test]
fn directories_of_one_file_system_say_so() -> Outcome {
    let (_place, root) = tree()?;
    root.create_directory(&name("dir"))?;
    let identity = root.filesystem()?;
    assert_eq!(root.open_directory(&name("dir"))?.filesystem()?, identity);
    assert!(!identity.kind.is_empty() && !identity.id.is_empty());
    assert_ne!(Disk.open_root(Path::new("/proc"))?.filesystem()?, identity);
    Ok(())
}

#[test]
fn a_walk_begins_at_the_held_directory_wherever_its_name_went() -> Outcome {
    let (place, root) = tree()?;
    root.create_directory(&name("dir"))?;
    let held = root.open_directory(&name("dir"))?;
    write(&*held, "mine", b"")?;
    root.rename(&name("dir"), &*root, &name("elsewhere"))?;
    std::fs::create_dir(place.path().join("dir"))?;
    std::fs::write(place.path().join("dir/other"), b"")?;
    let mut walk = held.walk();
    assert!(matches!(walk.next_step(), Some(Step::Name { name: found, .. }) if found == name("mine")));
    assert!(walk.next_step().is_none());
    Ok(())
}

#[test]
fn a_removed_directory_is_no_empty_one() -> Outcome {
    let (_place, root) = tree()?;
    root.create_directory(&name("dir"))?;
    let held = root.open_directory(&name("dir"))?;
    assert!(held.list()?.is_empty());
    root.remove_directory(&name("dir"))?;
    assert!(fails_with(held.list(), Errno::NOENT));
    assert!(matches!(held.walk().next_step(), Some(Step::Incomplete { depth: 0, .. })));
    Ok(())
}

#[test]
fn a_listing_does_not_begin_where_another_ended() -> Outcome {
    let (_place, root) = tree()?;
    for number in 0..2_000 {
        root.create_symlink(&name(format!("a name long enough to need several buffers {number}")), b"x")?;
    }
    assert_eq!(root.list()?.len(), 2_000);
    assert_eq!(root.list()?.into_iter().collect::<BTreeSet<_>>().len(), 2_000);
    Ok(())
}

#[test]
fn what_was_written_can_be_made_durable_and_there_is_room() -> Outcome {
    let (_place, root) = tree()?;
    let file = root.create_file(&name("file"))?;
    file.write_all_at(b"bytes", 0)?;
    file.sync()?;
    file.set_mode(0o640)?;
    file.set_mtime(Timestamp::from_parts(1, 0))?;
    file.sync()?;
    root.sync()?;
    root.sync_filesystem()?;
    assert_eq!((file.stat()?.mode, file.stat()?.mtime), (0o640, Timestamp::from_parts(1, 0)));
    assert!(root.free_bytes()? > 0);
    Ok(())
}

/// Runs in a thread that permission bits bind, also where the tests run as root.
fn as_ordinary_user<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            if geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65_534);
                set_thread_res_uid(nobody, nobody, nobody).expect("root may become anybody");
            }
            work()
        });
        worker.join().expect("the assertions in it hold")
    })
}

#[test]
fn an_unreadable_directory_is_incomplete_at_its_own_depth_and_the_walk_goes_on() -> Outcome {
    let (place, _) = tree()?;
    std::fs::create_dir_all(place.path().join("a/b/c"))?;
    std::fs::create_dir_all(place.path().join("a/d"))?;
    for (open, mode) in [("", 0o755), ("a", 0o755), ("a/d", 0o755), ("a/b", 0o000)] {
        std::fs::set_permissions(place.path().join(open), std::fs::Permissions::from_mode(mode))?;
    }
    let root = Disk.open_root(place.path())?;
    let steps = as_ordinary_user(|| {
        let mut walk = root.walk();
        std::iter::from_fn(|| walk.next_step()).collect::<Vec<_>>()
    });
    std::fs::set_permissions(place.path().join("a/b"), std::fs::Permissions::from_mode(0o700))?;
    let blamed = |(at, step): (usize, &Step)| match step {
        Step::Incomplete { depth, error } => Some((at, *depth, error.kind())),
        Step::Name { .. } => None,
    };
    let at_b = |step: &Step| matches!(step, Step::Name { name: found, .. } if *found == name("b"));
    let named_at = steps.iter().position(at_b).ok_or("b was not named")?;
    let incomplete: Vec<_> = steps.iter().enumerate().filter_map(blamed).collect();
    assert_eq!(incomplete, [(named_at + 1, 2, ErrorKind::PermissionDenied)]);
    assert_eq!(steps.len(), 4, "{steps:?}");
    Ok(())
}
