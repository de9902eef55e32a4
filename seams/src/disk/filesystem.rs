//! Which file system a directory is on, and what is known of its kind.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{fstat, fstatfs, fstatvfs, major, minor};

use super::mounts;
use crate::fs::FilesystemIdentity;

/// What is known of a kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    magic: u32,
    name: &'static str,
    /// Its times come from this machine's own clock.
    local: bool,
    /// Its inode numbers last over remounts and are not made up at each look.
    stable_inodes: bool,
}

const fn local(magic: u32, name: &'static str) -> Kind {
    Kind { magic, name, local: true, stable_inodes: true }
}

/// Local, but inode numbers are made up as files are seen.
const fn local_without_inodes(magic: u32, name: &'static str) -> Kind {
    Kind { magic, name, local: true, stable_inodes: false }
}

/// Another machine's clock stamps, or may stamp, its files.
const fn remote(magic: u32, name: &'static str) -> Kind {
    Kind { magic, name, local: false, stable_inodes: true }
}

const fn remote_without_inodes(magic: u32, name: &'static str) -> Kind {
    Kind { magic, name, local: false, stable_inodes: false }
}

/// The kinds we know, by the number in `statfs`. Any other is taken for remote, with inode numbers that mean little.
const KINDS: &[Kind] = &[
    // ext2, ext3 and ext4 share one number.
    local(0xef53, "ext4"),
    local(0x5846_5342, "xfs"),
    local(0x9123_683e, "btrfs"),
    local(0xca45_1a4e, "bcachefs"),
    local(0xf2f5_2010, "f2fs"),
    local(0x2fc1_2fc1, "zfs"),
    local(0x0102_1994, "tmpfs"),
    local(0x8584_58f6, "ramfs"),
    local(0x794c_7630, "overlay"),
    local(0x7366_746e, "ntfs3"),
    local(0x3153_464a, "jfs"),
    local(0x3434, "nilfs2"),
    local(0x5265_4973, "reiserfs"),
    local(0x482b, "hfsplus"),
    local(0x7371_7368, "squashfs"),
    local(0xe0f5_e1e2, "erofs"),
    local(0x9660, "iso9660"),
    local(0x1501_3346, "udf"),
    local(0x2405_1905, "ubifs"),
    local_without_inodes(0x4d44, "vfat"),
    local_without_inodes(0x2011_bab0, "exfat"),
    remote(0x6969, "nfs"),
    remote(0x00c3_6400, "ceph"),
    remote(0x0102_1997, "9p"),
    remote(0x0116_1970, "gfs2"),
    remote(0x7461_636f, "ocfs2"),
    remote(0x0bd0_0bd0, "lustre"),
    remote(0x4750_4653, "gpfs"),
    remote(0x5346_414f, "afs"),
    remote_without_inodes(0xff53_4d42, "cifs"),
    remote_without_inodes(0xfe53_4d42, "smb3"),
    remote_without_inodes(0x517b, "smbfs"),
    remote_without_inodes(0x6573_5546, "fuse"),
    remote_without_inodes(0x786f_4256, "vboxsf"),
];

/// Kinds whose `f_fsid` comes from a UUID in the file system. All others make it from the device number, which
/// changes with the order in which disks are found (xfs, f2fs, vfat), or anew at each mount (tmpfs, overlay).
const STABLE_FSID: &[&str] = &["ext4", "btrfs"];

/// Which file system a held directory is on.
///
/// # Errors
/// As the system calls say; also where the file system is mounted nowhere that we can see.
pub(super) fn identify(directory: BorrowedFd<'_>) -> io::Result<FilesystemIdentity> {
    let kind = classify(magic(directory)?);
    let id = match stable_id(&kind.kind, fstatvfs(directory)?.f_fsid) {
        Some(id) => id,
        None => match uuid_of(fstat(directory)?.st_dev) {
            Some(uuid) => uuid,
            None => mounted(directory)?,
        },
    };
    Ok(FilesystemIdentity { id, ..kind })
}

/// The UUID, or on FAT the volume number, of the file system on a block device, where the system keeps a list. Two
/// disks that are mounted in turn at one place from one device node differ by it alone.
fn uuid_of(device: u64) -> Option<Vec<u8>> {
    uuid_in(Path::new("/dev/disk/by-uuid"), |path| path.metadata().is_ok_and(|node| node.rdev() == device))
}

fn uuid_in(list: &Path, is_ours: impl Fn(&Path) -> bool) -> Option<Vec<u8>> {
    let mut uuids = list.read_dir().ok()?.flatten();
    uuids.find(|entry| is_ours(&entry.path())).map(|entry| entry.file_name().as_bytes().to_vec())
}

/// The file system's own id. Zero means that it was given none.
fn stable_id(kind: &str, fsid: u64) -> Option<Vec<u8>> {
    (STABLE_FSID.contains(&kind) && fsid != 0).then(|| fsid.to_be_bytes().to_vec())
}

/// The low half of `f_type`: where it is wider, the upper half only repeats the sign.
fn magic(directory: BorrowedFd<'_>) -> io::Result<u32> {
    let [a, b, c, d, ..] = fstatfs(directory)?.f_type.to_le_bytes();
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// What is known of a kind by its number; the id is still to be found.
fn classify(magic: u32) -> FilesystemIdentity {
    match KINDS.iter().find(|kind| kind.magic == magic) {
        Some(kind) => FilesystemIdentity {
            kind: kind.name.to_owned(),
            id: Vec::new(),
            local: kind.local,
            stable_inodes: kind.stable_inodes,
        },
        None => {
            FilesystemIdentity { kind: format!("{magic:#010x}"), id: Vec::new(), local: false, stable_inodes: false }
        }
    }
}

/// Where it is mounted from and to.
fn mounted(directory: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let device = fstat(directory)?.st_dev;
    let table = fs::read("/proc/self/mountinfo")?;
    // A path too long for the kernel to tell is as good as none.
    let path = fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd())).unwrap_or_default();
    mounts::find(&table, (major(device), minor(device)), path.as_os_str().as_bytes())
        .map(|mount| mount.identity())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "its file system is not in /proc/self/mountinfo"))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn every_kind_is_listed_once() {
        for (index, kind) in KINDS.iter().enumerate() {
            let same = |other: &Kind| other.magic == kind.magic || other.name == kind.name;
            assert!(!KINDS[index + 1..].iter().any(same), "{kind:?}");
        }
    }

    #[test]
    fn an_unknown_kind_is_named_by_its_number_and_trusted_in_nothing() {
        let unknown = classify(0x1234);
        assert_eq!((unknown.kind.as_str(), unknown.local, unknown.stable_inodes), ("0x00001234", false, false));
    }

    #[test]
    fn an_id_that_changes_with_the_mount_or_names_nothing_is_not_taken() {
        assert_eq!(stable_id("ext4", 258), Some(vec![0, 0, 0, 0, 0, 0, 1, 2]));
        assert_eq!(stable_id("ext4", 0), None);
        assert_eq!(stable_id("xfs", 258), None);
        assert_eq!(stable_id("f2fs", 258), None);
    }

    #[test]
    fn a_mount_without_an_id_of_its_own_is_found_in_the_table() -> io::Result<()> {
        let proc = fs::File::open("/proc/self")?;
        let identity = identify(proc.as_fd())?;
        assert!(identity.id.ends_with(b"\0/proc"), "{identity:?}");
        assert!(!identity.local);
        Ok(())
    }

    #[test]
    fn a_disk_is_known_by_the_uuid_that_leads_to_its_device() {
        let list = tempfile::tempdir().expect("a temporary directory");
        for uuid in ["0123-ABCD", "c0ffee00-1111-2222-3333-444455556666"] {
            fs::write(list.path().join(uuid), "").expect("a file stands for a device node");
        }
        let found = uuid_in(list.path(), |path| path.ends_with("0123-ABCD"));
        assert_eq!(found.as_deref(), Some(&b"0123-ABCD"[..]));
        assert_eq!(uuid_in(list.path(), |_| false), None);
        assert_eq!(uuid_in(Path::new("/nowhere"), |_| true), None);
    }
}
