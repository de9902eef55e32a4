//! Trees as literals to build, and trees on disk to compare, extras included.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Everything a mirror keeps of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    kind: &'static str,
    mode: u32,
    mtime: (i64, i64),
    bytes: Vec<u8>,
}

impl Item {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == "directory"
    }

    /// All of it but its bytes.
    pub(crate) fn shown(&self) -> String {
        format!("{} {:04o} {:?} {} bytes", self.kind, self.mode, self.mtime, self.bytes.len())
    }
}

/// Builds a tree: `a/` is a directory, `a=text` a file, `a>target` a symlink. Directories above are made as needed.
pub(crate) fn write(root: &Path, items: &[&str]) {
    fs::create_dir_all(root).expect("the root can be made");
    for item in items {
        let at = |name: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a directory can be made");
            path
        };
        if let Some(name) = item.strip_suffix('/') {
            fs::create_dir_all(at(name)).expect("a directory can be made");
        } else if let Some((name, text)) = item.split_once('=') {
            fs::write(at(name), text).expect("a file can be written");
        } else {
            let (name, target) = item.split_once('>').expect("`dir/`, `file=text` or `link>target`");
            std::os::unix::fs::symlink(target, at(name)).expect("a symlink can be made");
        }
    }
}

/// Everything below a root, by path; the root itself under the empty path.
pub(crate) fn read(root: &Path) -> BTreeMap<PathBuf, Item> {
    let mut items = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        let whole = root.join(&directory);
        items.insert(directory.clone(), item(&whole));
        for name in fs::read_dir(&whole).expect("a directory can be listed") {
            let path = directory.join(name.expect("a name can be read").file_name());
            let metadata = fs::symlink_metadata(root.join(&path)).expect("a name can be looked at");
            if metadata.is_dir() {
                directories.push(path);
            } else if metadata.is_file() || metadata.is_symlink() {
                items.insert(path.clone(), item(&root.join(&path)));
            }
        }
    }
    items
}

/// One path.
pub(crate) fn item(path: &Path) -> Item {
    let metadata = fs::symlink_metadata(path).expect("a path can be looked at");
    let (kind, bytes) = if metadata.is_symlink() {
        ("symlink", fs::read_link(path).expect("a link can be read").as_os_str().as_bytes().to_vec())
    } else if metadata.is_dir() {
        ("directory", Vec::new())
    } else {
        ("file", fs::read(path).expect("a file can be read"))
    };
    Item { kind, mode: metadata.permissions().mode() & 0o7777, mtime: mtime(&metadata), bytes }
}

fn mtime(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

/// On disk a mirror's directories keep u+rwx, its files u+r, and neither has set-id bits.
pub(crate) fn as_kept(item: &Item) -> Item {
    let mode = match item.kind {
        "directory" => item.mode & 0o1777 | 0o700,
        "file" => item.mode & 0o1777 | 0o400,
        _ => item.mode,
    };
    Item { mode, ..item.clone() }
}

/// Fails unless the mirror is the source: kinds, bytes, modes, mtimes, link targets, and nothing besides.
pub(crate) fn assert_mirrored(source: &Path, mirror: &Path) {
    let expected: BTreeMap<PathBuf, Item> =
        read(source).iter().map(|(path, item)| (path.clone(), as_kept(item))).collect();
    let found = read(mirror);
    for (path, item) in &expected {
        let there = found.get(path).unwrap_or_else(|| panic!("the mirror lacks {}", path.display()));
        assert_eq!(there.shown(), item.shown(), "{}: in the mirror, and as it should be", path.display());
        assert!(there.bytes == item.bytes, "{}: other bytes in the mirror", path.display());
    }
    for path in found.keys() {
        assert!(expected.contains_key(path), "the mirror has {} besides", path.display());
    }
}

/// The relative paths below a root, sorted.
pub(crate) fn names(root: &Path) -> Vec<String> {
    let shown = |path: &PathBuf| OsStr::to_string_lossy(path.as_os_str()).into_owned();
    read(root).keys().filter(|path| !path.as_os_str().is_empty()).map(shown).collect()
}

/// The names in a directory itself, sorted, while others may be at work there; none if it is not there.
pub(crate) fn listed(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = names.map(|name| name.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    // xorshift64*: never zero, so never stuck.
    let mut state = seed | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    });
    words.flatten().take(bytes).collect()
}

/// Writes so many small files, 50 to a directory, each with bytes of its own.
pub(crate) fn many_files(root: &Path, count: usize) {
    for number in 0..count {
        let directory = root.join(format!("d{:03}", number / 50));
        fs::create_dir_all(&directory).expect("a directory can be made");
        fs::write(directory.join(format!("f{number}")), format!("file number {number}\n"))
            .expect("a file can be written");
    }
}
