//! [`Staging`]: contents that arrive, by content id, and instances that wait for their place.
//!
//! The names of the files are the whole record, so that what arrived survives a restart without a database:
//! `w-ID-N` is whole and was verified when it was written; `p-ID-N` is arriving, and `r-ID-N` lists the ranges of it
//! that arrived, each with its BLAKE3; `i-N` is an instance of one commit. After a restart nothing is believed
//! before it was read again.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::limits::STAGED_EXPIRY;
use protocol::{ContentId, Name, Timestamp};
use seams::fs::Directory;

use crate::tree_store::staged::{Parts, Staged, Whole};
use crate::tree_store::step::own_name;

/// What is staged for one client.
#[derive(Debug)]
pub(super) struct Staging {
    directory: Arc<dyn Directory>,
    contents: Mutex<HashMap<ContentId, Slot>>,
    /// No two names are ever the same, so that a name in the redo log means one thing.
    serial: AtomicU64,
}

/// One content, held by whoever writes or takes it.
pub(super) type Slot = Arc<Mutex<Staged>>;

/// What the name of a file in the staging directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Whole(ContentId),
    Part(ContentId),
    Ranges(ContentId),
    Instance,
}

impl Staging {
    /// Finds what an earlier run left. Names in `needed` belong to the redo log; instances nobody needs and whatever
    /// is older than [`STAGED_EXPIRY`] are removed.
    pub(super) fn open(directory: Arc<dyn Directory>, needed: &HashSet<String>, now: Timestamp) -> io::Result<Self> {
        let mut found: HashMap<ContentId, Parts> = HashMap::new();
        let mut serial = 0;
        for name in directory.list()? {
            let Some((role, number)) = parse(&name) else { continue };
            serial = serial.max(number);
            let is_needed = std::str::from_utf8(name.as_bytes()).is_ok_and(|text| needed.contains(text));
            if is_needed {
                continue;
            }
            if role == Role::Instance || is_expired(&*directory, &name, now)? {
                remove(&*directory, &name)?;
                continue;
            }
            match role {
                Role::Whole(content) => found.entry(content).or_default().whole = Some(name),
                Role::Part(content) => found.entry(content).or_default().part = Some(name),
                Role::Ranges(content) => found.entry(content).or_default().ranges = Some(name),
                Role::Instance => {}
            }
        }
        let slot = |parts| Arc::new(Mutex::new(Staged::Found(parts)));
        let contents = found.into_iter().map(|(content, parts)| (content, slot(parts))).collect();
        Ok(Self { directory, contents: Mutex::new(contents), serial: AtomicU64::new(serial) })
    }

    /// The directory itself.
    pub(super) fn directory(&self) -> &Arc<dyn Directory> {
        &self.directory
    }

    /// A name for a content that is whole.
    pub(super) fn whole_name(&self, content: ContentId) -> Name {
        own_name(&format!("w-{content}-{}", self.next()))
    }

    /// Names for a content that arrives, and for its ranges.
    pub(super) fn part_names(&self, content: ContentId) -> (Name, Name) {
        let number = self.next();
        (own_name(&format!("p-{content}-{number}")), own_name(&format!("r-{content}-{number}")))
    }

    /// A name for an instance.
    pub(super) fn instance_name(&self) -> String {
        format!("i-{}", self.next())
    }

    fn next(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn contents(&self) -> MutexGuard<'_, HashMap<ContentId, Slot>> {
        self.contents.lock().expect("no holder of this lock panics")
    }

    /// A content's slot, if anything of it is staged.
    pub(super) fn existing(&self, content: ContentId) -> Option<Slot> {
        self.contents().get(&content).cloned()
    }

    /// A content's slot.
    pub(super) fn slot(&self, content: ContentId) -> Slot {
        Arc::clone(self.contents().entry(content).or_insert_with(|| Arc::new(Mutex::new(Staged::Nothing))))
    }

    /// Takes a whole content out, for a commit: from here on its file is that commit's own.
    pub(super) fn take(&self, content: ContentId) -> io::Result<Option<Whole>> {
        let Some(slot) = self.existing(content) else { return Ok(None) };
        let mut staged = lock(&slot);
        staged.look(self, content)?;
        let taken = staged.take_whole();
        if taken.is_some() {
            self.contents().remove(&content);
        }
        Ok(taken)
    }

    /// Gives a whole content back that a commit did not use after all.
    pub(super) fn give_back(&self, content: ContentId, whole: Whole) -> io::Result<()> {
        let slot = self.slot(content);
        let mut staged = lock(&slot);
        match &*staged {
            Staged::Nothing => *staged = Staged::Whole(whole),
            _ => remove(&*self.directory, &whole.name)?,
        }
        Ok(())
    }

    /// Whether all of a content of this length is there.
    pub(super) fn has_whole(&self, content: ContentId, length: u64) -> bool {
        self.existing(content).is_some_and(|slot| lock(&slot).whole_length() == Some(length))
    }

    /// Throws away what nobody touched for [`STAGED_EXPIRY`], and forgets what is empty. What somebody is busy with
    /// or a proposal pins stays.
    pub(super) fn sweep(&self, now: Timestamp, pinned: &HashSet<ContentId>) -> io::Result<()> {
        let mut contents = self.contents();
        let mut expired = Vec::new();
        for (content, slot) in contents.iter() {
            // Others get at a slot only through the map, which is held here.
            let is_free = !pinned.contains(content) && Arc::strong_count(slot) == 1;
            if is_free && lock(slot).is_expired(self, now)? {
                expired.push(*content);
            }
        }
        for slot in expired.iter().filter_map(|content| contents.remove(content)) {
            lock(&slot).throw_away(self)?;
        }
        Ok(())
    }

    /// Throws away everything that is staged: the disk lost some of it and does not say what.
    pub(super) fn condemn(&self) {
        let slots: Vec<Slot> = self.contents().drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            if let Err(error) = lock(&slot).throw_away(self) {
                tracing::warn!(%error, "a staged file cannot be removed");
            }
        }
    }
}

/// Holds a slot.
pub(super) fn lock(slot: &Slot) -> MutexGuard<'_, Staged> {
    slot.lock().expect("no holder of this lock panics")
}

/// Removes a file or directory of ours; one that is gone already is fine.
pub(super) fn remove(directory: &dyn Directory, name: &Name) -> io::Result<()> {
    let result = match directory.remove_file(name) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => directory.remove_directory(name),
        other => other,
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Whether nothing happened to a file of ours for [`STAGED_EXPIRY`].
pub(super) fn is_expired(directory: &dyn Directory, name: &Name, now: Timestamp) -> io::Result<bool> {
    let expiry = i64::try_from(STAGED_EXPIRY.as_nanos()).unwrap_or(i64::MAX);
    Ok(directory.stat(name)?.ctime.plus_nanos(expiry) < now)
}

fn parse(name: &Name) -> Option<(Role, u64)> {
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    let (role, rest) = text.split_once('-')?;
    if role == "i" {
        return Some((Role::Instance, rest.parse().ok()?));
    }
    let (hex, number) = rest.split_once('-')?;
    let content = ContentId::from_hex(hex)?;
    let role = match role {
        "w" => Role::Whole(content),
        "p" => Role::Part(content),
        "r" => Role::Ranges(content),
        _ => return None,
    };
    Some((role, number.parse().ok()?))
}
