//! One round of a mirror at a time: a kernel lock in the mirror's state directory.
//!
//! It dies with the process, so there is no stale lock to remove. It guards rounds, not the database: other commands
//! read beside a running loop.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as a round, or a loop of rounds, goes on.
#[derive(Debug)]
pub(crate) struct MirrorLock {
    _file: File,
}

impl MirrorLock {
    /// Takes the lock; nothing if another process has it.
    ///
    /// # Errors
    /// Where the lock file cannot be made.
    pub(crate) fn take(state: &Path) -> io::Result<Option<Self>> {
        let file = File::options().create(true).truncate(false).write(true).open(state.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_at_once_one_holds_the_lock_and_it_ends_with_its_holder() {
        let state = tempfile::tempdir().expect("a temporary directory");
        let held: Vec<_> = (0..100).filter_map(|_| MirrorLock::take(state.path()).expect("a lock file")).collect();
        assert_eq!(held.len(), 1);
        drop(held);
        assert!(MirrorLock::take(state.path()).expect("a lock file").is_some());
    }
}
