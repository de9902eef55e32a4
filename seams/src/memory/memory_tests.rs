//! The file system in memory does what the disk does.

use std::error::Error;
use std::sync::Mutex;

use protocol::{RelPath, Timestamp};
use rustix::io::Errno;

use super::*;
use crate::fs::Step;

type Outcome = Result<(), Box<dyn Error>>;

fn start() -> Timestamp {
    Timestamp::from_parts(1_700_000_000, 123_456_789)
}

fn memory() -> Memory {
    Memory::new(Arc::new(ManualClock::new(start())))
}

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("a name in this test")
}

/// `/src` with `a/one`, `a/two`, `b/three` and the file `c` in it.
fn furnished(memory: &Memory) -> io::Result<Arc<dyn Directory>> {
    for path in ["/src/a/one", "/src/a/two", "/src/b/three"] {
        memory.make_directory(Path::new(path))?;
    }
    let source = memory.open_root(Path::new("/src"))?;
    source.create_file(&name("c"))?;
    Ok(source)
}

/// Fails every operation of a kind on a path.
fn failing(kind: OperationKind, path: &'static str, errno: Errno) -> Option<FaultHook> {
    Some(Arc::new(move |operation: &Operation| {
        (operation.kind == kind && operation.path == path.as_bytes()).then(|| errno.into())
    }))
}

/// What a walk comes upon, a line each.
fn steps(directory: &dyn Directory) -> Vec<String> {
    let mut walk = directory.walk();
    let steps = std::iter::from_fn(|| walk.next_step());
    let line = |step| match step {
        Step::Name { depth, name, descends, too_deep } => {
            let end = if descends { "/" } else { "" };
            let too_deep = if too_deep { " too deep" } else { "" };
            format!("{depth} {name}{end}{too_deep}")
        }
        Step::Incomplete { depth, error } => format!("{depth} incomplete: {:?}", error.kind()),
    };
    steps.map(line).collect()
}

#[test]
fn names_come_in_order_and_each_run_is_like_the_last() -> Outcome {
    let source = furnished(&memory())?;
    assert_eq!(steps(&*source), ["1 a/", "2 one/", "2 two/", "1 b/", "2 three/", "1 c"]);
    let again = furnished(&memory())?;
    assert_eq!(source.stat(&name("c"))?, again.stat(&name("c"))?);
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_opened_or_listed_is_incomplete_at_its_own_depth() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    for kind in [OperationKind::OpenDirectory, OperationKind::List] {
        memory.set_fault_hook(failing(kind, "/src/a", Errno::ACCESS));
        assert_eq!(steps(&*source), ["1 a/", "1 incomplete: PermissionDenied", "1 b/", "2 three/", "1 c"]);
    }
    memory.set_fault_hook(failing(OperationKind::List, "/src", Errno::ACCESS));
    assert_eq!(steps(&*source), ["0 incomplete: PermissionDenied"]);
    assert!(source.list().is_err());
    Ok(())
}

#[test]
fn a_listing_that_breaks_off_is_incomplete_where_it_did() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    memory.set_fault_hook(failing(OperationKind::ListNext, "/src/a/two", Errno::STALE));
    let steps = steps(&*source);
    assert_eq!(steps, ["1 a/", "2 one/", "1 incomplete: StaleNetworkFileHandle", "1 b/", "2 three/", "1 c"]);
    assert!(source.open_directory(&name("a"))?.list().is_err(), "a listing is complete or an error");
    Ok(())
}

#[test]
fn a_failed_directory_that_is_skipped_is_no_concern() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    memory.set_fault_hook(failing(OperationKind::List, "/src/a", Errno::ACCESS));
    let mut walk = source.walk();
    assert!(matches!(walk.next_step(), Some(Step::Name { depth: 1, descends: true, .. })));
    walk.skip_directory();
    walk.skip_directory();
    assert!(matches!(walk.next_step(), Some(Step::Name { depth: 1, name: found, .. }) if found == name("b")));
    Ok(())
}

#[test]
fn the_hook_can_fail_the_nth_operation_and_nothing_is_done_then() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    let count = Mutex::new(0);
    memory.set_fault_hook(Some(Arc::new(move |_: &Operation| {
        let mut count = count.lock().expect("no test panics here");
        *count += 1;
        (*count == 2).then(|| Errno::IO.into())
    })));
    source.create_directory(&name("x"))?;
    assert_eq!(source.create_directory(&name("y")).map_err(|e| e.raw_os_error()), Err(Some(Errno::IO.raw_os_error())));
    source.create_directory(&name("z"))?;
    memory.set_fault_hook(None);
    assert_eq!(source.list()?, ["a", "b", "c", "x", "z"].map(name));
    Ok(())
}

#[test]
fn the_hook_sees_paths_as_they_are_now() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    let inner = source.open_directory(&name("a"))?;
    source.rename(&name("a"), &*source, &name("moved"))?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    memory.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        log.lock().expect("no test panics here").push(operation.clone());
        None
    })));
    inner.remove_directory(&name("one"))?;
    inner.rename(&name("two"), &*source, &name("three"))?;
    let expected = [
        Operation::new(OperationKind::RemoveDirectory, b"/src/moved/one".to_vec()),
        Operation {
            to: Some(b"/src/three".to_vec()),
            ..Operation::new(OperationKind::Rename, b"/src/moved/two".to_vec())
        },
    ];
    assert_eq!(*seen.lock().expect("no test panics here"), expected);
    Ok(())
}

#[test]
fn the_hook_may_edit_the_tree_while_a_walk_is_under_way() -> Outcome {
    let memory = memory();
    let source = furnished(&memory)?;
    let editor = memory.open_root(Path::new("/src"))?;
    memory.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.kind == OperationKind::ListNext && operation.path == b"/src/b" {
            editor.rename(&name("b"), &*editor, &name("later")).expect("b is still there");
        }
        None
    })));
    assert_eq!(steps(&*source), ["1 a/", "2 one/", "2 two/", "1 b", "1 c"], "b is only a candidate by now");
    Ok(())
}

#[test]
fn a_walk_says_what_it_cannot_reach() -> Outcome {
    let memory = memory().with_walk_reach(4);
    let source = furnished(&memory)?;
    assert_eq!(steps(&*source), ["1 a/", "2 one too deep", "2 two too deep", "1 b/", "2 three too deep", "1 c"]);
    assert!(steps(&*source.open_below(&RelPath::parse(b"a/one")?)?).is_empty());
    Ok(())
}

#[test]
fn stamps_are_as_coarse_as_asked_but_set_ones_exact() -> Outcome {
    let clock = Arc::new(ManualClock::new(start()));
    let memory = Memory::new(Arc::<ManualClock>::clone(&clock)).with_granularity(Duration::from_millis(10));
    memory.make_directory(Path::new("/dir"))?;
    let dir = memory.open_root(Path::new("/dir"))?;
    let file = dir.create_file(&name("file"))?;
    assert_eq!(file.stat()?.ctime, Timestamp::from_parts(1_700_000_000, 120_000_000));
    clock.advance(Duration::from_millis(6));
    file.write_all_at(b"x", 0)?;
    assert_eq!(file.stat()?.mtime, Timestamp::from_parts(1_700_000_000, 120_000_000));
    clock.advance(Duration::from_millis(1));
    file.set_mtime(start())?;
    assert_eq!((file.stat()?.mtime, file.stat()?.ctime), (start(), Timestamp::from_parts(1_700_000_000, 130_000_000)));
    Ok(())
}

#[test]
fn an_open_file_outlives_its_name_and_gives_its_room_back() -> Outcome {
    let memory = memory().with_capacity(10);
    let root = memory.open_root(Path::new("/"))?;
    let file = root.create_file(&name("file"))?;
    file.write_all_at(b"12345678", 0)?;
    let reader = root.open_file(&name("file"))?;
    root.remove_file(&name("file"))?;
    drop(file);
    let mut buffer = [0; 16];
    assert_eq!(reader.read_at(&mut buffer, 6)?, 2);
    assert_eq!((&buffer[..2], reader.stat()?.links, root.free_bytes()?), (&b"78"[..], 0, 2));
    let full = root.create_file(&name("other"))?.write_all_at(b"123", 0);
    assert_eq!(full.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    assert_eq!(root.stat(&name("other"))?.size, 0);
    drop(reader);
    assert_eq!(root.free_bytes()?, 10);
    Ok(())
}

#[test]
fn clones_are_one_file_system_and_two_are_not() -> Outcome {
    let memory = memory();
    memory.make_directory(Path::new("/dir"))?;
    let same = memory.clone().open_root(Path::new("/"))?;
    let other = self::memory().open_root(Path::new("/"))?;
    let refused = same.rename(&name("dir"), &*other, &name("dir"));
    assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::CrossesDevices));
    assert_eq!(same.filesystem()?, other.filesystem()?);
    memory.set_filesystem(FilesystemIdentity { kind: "other".to_owned(), ..other.filesystem()? });
    assert_ne!(same.filesystem()?, other.filesystem()?);
    Ok(())
}

#[test]
fn roots_are_directories_at_absolute_paths() -> Outcome {
    let memory = memory();
    furnished(&memory)?;
    let kind = |path: &str| memory.open_root(Path::new(path)).map(|_| ()).map_err(|error| error.kind());
    assert_eq!(kind("/src/a"), Ok(()));
    assert_eq!(kind("src"), Err(io::ErrorKind::InvalidInput));
    assert_eq!(kind("/src/../src"), Err(io::ErrorKind::InvalidInput));
    assert_eq!(kind("/none"), Err(io::ErrorKind::NotFound));
    assert_eq!(kind("/src/c"), Err(io::ErrorKind::NotADirectory));
    assert!(memory.make_directory(Path::new("/src/c/x")).is_err());
    assert!(memory.make_special(Path::new("/src/c")).is_err());
    Ok(())
}
