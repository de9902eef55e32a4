//! [`MemoryWalk`]: a walk that the fault hook can make fail at any point.

use std::io;
use std::sync::Arc;
use std::vec;

use protocol::Name;

use super::handle::Handle;
use super::inodes::{Inodes, join};
use super::operation::{Operation, OperationKind};
use crate::fs::{FileKind, Step, Walk};

/// A walk; its levels are the directories from where it began down to the one being listed.
pub(super) struct MemoryWalk {
    levels: Vec<Level>,
    /// Whether a directory was just named, which is then the last level or the failure.
    entered: bool,
    /// The directory just named, or the first, cannot be listed.
    failure: Option<Step>,
    reach: usize,
}

/// A directory being listed.
struct Level {
    directory: Handle,
    /// What is left of its listing. Nothing until the walk goes on in it: as on a disk, a directory is opened when it is
    /// named, and listed afterwards, so that whoever looks at it in between looks before the listing.
    names: Option<vec::IntoIter<Name>>,
    /// Length of its path within the walk and of the slash behind it, in bytes.
    prefix: usize,
}

impl Level {
    fn new(directory: Handle, prefix: usize) -> Self {
        Self { directory, names: None, prefix }
    }

    fn next_name(&mut self) -> io::Result<Option<Name>> {
        if self.names.is_none() {
            let Handle { shared, number } = &self.directory;
            let operation = |inodes: &Inodes| Operation::new(OperationKind::List, inodes.path(*number));
            let names = shared.perform(operation, |inodes, _| inodes.list(*number))?;
            self.names = Some(names.into_iter());
        }
        Ok(self.names.as_mut().and_then(Iterator::next))
    }

    fn check_next(&self, name: &Name) -> io::Result<()> {
        self.directory.shared.check(|inodes| self.operation(inodes, OperationKind::ListNext, name))
    }

    fn operation(&self, inodes: &Inodes, kind: OperationKind, name: &Name) -> Operation {
        Operation::new(kind, join(inodes.path(self.directory.number), name.as_bytes()))
    }

    /// A name may have gone since it was listed.
    fn is_directory(&self, name: &Name) -> bool {
        let inodes = self.directory.shared.inodes();
        let found = inodes.lookup(self.directory.number, name);
        found.is_ok_and(|number| inodes.kind(number) == FileKind::Directory)
    }

    fn length_with(&self, name: &Name) -> usize {
        self.prefix + name.as_bytes().len()
    }

    fn descend(&self, name: &Name) -> io::Result<Self> {
        let Handle { shared, number } = &self.directory;
        shared.check(|inodes| self.operation(inodes, OperationKind::OpenDirectory, name))?;
        let directory = shared.descend(*number, std::slice::from_ref(name))?;
        Ok(Self::new(directory, self.length_with(name) + 1))
    }
}

impl MemoryWalk {
    pub(super) fn below(directory: Handle) -> Self {
        let reach = Arc::clone(&directory.shared).settings().walk_reach;
        Self { levels: vec![Level::new(directory, 0)], entered: false, failure: None, reach }
    }

    fn enter(&mut self, depth: usize, level: io::Result<Level>) {
        match level {
            Ok(level) => self.levels.push(level),
            Err(error) => self.failure = Some(Step::Incomplete { depth, error }),
        }
    }

    fn named(&mut self, name: Name) -> Option<Step> {
        let depth = self.levels.len();
        let level = self.levels.last()?;
        if let Err(error) = level.check_next(&name) {
            self.levels.pop();
            return Some(Step::Incomplete { depth: depth - 1, error });
        }
        let is_directory = level.is_directory(&name);
        let too_deep = is_directory && level.length_with(&name) > self.reach;
        self.entered = is_directory && !too_deep;
        if self.entered {
            let below = level.descend(&name);
            self.enter(depth, below);
        }
        Some(Step::Name { depth, name, descends: self.entered, too_deep })
    }
}

impl Walk for MemoryWalk {
    fn next_step(&mut self) -> Option<Step> {
        self.entered = false;
        if let Some(failure) = self.failure.take() {
            return Some(failure);
        }
        while let Some(level) = self.levels.last_mut() {
            match level.next_name() {
                Ok(Some(name)) => return self.named(name),
                Ok(None) => drop(self.levels.pop()),
                Err(error) => {
                    self.levels.pop();
                    return Some(Step::Incomplete { depth: self.levels.len(), error });
                }
            }
        }
        None
    }

    fn skip_directory(&mut self) {
        if std::mem::take(&mut self.entered) && self.failure.take().is_none() {
            self.levels.pop();
        }
    }
}
