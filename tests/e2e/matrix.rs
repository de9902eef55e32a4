//! The matrix of safety: every way in which a source, or a part of it, can seem empty, as root and as an ordinary
//! user. In no cell is anything deleted that was not proven to be gone, and what else changed is delivered.

mod troubles;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::support::tree::{Item, names, read};
use crate::support::world::ORDINARY_USER;
use crate::support::{Kind, Mounts, Outcome, World, assert_mirrored, write};

use troubles::{Fate, Place, TROUBLES, Trouble};

/// One cell: a trouble, and who makes the rounds.
#[derive(Debug, Clone, Copy)]
struct Cell {
    trouble: Trouble,
    as_root: bool,
}

impl Cell {
    fn all() -> impl Iterator<Item = Self> {
        let both = |trouble| [true, false].map(|as_root| Self { trouble, as_root });
        TROUBLES.into_iter().flat_map(both).filter(|cell| !(cell.as_root && cell.trouble.spares_root))
    }

    fn name(&self) -> String {
        let who = if self.as_root { "root" } else { "an ordinary user" };
        format!("{} at the {:?}, as {who}", self.trouble.name, self.trouble.place)
    }

    /// A source with everything in place, mirrored once.
    fn ready(&self) -> (World, Mounts) {
        let world = if self.as_root { World::new() } else { World::new().run_by_an_ordinary_user() };
        let other = "truncate -s 32M other.img\nmkfs.ext4 -q -F other.img >&2\n";
        let script = Kind::Ext4.script("root", "source") + &Kind::Ext4.script("part", "source/sub") + other;
        let mounts = Mounts::new(&world, &(script + "rmdir source{,/sub}/lost+found\n"));
        let source = mounts.path(&world.source());
        write(&source, &["keep=1", "gone=2", "beside/c=3", "sub/a=4", "sub/deep/b=5"]);
        if !self.as_root {
            mounts.run(&format!("chown -R {ORDINARY_USER}:{ORDINARY_USER} source"));
        }
        mounts.outcome(&scan(&world)).expect(0);
        assert_mirrored(&source, &world.mirror());
        (world, mounts)
    }

    /// The round in trouble.
    fn round(&self, world: &World, mounts: &Mounts) -> Outcome {
        let Some((calls, error)) = self.trouble.injected else { return mounts.outcome(&scan(world)) };
        let (place, name) = match self.trouble.place {
            Place::Root => (world.source(), "source"),
            Place::Part => (world.source().join("sub"), "sub"),
        };
        mounts.outcome(&injected(&scan(world), calls, error, &[&place, Path::new(name)]))
    }

    fn prove(&self) {
        let (world, mounts) = self.ready();
        let source = mounts.path(&world.source());
        let before = read(&world.mirror());
        // Somebody reads a file there; a file system in use can only be unmounted lazily.
        let is_lazy = self.trouble.makes.contains("umount -l");
        let in_use = is_lazy.then(|| File::open(source.join("sub/a")).expect("opened"));
        if self.trouble.place == Place::Part {
            write(&source, &["keep=changed", "new=6"]);
            fs::remove_file(source.join("gone")).expect("removed");
        }
        mounts.run(self.trouble.makes);
        let round = self.round(&world, &mounts).expect(self.trouble.fate.exit());
        for part in self.trouble.says {
            assert!(round.stdout.contains(part) || round.stderr.contains(part), "no `{part}` in {round:?}");
        }
        self.check(&world, &source, &before);
        drop(in_use);
        if !self.trouble.heals.is_empty() || self.trouble.injected.is_some() {
            mounts.run(self.trouble.heals);
            mounts.outcome(&scan(&world)).expect(0);
            assert_mirrored(&source, &world.mirror());
        }
    }

    fn check(&self, world: &World, source: &Path, before: &BTreeMap<PathBuf, Item>) {
        let after = read(&world.mirror());
        match self.trouble.fate {
            Fate::Stops | Fate::Complains => assert_eq!(&after, before, "the mirror is touched"),
            Fate::Keeps => {
                assert_eq!(part(&after), part(before), "what the mirror has of the part is touched");
                let all = ["beside", "beside/c", "keep", "new", "sub", "sub/a", "sub/deep", "sub/deep/b"];
                assert_eq!(names(&world.mirror()), all);
                assert_eq!(fs::read(world.mirror().join("keep")).expect("there"), b"changed");
            }
            Fate::Mirrors => assert_mirrored(source, &world.mirror()),
        }
    }
}

/// What is below the part.
fn part(tree: &BTreeMap<PathBuf, Item>) -> Vec<(&PathBuf, &Item)> {
    tree.iter().filter(|(path, _)| path.starts_with("sub") && path.as_os_str() != "sub").collect()
}

fn scan(world: &World) -> Command {
    world.command(&["scan", "source", "--to", "data", "--json"])
}

/// The command, in which these system calls fail wherever they are about one of these paths.
fn injected(command: &Command, calls: &str, error: &str, paths: &[&Path]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    traced.args(["-e", &format!("inject={calls}:error={error}")]);
    for path in paths {
        traced.arg("-P").arg(path);
    }
    traced.arg(command.get_program()).args(command.get_args());
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced
}

#[test]
#[ignore = "needs root"]
fn nothing_is_deleted_wrongly_whatever_becomes_of_a_source_or_a_part_of_it() {
    let cells = Mutex::new(Cell::all().collect::<VecDeque<_>>());
    let next = || cells.lock().expect("not poisoned").pop_front();
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(cell) = next() {
                    let proven = std::panic::catch_unwind(|| cell.prove());
                    println!(
                        "{:<48} {:?} {}",
                        cell.name(),
                        cell.trouble.fate,
                        if proven.is_ok() { "" } else { "WRONG" }
                    );
                    if proven.is_err() {
                        wrong.lock().expect("not poisoned").push(cell.name());
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("not poisoned");
    assert!(wrong.is_empty(), "these cells are wrong: {wrong:#?}");
}
