//! Reading `/proc/self/mountinfo`.

/// Where a file system is mounted from and to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    source: Vec<u8>,
    point: Vec<u8>,
}

impl Mount {
    /// Source, NUL, mount point: the same again after a remount or reboot.
    pub(super) fn identity(&self) -> Vec<u8> {
        [&self.source[..], &self.point[..]].join(&0)
    }
}

/// The mount of `device` (major, minor) that `path` is in: of those whose mount point is an ancestor of it the
/// last, since a later mount hides earlier ones. Where none is, because the path is not known, the device's last.
pub(super) fn find(table: &[u8], device: (u32, u32), path: &[u8]) -> Option<Mount> {
    let of_device = || table.split(|byte| *byte == b'\n').rev().filter_map(|line| parse(line, device));
    of_device().find(|mount| contains(&mount.point, path)).or_else(|| of_device().next())
}

/// One line, such as `27 1 254:0 / /mnt rw,relatime shared:1 - ext4 /dev/vda rw`, if it is about `device`.
///
/// A number of optional fields ends with a lone `-`.
fn parse(line: &[u8], device: (u32, u32)) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let numbers = fields.nth(2)?;
    let point = fields.nth(1)?;
    let mut fields = fields.skip_while(|field| *field != b"-");
    let source = fields.nth(2)?;
    let wanted = format!("{}:{}", device.0, device.1);
    (numbers == wanted.as_bytes()).then(|| Mount { source: unescape(source), point: unescape(point) })
}

/// Whether `path` is the mount point or below it.
fn contains(point: &[u8], path: &[u8]) -> bool {
    let point = point.strip_suffix(b"/").unwrap_or(point);
    path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The kernel writes space, tab, newline, backslash and `#` as `\` and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let (byte, after) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after)
            }
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - xfs /dev/vda rw
30 27 8:1 / /mnt/a rw shared:7 master:3 - xfs /dev/sda1 rw
31 27 8:1 /sub /mnt/b\\040c rw - xfs /dev/sda1 rw
32 27 8:2 / /mnt/a rw - vfat LABEL=\\134x\\011y rw
";

    fn found(device: (u32, u32), path: &str) -> Option<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text in this test");
        find(TABLE, device, path.as_bytes()).map(|mount| (text(&mount.source), text(&mount.point)))
    }

    fn pair(source: &str, point: &str) -> Option<(String, String)> {
        Some((source.to_owned(), point.to_owned()))
    }

    #[test]
    fn a_directory_belongs_to_the_mount_of_its_device_that_it_is_in() {
        assert_eq!(found((254, 0), "/home/x"), pair("/dev/vda", "/"));
        assert_eq!(found((254, 0), "/"), pair("/dev/vda", "/"));
        assert_eq!(found((8, 1), "/mnt/a"), pair("/dev/sda1", "/mnt/a"));
        assert_eq!(found((8, 1), "/mnt/a/x"), pair("/dev/sda1", "/mnt/a"));
        assert_eq!(found((8, 1), "/mnt/b c/x"), pair("/dev/sda1", "/mnt/b c"));
    }

    #[test]
    fn a_mount_point_is_a_whole_path_and_no_mere_beginning() {
        assert_eq!(found((8, 1), "/mnt/ab"), pair("/dev/sda1", "/mnt/b c"), "the last, for want of an ancestor");
    }

    #[test]
    fn of_mounts_at_one_place_the_last_counts() {
        let table = b"1 0 8:1 / /a rw - xfs first rw\n2 0 8:1 / /a rw - xfs second rw";
        assert_eq!(find(table, (8, 1), b"/a/b").map(|mount| mount.source), Some(b"second".to_vec()));
    }

    #[test]
    fn octal_escapes_are_undone_and_nothing_else() {
        assert_eq!(found((8, 2), "/mnt/a"), pair("LABEL=\\x\ty", "/mnt/a"));
        assert_eq!(unescape(b"\\04 \\999 \\"), b"\\04 \\999 \\");
    }

    #[test]
    fn an_unknown_device_and_broken_lines_find_nothing() {
        assert_eq!(found((9, 9), "/"), None);
        assert_eq!(find(b"\n27 1\n27 1 254:0 / /mnt rw", (254, 0), b"/mnt"), None);
    }

    #[test]
    fn an_identity_tells_source_and_mount_point_apart() {
        let mount = Mount { source: b"/dev/sda1".to_vec(), point: b"/mnt".to_vec() };
        assert_eq!(mount.identity(), b"/dev/sda1\0/mnt");
    }
}
