//! Mode, mtime and owner as they were.
//!
//! The mode is that of the catalog, all twelve bits. But set-id bits are a right of the owner they were made for: where
//! the owner does not come back, because only root may give things away, a file that is now somebody else's has none.

use std::io;

use protocol::{Metadata, Name};
use seams::fs::{Directory, FileKind, Stat};

use crate::Rules;

const SET_UID: u16 = 0o4000;
const SET_GID: u16 = 0o2000;

/// The mode that a thing gets back, of this owner and group.
pub(crate) fn mode_for(wanted: &Metadata, uid: u32, gid: u32) -> u16 {
    let without_uid = if uid == wanted.uid { 0 } else { SET_UID };
    let without_gid = if gid == wanted.gid { 0 } else { SET_GID };
    wanted.mode & !(without_uid | without_gid)
}

/// Whether a thing has all the metadata already that it can get.
pub(crate) fn is_right(stat: &Stat, wanted: &Metadata, rules: Rules) -> bool {
    let owned = !rules.owners || (stat.uid, stat.gid) == (wanted.uid, wanted.gid);
    let mode = stat.kind == FileKind::Symlink || stat.mode == mode_for(wanted, stat.uid, stat.gid);
    owned && mode && stat.mtime == wanted.mtime
}

/// Gives a name its metadata back: owner first, for that takes set-id bits away; the mode last, for it may shut us out.
pub(crate) fn set(directory: &dyn Directory, name: &Name, wanted: &Metadata, rules: Rules) -> io::Result<()> {
    if rules.owners {
        directory.set_owner(name, wanted.uid, wanted.gid)?;
    }
    directory.set_mtime(name, wanted.mtime)?;
    let stat = directory.stat(name)?;
    let mode = mode_for(wanted, stat.uid, stat.gid);
    if stat.kind != FileKind::Symlink && stat.mode != mode {
        directory.set_mode(name, mode)?;
    }
    Ok(())
}

/// The same of a directory that is held, such as the one that everything comes to.
pub(crate) fn set_own(directory: &dyn Directory, wanted: &Metadata) -> io::Result<()> {
    let stat = directory.own_stat()?;
    directory.set_own_mtime(wanted.mtime)?;
    let mode = mode_for(wanted, stat.uid, stat.gid);
    if stat.mode != mode { directory.set_own_mode(mode) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_id_bits_come_back_only_to_whom_they_were_made_for() {
        let wanted = Metadata { mode: 0o6755, uid: 5, gid: 6, ..Metadata::default() };
        let modes = [(5, 6), (5, 0), (0, 6), (0, 0)].map(|(uid, gid)| mode_for(&wanted, uid, gid));
        assert_eq!(modes, [0o6755, 0o4755, 0o2755, 0o755]);
        assert_eq!(mode_for(&Metadata { mode: 0o1777, ..wanted }, 0, 0), 0o1777);
    }
}
