//! A source that a test edits at random, and every version that its paths had meanwhile: what a mirror may hold.
//!
//! Each edit is one rename or one other call, so a file is never half there: every content that a mirror has of it
//! must be one that the file had as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::random::Random;
use super::tree::{Item, as_kept, item, noise, read};

/// About so many files there are.
const FILES: usize = 200;
const DIRECTORIES: usize = 12;
/// Small files have up to so many bytes, one in twenty up to so many.
const SMALL: usize = 2_000;
const LARGE: usize = 400_000;

/// What a path was, one after the other; none where it was not there.
type Versions = BTreeMap<PathBuf, Vec<Option<Item>>>;

/// A source, what it is now, and what it was since a mirror was last known to be equal to it.
#[derive(Debug)]
pub(crate) struct Edited {
    root: PathBuf,
    /// Where files are written before they come to their place.
    drafts: PathBuf,
    pub(crate) random: Random,
    now: BTreeMap<PathBuf, Item>,
    /// Since a round was last acknowledged: the first version is what it delivered.
    since: Versions,
    /// Since the round began that is under way.
    during: Versions,
    /// Edits so far; makes names and contents that were never there before.
    edits: u64,
}

impl Edited {
    /// Fills an empty source. Drafts must be a directory on the same file system.
    pub(crate) fn fill(root: PathBuf, drafts: PathBuf, random: Random) -> Self {
        fs::create_dir_all(&drafts).expect("made");
        let (now, since, during) = Default::default();
        let mut edited = Self { root, drafts, random, now, since, during, edits: 0 };
        for _ in 0..FILES {
            edited.create();
        }
        edited
    }

    pub(crate) fn edit(&mut self, count: usize) {
        for _ in 0..count {
            self.edit_once();
        }
    }

    /// One change that is whole at every moment, so it may be made while a round reads.
    pub(crate) fn edit_once(&mut self) {
        let files = self.now.values().filter(|item| !item.is_directory()).count();
        match self.random.below(12) {
            _ if files < FILES * 3 / 4 => self.create(),
            0..3 => self.create(),
            3..6 => self.replace(),
            6..8 => self.rename_file(),
            8 => self.rename_directory(),
            9 => self.describe(),
            _ if files > FILES => self.delete(),
            _ => self.replace(),
        }
    }

    /// Changes a file where it is, by more than one call: only while nobody reads.
    pub(crate) fn rewrite(&mut self) {
        let Some(path) = self.any(false) else { return };
        let whole = self.root.join(&path);
        let mut file = File::options().append(true).open(&whole).expect("opened");
        let bytes = self.bytes();
        file.write_all(&bytes).expect("written");
        drop(file);
        self.is_now(&path, Some(item(&whole)));
    }

    /// From now on what a round finds is no older than this.
    pub(crate) fn begin_round(&mut self) {
        self.during.clear();
    }

    /// The round that began last was acknowledged as a whole.
    pub(crate) fn acknowledge(&mut self) {
        self.since = std::mem::take(&mut self.during);
    }

    /// Every path of the mirror is as it was when last acknowledged, or as it was since.
    #[track_caller]
    pub(crate) fn assert_holds(&self, mirror: &Path) {
        let found = if mirror.exists() { read(mirror) } else { BTreeMap::new() };
        for path in self.now.keys().chain(self.since.keys()).chain(found.keys()) {
            let (there, now) = (found.get(path), [self.now.get(path).cloned()]);
            let versions = self.since.get(path).map_or(&now[..], Vec::as_slice);
            let is_one = path.as_os_str().is_empty() || versions.iter().any(|one| fits(there, one.as_ref()));
            let shown = || versions.iter().map(|one| one.as_ref().map(Item::shown)).collect::<Vec<_>>();
            assert!(is_one, "{}: in the mirror {:?}, never: {:?}", path.display(), there.map(Item::shown), shown());
        }
    }

    fn create(&mut self) {
        self.edits += 1;
        let directory = PathBuf::from(format!("d{}", self.random.below(DIRECTORIES)));
        let directory = if self.random.in_hundred(20) { directory.join("below") } else { directory };
        for above in [directory.parent().expect("not empty"), &directory] {
            if !above.as_os_str().is_empty() && !self.now.contains_key(above) {
                fs::create_dir(self.root.join(above)).expect("made");
                self.is_now(above, Some(item(&self.root.join(above))));
            }
        }
        self.put(&directory.join(format!("f{}", self.edits)));
    }

    fn replace(&mut self) {
        if let Some(path) = self.any(false) {
            self.put(&path);
        }
    }

    fn put(&mut self, path: &Path) {
        let draft = self.drafts.join("draft");
        fs::write(&draft, self.bytes()).expect("written");
        fs::rename(&draft, self.root.join(path)).expect("renamed");
        self.is_now(path, Some(item(&self.root.join(path))));
    }

    fn rename_file(&mut self) {
        let Some(old) = self.any(false) else { return };
        self.edits += 1;
        let directory = self.any(true).unwrap_or_default();
        self.rename(&old, &directory.join(format!("r{}", self.edits)));
    }

    fn rename_directory(&mut self) {
        if let Some(old) = self.any(true) {
            self.edits += 1;
            self.rename(&old, &PathBuf::from(format!("m{}", self.edits)));
        }
    }

    fn rename(&mut self, old: &Path, new: &Path) {
        fs::rename(self.root.join(old), self.root.join(new)).expect("renamed");
        // Also what is gone by now: a mirror may have it still when its directory arrives there.
        let paths = self.now.keys().chain(self.since.keys()).filter(|path| path.starts_with(old));
        let moved: BTreeSet<PathBuf> = paths.cloned().collect();
        for path in moved {
            let rest = path.strip_prefix(old).expect("it is below");
            let place = if rest.as_os_str().is_empty() { new.to_owned() } else { new.join(rest) };
            self.take_along(&path, &place);
            if let Some(item) = self.now.get(&path).cloned() {
                self.is_now(&path, None);
                self.is_now(&place, Some(item));
            }
        }
    }

    /// A directory may arrive before what was changed in it, so what moved may be anything that it was.
    fn take_along(&mut self, old: &Path, new: &Path) {
        for versions in [&mut self.since, &mut self.during] {
            let was = versions.get(old).cloned().unwrap_or_default();
            versions.entry(new.to_owned()).or_insert_with(|| vec![None]).extend(was);
        }
    }

    fn describe(&mut self) {
        let Some(path) = self.any(false) else { return };
        let mode = self.random.one_of(&[0o600, 0o640, 0o644, 0o755]);
        fs::set_permissions(self.root.join(&path), fs::Permissions::from_mode(mode | 0o044)).expect("set");
        self.is_now(&path, Some(item(&self.root.join(&path))));
    }

    /// Deletes a file, or at times a directory with all that is in it.
    fn delete(&mut self) {
        let is_directory = self.random.in_hundred(10);
        let Some(path) = self.any(is_directory) else { return };
        let gone = self.drafts.join("gone");
        fs::rename(self.root.join(&path), &gone).expect("renamed");
        if is_directory { fs::remove_dir_all(&gone) } else { fs::remove_file(&gone) }.expect("removed");
        let below: Vec<_> = self.now.keys().filter(|below| below.starts_with(&path)).cloned().collect();
        for path in below {
            self.is_now(&path, None);
        }
    }

    /// A path of this kind, if there is one.
    fn any(&mut self, is_directory: bool) -> Option<PathBuf> {
        let all: Vec<_> = self.now.iter().filter(|(_, item)| item.is_directory() == is_directory).collect();
        (!all.is_empty()).then(|| all[self.random.below(all.len())].0.clone())
    }

    fn bytes(&mut self) -> Vec<u8> {
        let most = if self.random.in_hundred(5) { LARGE } else { SMALL };
        let length = 1 + self.random.below(most);
        noise(self.random.number(), length)
    }

    fn is_now(&mut self, path: &Path, item: Option<Item>) {
        let before = self.now.get(path).cloned();
        for versions in [&mut self.since, &mut self.during] {
            let versions = versions.entry(path.to_owned()).or_insert_with(|| vec![before.clone()]);
            versions.push(item.clone());
        }
        match item {
            Some(item) => self.now.insert(path.to_owned(), item),
            None => self.now.remove(path),
        };
    }
}

/// Whether a path of a mirror is this version. The times of directories follow what is in them, and are not told here.
fn fits(there: Option<&Item>, version: Option<&Item>) -> bool {
    match (there, version) {
        (None, None) => true,
        (Some(there), Some(version)) if version.is_directory() => there.is_directory(),
        (Some(there), Some(version)) => *there == as_kept(version),
        _ => false,
    }
}
