//! Whether a batch finds room on the disk, before anything of it is sent; and what no disk like this could hold.

use std::io;

use protocol::{Change, ContentId, Entry, Name, Problem, ProblemCode, RefusalReason, Refused};
use seams::fs::{Room, refuses_name};

use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::problems::disk;
use crate::tree_store::staging::remove;
use crate::tree_store::step::own_name;

/// Of a small disk this part stays free at most, whatever is asked for.
const LARGEST_PART_FREE: u64 = 16;
/// Files and directories that can still be made besides those of a batch: what arrives in parts takes some for a while.
const FREE_FILES_FLOOR: u64 = 32;
/// Names of letters, digits and a few marks up to so many bytes are held by every file system: eCryptfs takes 143.
const ORDINARY_NAME_BYTES: usize = 128;
/// Targets of links up to so many bytes are held by every file system.
const ORDINARY_TARGET_BYTES: usize = 255;
/// Files up to so many bytes are held by every file system.
const ORDINARY_FILE_BYTES: u64 = 1 << 31;

/// What a batch needs of the disk.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Contents that are not there, each with the bytes that it takes.
    contents: Vec<(ContentId, u64)>,
}

impl Needs {
    /// Notes that a content takes so many bytes.
    pub(super) fn add(&mut self, content: ContentId, bytes: u64) {
        if bytes > 0 {
            self.contents.push((content, bytes));
        }
    }

    fn bytes(&self) -> u64 {
        self.contents.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// Changes whose content alone is more than there is room for, and more than half of a disk without anything on it:
    /// others find room again as soon as somebody makes some, and are not to wait for longer than that.
    fn never_fit(&self, changes: &[Change], usable: u64, total: u64) -> Vec<Refused> {
        let mut refused = Vec::new();
        for (index, change) in (0u32..).zip(changes) {
            let Some((content, _)) = change.entry().and_then(Entry::content) else { continue };
            let needed =
                self.contents.iter().find(|(other, bytes)| *other == content && *bytes > usable.max(total / 2));
            if let Some((_, bytes)) = needed {
                let reason = format!("it needs {bytes} bytes, and {usable} can be used");
                refused.push(Refused { index, reason: RefusalReason::NotStorable(reason) });
            }
        }
        refused
    }
}

/// The room that may be used.
fn usable(room: Room, min_free: u64) -> u64 {
    room.free_bytes.saturating_sub(floor(room, min_free))
}

fn floor(room: Room, min_free: u64) -> u64 {
    min_free.min(room.total_bytes / LARGEST_PART_FREE)
}

/// Whether every file system can hold a name, so that none needs to be asked.
fn is_ordinary(name: &Name) -> bool {
    let name = name.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= ORDINARY_NAME_BYTES && !name.ends_with(b".") && name.iter().all(is_plain)
}

impl ClientStore {
    /// Refuses what alone finds no room, so that the rest can be delivered. What needs nothing finds room on any disk:
    /// deletes and moves go on where it is full.
    ///
    /// # Errors
    /// `NoSpace`, with numbers, where all of it together finds none.
    pub(super) fn check_room(&self, changes: &[Change], needs: &Needs, min_free: u64) -> Result<Vec<Refused>, Problem> {
        let is_new =
            |change: &&Change| matches!(change, Change::Create { .. } | Change::Modify { .. } | Change::Replace { .. });
        let files = changes.iter().filter(is_new).count() as u64;
        let bytes = needs.bytes();
        if files == 0 && bytes == 0 {
            return Ok(Vec::new());
        }
        let room = self.staging.directory().room().map_err(disk("see how much room there is"))?;
        let usable = usable(room, min_free);
        if bytes > usable {
            let refused = needs.never_fit(changes, usable, room.total_bytes);
            if !refused.is_empty() {
                return Ok(refused);
            }
            let (free, floor) = (room.free_bytes, floor(room, min_free));
            return Err(no_space(format!(
                "the batch needs {bytes} bytes; the receiver's disk has {free} free, of which {floor} stay so"
            )));
        }
        match room.free_files {
            Some(free) if files.saturating_add(FREE_FILES_FLOOR) > free => Err(no_space(format!(
                "the batch makes {files} files and directories; the receiver's disk has inodes for {free}, of which \
                 {FREE_FILES_FLOOR} stay free"
            ))),
            _ => Ok(Vec::new()),
        }
    }

    /// Changes that the disk cannot hold. It is asked by looking a name up, which every file system refuses if it could
    /// not hold it; long links and files are tried.
    pub(super) fn not_storable(&self, changes: &[Change]) -> Result<Vec<Refused>, Problem> {
        let mut refused = Vec::new();
        for (index, change) in (0u32..).zip(changes) {
            let arrives = !matches!(change, Change::Delete { .. } | Change::Metadata { .. });
            let failed =
                if arrives { self.try_to_hold(change).map_err(disk("see what the disk can hold"))? } else { None };
            if let Some(error) = failed {
                let reason = RefusalReason::NotStorable(error.kind().to_string());
                refused.push(Refused { index, reason });
            }
        }
        Ok(refused)
    }

    /// The error that says why the disk cannot hold something.
    fn try_to_hold(&self, change: &Change) -> io::Result<Option<io::Error>> {
        let directory = &**self.staging.directory();
        if let Some(name) = change.path().name().filter(|name| !is_ordinary(name)) {
            match directory.stat(&name) {
                Err(error) if refuses_name(&error) => return Ok(Some(error)),
                found => drop(gone_is_none(found)?),
            }
        }
        let name = own_name(&self.staging.instance_name());
        let tried = match change.entry() {
            Some(Entry::Symlink { target, .. }) if target.as_bytes().len() > ORDINARY_TARGET_BYTES => {
                directory.create_symlink(&name, target.as_bytes())
            }
            Some(Entry::File { size, .. }) if *size > ORDINARY_FILE_BYTES => {
                directory.create_file(&name).and_then(|file| file.set_length(*size))
            }
            _ => return Ok(None),
        };
        remove(directory, &name)?;
        match tried {
            Err(error) if refuses_name(&error) || error.kind() == io::ErrorKind::FileTooLarge => Ok(Some(error)),
            tried => tried.map(|()| None),
        }
    }
}

fn no_space(detail: String) -> Problem {
    Problem::new(ProblemCode::NoSpace, detail)
        .with_hint("make room on the receiver's disk; what was mirrored is untouched, and the next round goes on")
}
