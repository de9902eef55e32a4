//! Trying, once at start, whether the disk can keep what a mirror needs.

use std::fmt;
use std::io;

use protocol::{Name, Timestamp};
use seams::fs::{Directory, FileKind};

use crate::tree_store::shelves::{OWN, open_or_make};
use crate::tree_store::step::own_name;

/// Something that a file system must be able to do, and this one is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Files cannot have two names, so old versions could not be kept without a gap.
    Links,
    /// A file cannot be renamed over another.
    RenameOver,
    /// Symlinks cannot be made or read back.
    Symlinks,
    /// A directory cannot be made durable.
    DirectorySync,
    /// Permission bits are not kept.
    Modes,
    /// Times are not kept to the nanosecond.
    ExactTimes,
    /// Names that differ only by case are taken for one.
    Case,
}

/// What a file system lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeReport {
    lacks: Vec<Lack>,
}

impl ProbeReport {
    /// Whether it can keep mirrors.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.lacks.is_empty()
    }

    /// What is missing.
    #[must_use]
    pub fn lacks(&self) -> &[Lack] {
        &self.lacks
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.lacks.iter().map(|lack| match lack {
            Lack::Links => "no hard links",
            Lack::RenameOver => "no renaming over a file",
            Lack::Symlinks => "no symlinks",
            Lack::DirectorySync => "directories cannot be synced",
            Lack::Modes => "permission bits are not kept",
            Lack::ExactTimes => "times are not kept to the nanosecond",
            Lack::Case => "upper and lower case are the same",
        });
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

/// Tries everything in a directory of our own, and removes it again.
///
/// # Errors
/// Where not even a directory or file can be made: the disk is full, read-only or not ours.
pub(super) fn probe(data: &dyn Directory) -> io::Result<ProbeReport> {
    let own = open_or_make(data, &own_name(OWN))?;
    let name = own_name("probe");
    let directory = open_or_make(&*own, &name)?;
    clear(&*directory)?;
    let report = try_all(&*directory);
    clear(&*directory)?;
    own.remove_directory(&name)?;
    report
}

fn clear(directory: &dyn Directory) -> io::Result<()> {
    directory.list()?.iter().try_for_each(|name| directory.remove_file(name))
}

/// One thing to try.
type Try = fn(&dyn Directory) -> io::Result<bool>;

fn try_all(directory: &dyn Directory) -> io::Result<ProbeReport> {
    directory.create_file(&own_name("a"))?;
    let tries: [(Lack, Try); 7] = [
        (Lack::Links, can_link),
        (Lack::RenameOver, can_rename_over),
        (Lack::Symlinks, can_symlink),
        (Lack::DirectorySync, |directory| directory.sync().map(|()| true)),
        (Lack::Modes, keeps_modes),
        (Lack::ExactTimes, keeps_times),
        (Lack::Case, tells_case),
    ];
    let mut lacks = Vec::new();
    for (lack, can) in tries {
        match can(directory) {
            Ok(true) => {}
            // A full disk says nothing of what it can do.
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                return Err(error);
            }
            Ok(false) | Err(_) => lacks.push(lack),
        }
    }
    Ok(ProbeReport { lacks })
}

fn inode(directory: &dyn Directory, name: &Name) -> io::Result<u64> {
    directory.stat(name).map(|stat| stat.inode)
}

fn can_link(directory: &dyn Directory) -> io::Result<bool> {
    let (a, linked) = (own_name("a"), own_name("linked"));
    directory.link(&a, directory, &linked)?;
    Ok(inode(directory, &a)? == inode(directory, &linked)?)
}

fn can_rename_over(directory: &dyn Directory) -> io::Result<bool> {
    let (from, over) = (own_name("from"), own_name("over"));
    directory.create_file(&from)?;
    directory.create_file(&over)?;
    let expected = inode(directory, &from)?;
    directory.rename(&from, directory, &over)?;
    Ok(inode(directory, &over)? == expected)
}

fn can_symlink(directory: &dyn Directory) -> io::Result<bool> {
    let name = own_name("symlink");
    directory.create_symlink(&name, b"../nowhere")?;
    directory.set_mtime(&name, Timestamp::from_nanos(1))?;
    Ok(directory.stat(&name)?.kind == FileKind::Symlink && directory.read_link(&name)? == b"../nowhere")
}

fn keeps_modes(directory: &dyn Directory) -> io::Result<bool> {
    let name = own_name("a");
    let file = directory.open_file(&name)?;
    let mut keeps = true;
    for mode in [0o400, 0o640, 0o755] {
        file.set_mode(mode)?;
        keeps &= directory.stat(&name)?.mode == mode;
    }
    Ok(keeps)
}

fn keeps_times(directory: &dyn Directory) -> io::Result<bool> {
    let (name, time) = (own_name("a"), Timestamp::from_parts(1_500_000_000, 123_456_789));
    directory.set_mtime(&name, time)?;
    Ok(directory.stat(&name)?.mtime == time)
}

fn tells_case(directory: &dyn Directory) -> io::Result<bool> {
    match directory.stat(&own_name("A")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(_) => Ok(false),
    }
}
