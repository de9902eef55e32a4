//! A place for a source: a directory of this machine, or a file system of some kind, mounted for the test.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::mounts::{Kind, Mounts};
use super::tree::assert_mirrored;
use super::world::Outcome;
use super::{World, wait_until};

/// A world whose source may lie on a file system that only the world's own commands see.
#[derive(Debug)]
pub(crate) struct Place {
    // Before the world: what is mounted there goes first.
    pub(crate) mounts: Option<Mounts>,
    pub(crate) world: World,
    pub(crate) kind: Option<Kind>,
}

impl Place {
    /// On the file system of temporary directories.
    pub(crate) fn here() -> Self {
        Self { mounts: None, world: World::new(), kind: None }
    }

    /// The source is the root of a file system of this kind, made in `disk.img`.
    #[track_caller]
    pub(crate) fn on(kind: Kind) -> Self {
        let world = World::new();
        let mounts = Mounts::new(&world, &(kind.script("disk", "source") + "rm -rf source/lost+found"));
        Self { mounts: Some(mounts), world, kind: Some(kind) }
    }

    /// The source, as the test sees it.
    pub(crate) fn source(&self) -> PathBuf {
        let source = self.world.source();
        self.mounts.as_ref().map_or_else(|| source.clone(), |mounts| mounts.path(&source))
    }

    /// Runs the command to its end.
    #[track_caller]
    pub(crate) fn outcome(&self, command: &mut Command) -> Outcome {
        match &self.mounts {
            Some(mounts) => mounts.outcome(command),
            None => command.output().expect("the command can be run").into(),
        }
    }

    /// Runs a script of a shell, which must go well, in the directory of the world.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", script]).env("PATH", super::mounts::PATH).current_dir(self.world.path(""));
        self.outcome(&mut shell).expect(0);
    }

    /// One round to the local directory, with `--json` and more arguments.
    #[track_caller]
    pub(crate) fn scan(&self, more: &[&str]) -> Outcome {
        let fixed = ["scan", "source", "--to", "data", "--json"];
        self.outcome(&mut self.world.command(&[&fixed, more].concat()))
    }

    /// A round that must go well; the mirror must then be the source.
    #[track_caller]
    pub(crate) fn round(&self) -> Outcome {
        let outcome = self.scan(&[]).expect(0);
        assert_mirrored(&self.source(), &self.world.mirror());
        outcome
    }

    /// Rounds until every file is trusted, so that none is read any more.
    #[track_caller]
    pub(crate) fn quiet(&self) {
        self.round();
        wait_until("nothing is read any more", || self.scan(&[]).expect(0).count("bytes_read") == 0);
    }
}

/// Runs a check on every kind of file system, all beside each other.
pub(crate) fn on_every_kind(kinds: &[Kind], check: fn(&Place)) {
    thread::scope(|scope| {
        let runs: Vec<_> = kinds.iter().map(|kind| (kind, scope.spawn(|| check(&Place::on(*kind))))).collect();
        let wrong: Vec<_> = runs.into_iter().filter_map(|(kind, run)| run.join().is_err().then_some(kind)).collect();
        assert!(wrong.is_empty(), "wrong on {wrong:?}");
    });
}
