//! The matrix of safety: every way in which a source, or a part of it, can seem empty, as root and as an ordinary
//! user. In no cell is anything deleted that was not proven to be gone, and what else changed is delivered.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::support::tree::{Item, names, read};
use crate::support::world::ORDINARY_USER;
use crate::support::{Kind, Mounts, Outcome, World, assert_mirrored, write};

/// Where the trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the root of the source: `source`, a file system of its own.
    Root,
    /// In a part of it: `source/sub`, one more file system.
    Part,
}

/// What must come of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It stops and touches nothing.
    Stops,
    /// It goes on to its end with a problem at the root, and touches nothing.
    Complains,
    /// It keeps all that the mirror has of the part, and delivers the rest.
    Keeps,
    /// What is not there any more was really deleted.
    Mirrors,
}

impl Fate {
    fn exit(self) -> i32 {
        match self {
            Self::Stops => 1,
            Self::Complains | Self::Keeps => 3,
            Self::Mirrors => 0,
        }
    }
}

/// One kind of trouble at one place.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    name: &'static str,
    place: Place,
    /// Shell that makes it.
    makes: &'static str,
    /// A system call that fails in the round, where nothing else can make it fail, and how.
    injected: Option<(&'static str, &'static str)>,
    /// Whether only an ordinary user is troubled by it.
    spares_root: bool,
    fate: Fate,
    /// What the round must say.
    says: &'static [&'static str],
    /// Shell that ends it.
    heals: &'static str,
}

const NONE: Trouble = Trouble {
    name: "",
    place: Place::Root,
    makes: "",
    injected: None,
    spares_root: false,
    fate: Fate::Stops,
    says: &[],
    heals: "",
};
const PART: Trouble = Trouble { place: Place::Part, fate: Fate::Keeps, ..NONE };
const MOUNT_ROOT: &str = "mkdir -p source\nmount -o loop root.img source\nmount -o loop part.img source/sub";
const MOUNT_PART: &str = "mkdir -p source/sub\nmount -o loop part.img source/sub";

const TROUBLES: [Trouble; 20] = [
    Trouble {
        name: "umount",
        makes: "umount source/sub\numount source",
        says: &["expected ext4", "found"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "umount",
        makes: "umount source/sub",
        says: &["sub", "expected ext4", "found"],
        heals: MOUNT_PART,
        ..PART
    },
    Trouble {
        name: "umount -l",
        makes: "umount -l source",
        says: &["expected ext4", "found"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "umount -l",
        makes: "umount -l source/sub",
        says: &["sub", "expected ext4", "found"],
        heals: MOUNT_PART,
        ..PART
    },
    Trouble {
        name: "EACCES",
        makes: "chmod 0 source",
        spares_root: true,
        says: &["source", "ermission denied"],
        heals: "chmod 755 source",
        ..NONE
    },
    Trouble {
        name: "EACCES",
        makes: "chmod 0 source/sub",
        spares_root: true,
        says: &["sub", "ermission denied"],
        heals: "chmod 755 source/sub",
        ..PART
    },
    Trouble {
        name: "EACCES at open",
        injected: Some(("openat,openat2", "EACCES")),
        says: &["source", "ermission denied"],
        ..NONE
    },
    Trouble {
        name: "EACCES at open",
        injected: Some(("openat,openat2", "EACCES")),
        says: &["sub", "ermission denied"],
        ..PART
    },
    Trouble { name: "EIO at open", injected: Some(("openat,openat2", "EIO")), says: &["nput/output error"], ..NONE },
    Trouble {
        name: "EIO at open",
        injected: Some(("openat,openat2", "EIO")),
        says: &["sub", "nput/output error"],
        ..PART
    },
    Trouble {
        name: "EIO in a listing",
        injected: Some(("getdents64", "EIO")),
        fate: Fate::Complains,
        says: &["nput/output error"],
        ..NONE
    },
    Trouble {
        name: "EIO in a listing",
        injected: Some(("getdents64", "EIO")),
        says: &["sub", "nput/output error"],
        ..PART
    },
    Trouble {
        name: "ESTALE",
        injected: Some(("getdents64,openat,openat2", "ESTALE")),
        says: &["tale file handle"],
        ..NONE
    },
    Trouble {
        name: "ESTALE",
        injected: Some(("getdents64,openat,openat2", "ESTALE")),
        says: &["sub", "tale file handle"],
        ..PART
    },
    Trouble {
        name: "emptied",
        makes: "umount source/sub\nrm -r source/*",
        says: &["the source is empty", "the mirror is not"],
        ..NONE
    },
    Trouble { name: "emptied", makes: "rm -r source/sub/*", fate: Fate::Mirrors, ..PART },
    Trouble {
        name: "replaced",
        makes: "umount source/sub\numount source\nmount -o loop other.img source",
        says: &["expected ext4", "found ext4"],
        heals: "umount source\nmount -o loop root.img source\nmount -o loop part.img source/sub",
        ..NONE
    },
    Trouble {
        name: "replaced",
        makes: "umount source/sub\nmount -o loop other.img source/sub",
        says: &["sub", "expected ext4", "found ext4"],
        heals: "umount source/sub\nmount -o loop part.img source/sub",
        ..PART
    },
    Trouble {
        name: "mount gone",
        makes: "umount source/sub\numount source\nrmdir source",
        says: &["source", "o such file or directory"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "mount gone",
        makes: "umount source/sub\nrmdir source/sub",
        says: &["sub", "ext4", "was mounted here"],
        heals: MOUNT_PART,
        ..PART
    },
];

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
