//! [`World`]: a file system of either kind, and what tests hold open in it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Name, Timestamp};
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::fs::{Directory, File, Fs};
use crate::memory::{ManualClock, Memory};

/// Handles held at once; a new one takes an old one's place.
const MAX_HANDLES: usize = 5;

pub(super) struct World {
    kind: Kind,
    pub(super) directories: Slots<Arc<dyn Directory>>,
    pub(super) files: Slots<Box<dyn File>>,
}

enum Kind {
    Disk(TempDir),
    Memory(Memory, Arc<ManualClock>),
}

/// Open handles, found by any number.
pub(super) struct Slots<T> {
    held: Vec<T>,
    next: usize,
}

impl<T> Slots<T> {
    pub(super) fn get(&self, number: usize) -> Option<&T> {
        (!self.held.is_empty()).then(|| &self.held[number % self.held.len()])
    }

    /// The first slot is never given up.
    pub(super) fn push(&mut self, handle: T) {
        if self.held.len() < MAX_HANDLES {
            return self.held.push(handle);
        }
        self.held[1 + self.next % (MAX_HANDLES - 1)] = handle;
        self.next += 1;
    }
}

impl World {
    pub(super) fn on_disk() -> io::Result<Self> {
        let place = tempfile::tempdir()?;
        let root = Disk.open_root(place.path())?;
        Ok(Self::new(Kind::Disk(place), root))
    }

    pub(super) fn in_memory() -> io::Result<Self> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_parts(1_700_000_000, 0)));
        let memory = Memory::new(Arc::<ManualClock>::clone(&clock));
        let root = memory.open_root(Path::new("/"))?;
        Ok(Self::new(Kind::Memory(memory, clock), root))
    }

    fn new(kind: Kind, root: Arc<dyn Directory>) -> Self {
        let directories = Slots { held: vec![root], next: 0 };
        Self { kind, directories, files: Slots { held: Vec::new(), next: 0 } }
    }

    pub(super) fn root(&self) -> &Arc<dyn Directory> {
        self.directories.get(0).expect("the first slot is the root for ever")
    }

    /// Makes a FIFO in the root.
    pub(super) fn make_special(&self, name: &Name) -> io::Result<()> {
        use std::os::unix::ffi::OsStrExt;
        let file = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
        match &self.kind {
            Kind::Disk(place) => Ok(mkfifoat(CWD, place.path().join(file), Mode::RUSR | Mode::WUSR)?),
            Kind::Memory(memory, _) => memory.make_special(&Path::new("/").join(file)),
        }
    }

    /// Lets the stamps' clock move on. On the disk it is asked again and again until it has.
    pub(super) fn tick(&self) -> io::Result<()> {
        if let Kind::Memory(_, clock) = &self.kind {
            clock.advance(Duration::from_secs(1));
            return Ok(());
        }
        let scratch = tempfile::tempdir()?;
        let scratch = Disk.open_root(scratch.path())?;
        let began = scratch.own_stat()?.ctime;
        while scratch.own_stat()?.ctime == began {
            scratch.set_own_mode(0o700)?;
        }
        Ok(())
    }
}
