//! What a test can make of file systems in memory: mounts, wrong clocks, bad habits.

use std::error::Error;
use std::sync::Mutex;

use protocol::{RelPath, Timestamp};
use rustix::io::Errno;

use super::*;
use crate::fs::{FileKind, Stat, Step};

type Outcome = Result<(), Box<dyn Error>>;

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("a name in this test")
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_parts(1_700_000_000, 0)))
}

/// A machine with `/disk/under/old`, and another file system with `sub/new` in it, to be mounted at `/disk/under`.
fn two() -> io::Result<(Memory, Memory)> {
    let machine = Memory::new(clock());
    machine.make_directory(Path::new("/disk/under/old"))?;
    let disk = machine.another();
    disk.make_directory(Path::new("/sub"))?;
    disk.open_root(Path::new("/sub"))?.create_file(&name("new"))?;
    Ok((machine, disk))
}

const PLACE: &str = "/disk/under";

fn errno<T>(outcome: io::Result<T>) -> Option<i32> {
    outcome.err().and_then(|error| error.raw_os_error())
}

fn names(directory: &dyn Directory) -> Vec<String> {
    let mut walk = directory.walk();
    let named = |step| match step {
        Step::Name { name, .. } => name.to_string(),
        Step::Incomplete { error, .. } => error.to_string(),
    };
    std::iter::from_fn(|| walk.next_step()).map(named).collect()
}

#[test]
fn a_mounted_file_system_is_reached_by_every_way_in_and_hides_what_was_there() -> Outcome {
    let (machine, disk) = two()?;
    machine.mount(Path::new(PLACE), &disk)?;
    let top = machine.open_root(Path::new("/disk"))?;
    assert_eq!(names(&*top), ["under", "sub", "new"]);
    assert_eq!(top.open_directory(&name("under"))?.list()?, [name("sub")]);
    assert_eq!(top.open_below(&RelPath::parse(b"under/sub")?)?.list()?, [name("new")]);
    assert_eq!(machine.open_root(Path::new("/disk/under/sub"))?.list()?, [name("new")]);
    machine.make_directory(Path::new("/disk/under/sub/made"))?;
    assert_eq!(disk.open_root(Path::new("/sub"))?.list()?, ["made", "new"].map(name));
    Ok(())
}

#[test]
fn a_mount_point_is_on_another_device_and_each_mount_is_a_new_one() -> Outcome {
    let (machine, disk) = two()?;
    let at = |machine: &Memory| -> io::Result<Stat> {
        let stat = machine.open_root(Path::new("/disk"))?.stat(&name("under"))?;
        assert_eq!(stat, machine.open_root(Path::new(PLACE))?.own_stat()?, "by name or by handle");
        Ok(stat)
    };
    let under = at(&machine)?;
    machine.mount(Path::new(PLACE), &disk)?;
    let first = at(&machine)?;
    machine.unmount(Path::new(PLACE))?;
    assert_eq!(at(&machine)?, under);
    machine.mount(Path::new(PLACE), &disk)?;
    let second = at(&machine)?;
    assert!(under.device != first.device && first.device != second.device && under.device != second.device);
    assert_eq!(second, Stat { device: second.device, ..first });
    Ok(())
}

#[test]
fn a_busy_file_system_is_unmounted_only_lazily_and_open_handles_go_on_working() -> Outcome {
    let (machine, disk) = two()?;
    machine.mount(Path::new(PLACE), &disk)?;
    let held = machine.open_root(Path::new("/disk/under/sub"))?;
    assert_eq!(errno(machine.unmount(Path::new(PLACE))), Some(Errno::BUSY.raw_os_error()));
    disk.make_directory(Path::new("/sub/deep"))?;
    let deep = machine.another();
    deep.make_directory(Path::new("/file"))?;
    machine.mount(Path::new("/disk/under/sub/deep"), &deep)?;
    assert_eq!(held.open_directory(&name("deep"))?.list()?, [name("file")]);
    machine.unmount_lazily(Path::new(PLACE))?;
    assert_eq!(held.list()?, ["deep", "new"].map(name));
    assert!(held.open_directory(&name("deep"))?.list()?.is_empty(), "what was mounted below is gone, too");
    assert_eq!(machine.open_root(Path::new(PLACE))?.list()?, [name("old")]);
    assert_eq!(errno(machine.unmount(Path::new(PLACE))), Some(Errno::INVAL.raw_os_error()));
    Ok(())
}

#[test]
fn a_mount_point_cannot_be_renamed_removed_or_linked_across() -> Outcome {
    let (machine, disk) = two()?;
    machine.mount(Path::new(PLACE), &disk)?;
    let top = machine.open_root(Path::new("/disk"))?;
    top.create_directory(&name("empty"))?;
    let busy = Some(Errno::BUSY.raw_os_error());
    assert_eq!(errno(top.rename(&name("under"), &*top, &name("other"))), busy);
    assert_eq!(errno(top.rename(&name("empty"), &*top, &name("under"))), busy);
    assert_eq!(errno(top.remove_directory(&name("under"))), busy);
    assert_eq!(errno(machine.mount(Path::new(PLACE), &machine.another())), busy);
    let inside = top.open_below(&RelPath::parse(b"under/sub")?)?;
    let crossing = inside.rename(&name("new"), &*top, &name("new"));
    assert_eq!(errno(crossing), Some(Errno::XDEV.raw_os_error()));
    Ok(())
}

#[test]
fn one_hook_sees_every_file_system_of_the_machine_by_absolute_paths() -> Outcome {
    let (machine, disk) = two()?;
    machine.mount(Path::new(PLACE), &disk)?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    disk.set_fault_hook(Some(Arc::new(move |operation: &Operation| {
        log.lock().expect("no test panics here").push(String::from_utf8_lossy(&operation.path).into_owned());
        None
    })));
    let root = machine.open_root(Path::new(PLACE))?;
    root.own_stat()?;
    let sub = root.open_directory(&name("sub"))?;
    sub.rename(&name("new"), &*root, &name("newer"))?;
    let expected = ["/disk/under", "/disk/under", "/disk/under/sub", "/disk/under/sub/new"];
    assert_eq!(*seen.lock().expect("no test panics here"), expected);
    Ok(())
}

#[test]
fn another_clock_stamps_ahead_or_behind_and_the_machine_keeps_its_own() -> Outcome {
    let clock = clock();
    let machine = Memory::new(Arc::<ManualClock>::clone(&clock));
    let server = machine.another().with_clock_ahead(-300_000_000_000).with_granularity(Duration::from_secs(1));
    clock.advance(Duration::from_millis(1_999));
    let root = server.open_root(Path::new("/"))?;
    assert_eq!(root.own_stat()?.ctime, Timestamp::from_parts(1_699_999_700, 0), "made before");
    root.create_directory(&name("made"))?;
    assert_eq!(root.own_stat()?.ctime, Timestamp::from_parts(1_699_999_701, 0));
    server.set_clock_ahead(300_000_000_000);
    root.set_own_mode(0o700)?;
    assert_eq!(root.own_stat()?.ctime, Timestamp::from_parts(1_700_000_301, 0));
    let own = machine.open_root(Path::new("/"))?;
    own.create_directory(&name("made"))?;
    assert_eq!(own.own_stat()?.ctime, clock.now());
    Ok(())
}

#[test]
fn bytes_that_change_silently_move_no_stamp() -> Outcome {
    let memory = Memory::new(clock());
    let root = memory.open_root(Path::new("/"))?;
    root.create_file(&name("file"))?.write_all_at(b"abcdef", 0)?;
    let before = root.stat(&name("file"))?;
    memory.write_silently(Path::new("/file"), b"XY", 2)?;
    let mut bytes = [0; 8];
    let length = root.open_file(&name("file"))?.read_at(&mut bytes, 0)?;
    assert_eq!((&bytes[..length], root.stat(&name("file"))?), (&b"abXYef"[..], before));
    assert!(memory.write_silently(Path::new("/file"), b"XY", 5).is_err(), "a size would change");
    assert!(memory.write_silently(Path::new("/"), b"", 0).is_err());
    Ok(())
}

#[test]
fn inodes_and_ctimes_change_by_themselves_and_nothing_else_does() -> Outcome {
    let clock = clock();
    let memory = Memory::new(Arc::<ManualClock>::clone(&clock));
    let root = memory.open_root(Path::new("/"))?;
    root.create_file(&name("a"))?;
    root.create_directory(&name("b"))?;
    let stats = || -> io::Result<Vec<Stat>> { [name("a"), name("b")].iter().map(|name| root.stat(name)).collect() };
    let before = stats()?;
    clock.advance(Duration::from_secs(5));
    memory.renumber_inodes();
    let renumbered = stats()?;
    memory.renew_ctimes();
    let renewed = stats()?;
    for ((before, renumbered), renewed) in before.iter().zip(&renumbered).zip(renewed) {
        assert!(before.inode < 4 && renumbered.inode > 3, "no number is anybody else's");
        assert_eq!(*renumbered, Stat { inode: renumbered.inode, ..*before });
        assert_eq!(renewed, Stat { ctime: clock.now(), ..*renumbered });
    }
    Ok(())
}

#[test]
fn a_number_is_given_again_at_once_where_that_is_asked_for() -> Outcome {
    for (memory, again) in [(Memory::new(clock()), false), (Memory::new(clock()).with_reused_inodes(), true)] {
        let root = memory.open_root(Path::new("/"))?;
        root.create_file(&name("a"))?;
        let was = root.stat(&name("a"))?.inode;
        root.remove_file(&name("a"))?;
        root.create_symlink(&name("b"), b"x")?;
        let now = root.stat(&name("b"))?;
        assert_eq!((now.kind, now.inode == was), (FileKind::Symlink, again));
    }
    Ok(())
}
