//! A name that the receiver's disk cannot hold: it is named, everything else is delivered, and the mirror stands still for
//! nothing.

use std::io;
use std::sync::Arc;

use protocol::RelPath;
use seams::memory::FaultHook;

use super::world::{Kind, World, remove, write};

const ENAMETOOLONG: i32 = 36;

/// From now on the receiver's disk holds names of at most so many bytes.
fn limit_names(world: &World, most: usize) {
    let hook: FaultHook = Arc::new(move |operation| {
        let is_too_long = |path: &[u8]| path.split(|byte| *byte == b'/').any(|name| name.len() > most);
        let paths = [Some(&operation.path), operation.to.as_ref()];
        let fails = paths.into_iter().flatten().any(|path| path.starts_with(b"/data/") && is_too_long(path));
        fails.then(|| io::Error::from_raw_os_error(ENAMETOOLONG))
    });
    world.fs.set_fault_hook(Some(hook));
}

#[test]
fn a_name_that_the_receivers_disk_cannot_hold_is_named_and_all_else_goes_on() {
    for kind in 0..3 {
        let world = World::with(kind, Kind::Tree);
        let long = "n".repeat(150);
        write(&world, "d/a", "1");
        limit_names(&world, 140);
        write(&world, &format!("d/{long}"), "too long");
        write(&world, &format!("{long}/inner/f"), "below it");
        write(&world, "d/b", "2");
        for round in 0..3 {
            write(&world, "d/a", &format!("{round} of {kind}"));
            let report = world.round();
            assert!(report.failure.is_none(), "{:?}", report.failure);
            let named: Vec<String> = report.problems.iter().map(|(path, _)| path.to_string()).collect();
            assert!(named.iter().any(|path| path.ends_with(&format!("d/{long}"))), "{named:?}");
            assert!(named.contains(&long), "{named:?}");
            let is_short = |path: &RelPath| !path.to_string().contains(&long);
            let mut wanted = world.in_source();
            wanted.retain(|path, _| is_short(path));
            let mirrored = world.mirrored();
            assert!(
                wanted
                    .iter()
                    .all(|(path, entry)| mirrored.get(path).map(protocol::Entry::content) == Some(entry.content()))
            );
            assert!(mirrored.keys().all(is_short));
            world.clock.advance(std::time::Duration::from_hours(24));
        }
        world.fs.set_fault_hook(None);
        remove(&world, "d/b");
        for _ in 0..3 {
            world.clock.advance(std::time::Duration::from_hours(24));
            drop(world.round());
        }
        assert_eq!(world.mirrored(), world.in_source());
    }
}
