//! [`Fs`]: the file system, through directory handles and never through paths.
//!
//! Every operation names one component below a held directory and follows no symlink, so that nothing outside a
//! tree can be reached, whatever is swapped while we look. Only [`Fs::open_root`] takes a path: the operator's.

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

use protocol::{ByteRange, Name, RelPath, Timestamp};
use rustix::io::Errno;

/// A file system.
pub trait Fs: Debug + Send + Sync {
    /// Opens the directory at a path that the operator named; symlinks in it are followed.
    ///
    /// # Errors
    /// As the system call says.
    fn open_root(&self, path: &Path) -> io::Result<Arc<dyn Directory>>;
}

/// What kind of thing a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A socket, FIFO or device: never opened, never mirrored.
    Special,
}

impl FileKind {
    /// The error of opening this as a regular file, which it is not.
    pub(crate) fn not_a_file(self) -> io::Error {
        match self {
            Self::Directory => Errno::ISDIR.into(),
            Self::Symlink => Errno::LOOP.into(),
            Self::File | Self::Special => io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"),
        }
    }
}

/// What stat says, without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The kind.
    pub kind: FileKind,
    /// The twelve permission bits.
    pub mode: u16,
    /// Length in bytes.
    pub size: u64,
    /// Time of last modification.
    pub mtime: Timestamp,
    /// Time of last status change.
    pub ctime: Timestamp,
    /// Inode number, within its device.
    pub inode: u64,
    /// Device number: tells file systems apart within one round, and proves nothing between rounds.
    pub device: u64,
    /// Names this inode has.
    pub links: u64,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
}

/// Which file system a directory is on: stays the same over remounts and reboots.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilesystemIdentity {
    /// The kind of file system, as the kernel names it (`ext4`).
    pub kind: String,
    /// A stable id where the kind has one, else where it is mounted from and to.
    pub id: Vec<u8>,
    /// Whether its times come from this machine's own clock.
    pub local: bool,
    /// Whether inode numbers last, as far as the kind is known.
    pub stable_inodes: bool,
}

/// Room on a file system, for an ordinary user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free bytes.
    pub free_bytes: u64,
    /// All bytes, used ones included.
    pub total_bytes: u64,
    /// How many files and directories can still be made; nothing where that has no limit of its own.
    pub free_files: Option<u64>,
}

/// A held directory.
pub trait Directory: Debug + Send + Sync {
    /// Itself.
    ///
    /// # Errors
    /// As the system call says; so for all that follow.
    fn own_stat(&self) -> io::Result<Stat>;

    /// A name in it, without following links.
    fn stat(&self, name: &Name) -> io::Result<Stat>;

    /// When what a name stands for came to be, where the file system keeps that. Links are not followed.
    fn birth(&self, name: &Name) -> io::Result<Option<Timestamp>>;

    /// Which file system it is on.
    fn filesystem(&self) -> io::Result<FilesystemIdentity>;

    /// Every name in it, complete or an error; in no order.
    fn list(&self) -> io::Result<Vec<Name>>;

    /// Candidate names of everything below it. Only a stat on a held directory tells what they really are.
    fn walk(&self) -> Box<dyn Walk>;

    /// Opens a directory in it. A symlink is an error.
    fn open_directory(&self, name: &Name) -> io::Result<Arc<dyn Directory>>;

    /// Opens a directory below it, component by component. A symlink anywhere is an error.
    fn open_below(&self, path: &RelPath) -> io::Result<Arc<dyn Directory>>;

    /// Opens a regular file in it for reading. Never blocks; anything but a regular file is an error.
    fn open_file(&self, name: &Name) -> io::Result<Box<dyn File>>;

    /// Where a symlink points.
    fn read_link(&self, name: &Name) -> io::Result<Vec<u8>>;

    /// Makes a new file for reading and writing, readable by its owner only. An existing name is an error.
    fn create_file(&self, name: &Name) -> io::Result<Box<dyn File>>;

    /// Opens an existing regular file for reading and writing.
    fn open_file_for_writing(&self, name: &Name) -> io::Result<Box<dyn File>>;

    /// Makes a directory that only its owner may use.
    fn create_directory(&self, name: &Name) -> io::Result<()>;

    /// Makes a symlink.
    fn create_symlink(&self, name: &Name, target: &[u8]) -> io::Result<()>;

    /// Gives a file in it one more name. Both directories must be of the same [`Fs`]; an existing name is an error.
    fn link(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()>;

    /// Renames; a file or symlink in the way is overwritten at once, a directory only if it is empty.
    fn rename(&self, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()>;

    /// Removes anything but a directory.
    fn remove_file(&self, name: &Name) -> io::Result<()>;

    /// Removes an empty directory.
    fn remove_directory(&self, name: &Name) -> io::Result<()>;

    /// Sets the permission bits of a file or directory in it, also of one that cannot be opened. A symlink is an error.
    fn set_mode(&self, name: &Name, mode: u16) -> io::Result<()>;

    /// Sets the directory's own permission bits.
    fn set_own_mode(&self, mode: u16) -> io::Result<()>;

    /// Sets the directory's own mtime.
    fn set_own_mtime(&self, mtime: Timestamp) -> io::Result<()>;

    /// Sets the mtime of a symlink in it, or of anything else, never following.
    fn set_mtime(&self, name: &Name, mtime: Timestamp) -> io::Result<()>;

    /// Gives a name in it to an owner and a group, never following. Takes away set-id bits, as the system does.
    fn set_owner(&self, name: &Name, uid: u32, gid: u32) -> io::Result<()>;

    /// Makes its names durable.
    fn sync(&self) -> io::Result<()>;

    /// Makes everything on its file system durable that was written before. An error since this handle was opened
    /// is reported here, once.
    fn sync_filesystem(&self) -> io::Result<()>;

    /// Free room for an ordinary user on its file system.
    fn free_bytes(&self) -> io::Result<u64>;

    /// The same, with what it is measured by. A file system that does not say more has no end.
    fn room(&self) -> io::Result<Room> {
        Ok(Room { free_bytes: self.free_bytes()?, total_bytes: u64::MAX, free_files: None })
    }

    /// For implementations, which must recognise their own handles.
    fn as_any(&self) -> &dyn Any;
}

/// A held regular file.
pub trait File: Debug + Send + Sync {
    /// Itself.
    ///
    /// # Errors
    /// As the system call says; so for all that follow.
    fn stat(&self) -> io::Result<Stat>;

    /// Reads at an offset; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The next bytes at or after an offset that are not in a hole; nothing where only holes, or the end, follow. A
    /// file system that knows no holes has one range.
    fn data_from(&self, offset: u64) -> io::Result<Option<ByteRange>> {
        let size = self.stat()?.size;
        Ok((offset < size).then(|| ByteRange { offset, length: size - offset }))
    }

    /// Writes all bytes at an offset.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Says that much of it is going to be read or written once: that goes past the page cache from now on where the file
    /// system can, and is the same otherwise.
    fn bypass_cache(&mut self) {}

    /// Whether [`Self::copy_from`] is more than reading and writing: blocks are shared, or a server copies.
    fn copies_cheaply(&self) -> bool {
        false
    }

    /// Copies a range of another file of the same [`Fs`] to an offset, as far as that file goes, and answers how many
    /// bytes that were. Blocks are shared where the file system can.
    fn copy_from(&self, source: &dyn File, range: ByteRange, at: u64) -> io::Result<u64> {
        copy_by_reading(source, range, at, |bytes, at| self.write_all_at(bytes, at))
    }

    /// Cuts or extends with zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Sets the permission bits.
    fn set_mode(&self, mode: u16) -> io::Result<()>;

    /// Sets the mtime.
    fn set_mtime(&self, mtime: Timestamp) -> io::Result<()>;

    /// Makes its bytes durable. After an error they must be written anew to another file: a second try may lie.
    fn sync(&self) -> io::Result<()>;

    /// For implementations, which must recognise their own handles.
    fn as_any(&self) -> &dyn Any;
}

/// Bytes that are read at once where no system call copies.
const COPY_BUFFER_BYTES: usize = 256 * 1024;

/// Copies a range as far as the source goes, a buffer at a time, and answers how many bytes that were.
pub(crate) fn copy_by_reading(
    source: &dyn File,
    range: ByteRange,
    at: u64,
    mut write: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; usize::try_from(range.length).unwrap_or(usize::MAX).min(COPY_BUFFER_BYTES)];
    let mut done = 0;
    while done < range.length {
        let room = usize::try_from(range.length - done).unwrap_or(usize::MAX).min(buffer.len());
        match source.read_at(&mut buffer[..room], range.offset.saturating_add(done))? {
            0 => break,
            read => {
                write(&buffer[..read], at + done)?;
                done += read as u64;
            }
        }
    }
    Ok(done)
}

/// What a walk comes upon.
#[derive(Debug)]
pub enum Step {
    /// A candidate name. Depth 1 is in the directory the walk began with.
    Name {
        /// How deep.
        depth: usize,
        /// The name.
        name: Name,
        /// Whether the walk will descend into it.
        descends: bool,
        /// Whether it looks like a directory, which the walk cannot reach itself: begin another walk there.
        too_deep: bool,
    },
    /// The listing of a directory is not complete. Its depth: 0 is the directory the walk began with.
    Incomplete {
        /// How deep the directory is whose listing failed.
        depth: usize,
        /// Why.
        error: io::Error,
    },
}

/// A walk through a subtree, each directory before what is in it.
pub trait Walk: Send {
    /// The next step; nothing at the end.
    fn next_step(&mut self) -> Option<Step>;

    /// Does not descend into the directory that was just named.
    fn skip_directory(&mut self);
}

/// Opens `path` below `root` by components; the root itself for the root.
///
/// # Errors
/// As the system calls say.
pub fn open_by_components(root: &Arc<dyn Directory>, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
    if path.is_root() { Ok(Arc::clone(root)) } else { root.open_below(path) }
}

/// Whether an error says that a path leads to nothing, or through something that is no directory: a file or symlink.
#[must_use]
pub fn leads_nowhere(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}

/// Whether an error of looking up a name says that no file could ever be called so here: too long, or bytes that this
/// file system does not take.
#[must_use]
pub fn refuses_name(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NAMETOOLONG | Errno::ILSEQ | Errno::INVAL))
}
