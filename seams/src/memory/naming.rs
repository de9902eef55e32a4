//! What operations on names do to the table.

use std::io;

use protocol::limits::MAX_LINK_TARGET_BYTES;
use protocol::{Name, Timestamp};
use rustix::io::Errno;

use super::inode::{Content, Inode, Number, Place};
use super::inodes::Inodes;

impl Inodes {
    /// Makes something new under a name that must be free.
    pub(super) fn create(
        &mut self,
        directory: Number,
        name: &Name,
        content: Content,
        mode: u16,
        now: Timestamp,
    ) -> io::Result<Number> {
        self.expect_free(directory, name)?;
        let number = self.insert(Inode::new(content, mode, now));
        self.attach(directory, name, number, now);
        Ok(number)
    }

    pub(super) fn create_symlink(
        &mut self,
        directory: Number,
        name: &Name,
        target: &[u8],
        now: Timestamp,
    ) -> io::Result<()> {
        match target.len() {
            0 => Err(Errno::NOENT.into()),
            1..=MAX_LINK_TARGET_BYTES => {
                self.create(directory, name, Content::Symlink(target.to_vec()), 0o777, now).map(|_| ())
            }
            _ => Err(Errno::NAMETOOLONG.into()),
        }
    }

    /// Gives what is no directory one more name.
    pub(super) fn link(&mut self, number: Number, to: Number, name: &Name, now: Timestamp) -> io::Result<()> {
        self.expect_free(to, name)?;
        if self.get(number).is_directory() {
            return Err(Errno::PERM.into());
        }
        let inode = self.get_mut(number);
        inode.links += 1;
        inode.ctime = now;
        self.attach(to, name, number, now);
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        from: Number,
        name: &Name,
        to: Number,
        to_name: &Name,
        now: Timestamp,
    ) -> io::Result<()> {
        let moved = self.lookup(from, name)?;
        let victim = self.lookup_in_living(to, to_name)?;
        self.check_rename(moved, victim, from, to)?;
        if victim == Some(moved) {
            return Ok(());
        }
        if let Some(victim) = victim {
            self.detach(to, to_name, now);
            self.unlink(victim, now);
        }
        self.detach(from, name, now);
        self.attach(to, to_name, moved, now);
        self.get_mut(moved).ctime = now;
        Ok(())
    }

    pub(super) fn remove_file(&mut self, directory: Number, name: &Name, now: Timestamp) -> io::Result<()> {
        let number = self.lookup(directory, name)?;
        if self.get(number).is_directory() {
            return Err(Errno::ISDIR.into());
        }
        self.detach(directory, name, now);
        self.unlink(number, now);
        Ok(())
    }

    pub(super) fn remove_directory(&mut self, directory: Number, name: &Name, now: Timestamp) -> io::Result<()> {
        let number = self.lookup(directory, name)?;
        self.expect_not_mounted_on(number)?;
        if !self.names(number)?.entries.is_empty() {
            return Err(Errno::NOTEMPTY.into());
        }
        self.detach(directory, name, now);
        self.unlink(number, now);
        Ok(())
    }

    /// What a name leads to, if it is taken, in a directory that could still get new names.
    fn lookup_in_living(&self, directory: Number, name: &Name) -> io::Result<Option<Number>> {
        let found = self.names(directory)?.entries.get(name).copied();
        if self.is_removed(directory) { Err(Errno::NOENT.into()) } else { Ok(found) }
    }

    fn expect_free(&self, directory: Number, name: &Name) -> io::Result<()> {
        match self.lookup_in_living(directory, name)? {
            Some(_) => Err(Errno::EXIST.into()),
            None => Ok(()),
        }
    }

    /// In the kernel's order, which decides between two possible errors.
    fn check_rename(&self, moved: Number, victim: Option<Number>, from: Number, to: Number) -> io::Result<()> {
        if self.is_at_or_above(moved, to) {
            return Err(Errno::INVAL.into());
        }
        let Some(victim) = victim.filter(|victim| *victim != moved) else {
            return self.expect_not_mounted_on(moved);
        };
        if self.is_at_or_above(victim, from) {
            return Err(Errno::NOTEMPTY.into());
        }
        self.expect_not_mounted_on(moved).and_then(|()| self.expect_not_mounted_on(victim))?;
        match (self.get(moved).is_directory(), &self.get(victim).content) {
            (true, Content::Directory(names)) if !names.entries.is_empty() => Err(Errno::NOTEMPTY.into()),
            (true, Content::Directory(_)) => Ok(()),
            (true, _) => Err(Errno::NOTDIR.into()),
            (false, Content::Directory(_)) => Err(Errno::ISDIR.into()),
            (false, _) => Ok(()),
        }
    }

    fn is_at_or_above(&self, ancestor: Number, directory: Number) -> bool {
        let parent = |at: &Number| match self.place(*at) {
            Place::In(parent, _) => Some(*parent),
            Place::Top | Place::Removed(_) => None,
        };
        std::iter::successors(Some(directory), parent).any(|at| at == ancestor)
    }

    /// Puts a name in a directory that does not have it.
    fn attach(&mut self, directory: Number, name: &Name, number: Number, now: Timestamp) {
        if let Content::Directory(names) = &mut self.get_mut(number).content {
            names.place = Place::In(directory, name.clone());
            self.get_mut(directory).links += 1;
        }
        let parent = self.get_mut(directory);
        parent.touch(now);
        if let Content::Directory(names) = &mut parent.content {
            names.entries.insert(name.clone(), number);
        }
    }

    /// Takes a name out of a directory; what it led to still believes it is there.
    fn detach(&mut self, directory: Number, name: &Name, now: Timestamp) {
        let parent = self.get_mut(directory);
        parent.touch(now);
        let Content::Directory(names) = &mut parent.content else { return };
        if let Some(number) = names.entries.remove(name)
            && self.get(number).is_directory()
        {
            self.get_mut(directory).links -= 1;
        }
    }

    /// One name less; a directory has no other.
    fn unlink(&mut self, number: Number, now: Timestamp) {
        let last_path = self.path(number);
        let inode = self.get_mut(number);
        inode.ctime = now;
        inode.links -= 1;
        if let Content::Directory(names) = &mut inode.content {
            names.place = Place::Removed(last_path);
            inode.links = 0;
        }
        self.forget_if_unused(number);
    }
}
