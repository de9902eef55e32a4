//! [`Handle`]: an inode held open; and the [`Shared`] state behind all handles.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use protocol::Timestamp;

use super::inode::Number;
use super::inodes::Inodes;
use super::machine::Machine;
use super::operation::Operation;
use crate::clock::Clock;
use crate::fs::FilesystemIdentity;

/// What all handles of a file system share.
pub(super) struct Shared {
    inodes: Mutex<Inodes>,
    settings: Mutex<Settings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) machine: Arc<Machine>,
}

/// What a test may set at any time.
pub(super) struct Settings {
    pub(super) granularity: Duration,
    /// How far the clock that stamps is ahead of the machine's, in nanoseconds; less than 0 where it is behind.
    pub(super) clock_ahead: i64,
    pub(super) walk_reach: usize,
    pub(super) filesystem: FilesystemIdentity,
    /// Where hooks see it. Stays when it is unmounted.
    pub(super) mounted_at: Vec<u8>,
}

impl Shared {
    /// An empty file system of a machine.
    pub(super) fn on(machine: Arc<Machine>, clock: Arc<dyn Clock>) -> Self {
        let filesystem =
            FilesystemIdentity { kind: "memory".to_owned(), id: b"memory".to_vec(), local: true, stable_inodes: true };
        let settings = Settings {
            granularity: Duration::from_nanos(1),
            clock_ahead: 0,
            walk_reach: usize::MAX,
            filesystem,
            mounted_at: b"/".to_vec(),
        };
        let inodes = Inodes::new(machine.new_device(), clock.now());
        Self { inodes: Mutex::new(inodes), settings: Mutex::new(settings), clock, machine }
    }

    pub(super) fn inodes(&self) -> MutexGuard<'_, Inodes> {
        self.inodes.lock().expect("no holder of this lock panics")
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().expect("no holder of this lock panics")
    }

    /// The stamp that a change gets now.
    pub(super) fn now(&self) -> Timestamp {
        let Settings { granularity, clock_ahead, .. } = *self.settings();
        let granularity = i64::try_from(granularity.as_nanos()).unwrap_or(i64::MAX).max(1);
        let now = self.clock.now().plus_nanos(clock_ahead);
        now.plus_nanos(-now.as_nanos().rem_euclid(granularity))
    }

    /// Asks the hook. No lock is held meanwhile, so that the hook may use the file system.
    pub(super) fn check(&self, operation: impl FnOnce(&Inodes) -> Operation) -> io::Result<()> {
        let Some(hook) = self.machine.hook() else {
            return Ok(());
        };
        let within = operation(&self.inodes());
        let place = self.settings().mounted_at.clone();
        hook(&within.below(&place)).map_or(Ok(()), Err)
    }

    /// Does one operation, if the hook lets it.
    pub(super) fn perform<T>(
        &self,
        operation: impl FnOnce(&Inodes) -> Operation,
        act: impl FnOnce(&mut Inodes, Timestamp) -> io::Result<T>,
    ) -> io::Result<T> {
        self.check(operation)?;
        let now = self.now();
        act(&mut self.inodes(), now)
    }

    /// Opens what an operation finds or makes.
    pub(super) fn open(
        self: &Arc<Self>,
        operation: impl FnOnce(&Inodes) -> Operation,
        find: impl FnOnce(&mut Inodes, Timestamp) -> io::Result<Number>,
    ) -> io::Result<Handle> {
        let number = self.perform(operation, |inodes, now| {
            let number = find(inodes, now)?;
            inodes.hold(number);
            Ok(number)
        })?;
        Ok(Handle { shared: Arc::clone(self), number })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// An inode held open: it stays when its last name goes.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) number: Number,
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.shared.inodes().hold(self.number);
        Self { shared: Arc::clone(&self.shared), number: self.number }
    }
}

/// Never dropped while the table is locked: closing locks it.
impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.inodes().release(self.number);
    }
}
