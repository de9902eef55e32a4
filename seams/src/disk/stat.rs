//! What the kernel's `stat` says, in our own words.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use protocol::{Name, Timestamp};
use rustix::fs::{AtFlags, FileType, StatxFlags, Timespec, Timestamps, UTIME_OMIT, fstat, statat, statx};

use crate::fs::{FileKind, Stat};

/// What is held, whatever its name is by now.
pub(super) fn of_descriptor(held: impl AsFd) -> io::Result<Stat> {
    Ok(convert(&fstat(held)?))
}

/// What a name stands for, without following it.
pub(super) fn of_name(parent: BorrowedFd<'_>, name: &Name) -> io::Result<Stat> {
    Ok(convert(&statat(parent, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)?))
}

/// When what a name stands for came to be, without following it; nothing where that is not kept.
pub(super) fn birth_of_name(parent: BorrowedFd<'_>, name: &Name) -> io::Result<Option<Timestamp>> {
    let stat = statx(parent, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BTIME)?;
    let is_kept = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Ok(is_kept.then(|| timestamp(stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec.into())))
}

/// Times that set the mtime alone.
pub(super) fn mtime_only(mtime: Timestamp) -> Timestamps {
    let (seconds, nanos) = mtime.to_parts();
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanos.into() },
    }
}

#[allow(clippy::useless_conversion, reason = "how wide the kernel's fields are depends on the machine")]
fn convert(stat: &rustix::fs::Stat) -> Stat {
    Stat {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        mode: u16::try_from(stat.st_mode & 0o7777).expect("twelve bits fit in sixteen"),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime: timestamp(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
        ctime: timestamp(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        inode: stat.st_ino.into(),
        device: stat.st_dev.into(),
        links: stat.st_nlink.into(),
        uid: stat.st_uid,
        gid: stat.st_gid,
    }
}

/// A broken file server may send more nanoseconds than a second has; all of them together are kept.
fn timestamp(seconds: i64, nanos: u64) -> Timestamp {
    Timestamp::from_parts(seconds, u32::try_from(nanos).unwrap_or(u32::MAX))
}

fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::Directory => FileKind::Directory,
        FileType::RegularFile => FileKind::File,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Special,
    }
}
