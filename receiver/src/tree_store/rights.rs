//! Taking back rights to what is ours: on disk directories keep `u+rwx` and files `u+r`, and where somebody took that away,
//! the mirror must not stand still for it.

use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath};
use seams::fs::{Directory, File, FileKind, open_by_components};

use crate::tree_store::step::{directory_mode, file_mode};

/// Does something in a directory of ours; where somebody took our rights to it away, takes them back first.
pub(super) fn with_rights<T>(directory: &dyn Directory, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match work() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = directory.own_stat()?.mode;
            directory.set_own_mode(directory_mode(mode))?;
            work()
        }
        done => done,
    }
}

/// Renames; a directory that goes elsewhere must be writable itself, for it has another one above it then.
pub(super) fn rename(from: &dyn Directory, name: &Name, to: &dyn Directory, to_name: &Name) -> io::Result<()> {
    let rename = || with_rights(to, || with_rights(from, || from.rename(name, to, to_name)));
    match rename() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let stat = from.stat(name)?;
            if stat.kind == FileKind::Directory && stat.mode != directory_mode(stat.mode) {
                from.set_mode(name, directory_mode(stat.mode))?;
            }
            rename()
        }
        done => done,
    }
}

/// Opens a directory of ours.
pub(super) fn open_directory(above: &dyn Directory, name: &Name) -> io::Result<Arc<dyn Directory>> {
    match above.open_directory(name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = with_rights(above, || above.stat(name))?;
            if mode.kind == FileKind::Directory && mode.mode != directory_mode(mode.mode) {
                tracing::warn!(%name, "a directory that nobody may use gets its rights back");
                above.set_mode(name, directory_mode(mode.mode))?;
            }
            above.open_directory(name)
        }
        opened => opened,
    }
}

/// Opens a directory of ours below another.
pub(super) fn open_below(root: &Arc<dyn Directory>, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
    match open_by_components(root, path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            path.components().try_fold(Arc::clone(root), |above, name| open_directory(&*above, &name))
        }
        opened => opened,
    }
}

/// Opens a file of ours for reading.
pub(super) fn open_file(above: &dyn Directory, name: &Name) -> io::Result<Box<dyn File>> {
    match above.open_file(name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let stat = with_rights(above, || above.stat(name))?;
            if stat.kind == FileKind::File && stat.mode != file_mode(stat.mode) {
                above.set_mode(name, file_mode(stat.mode))?;
            }
            above.open_file(name)
        }
        opened => opened,
    }
}
