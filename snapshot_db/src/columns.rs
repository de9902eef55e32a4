//! The columns of table `entry`, and the small numbers in them. [`crate::decode`] and [`crate::encode`] turn them
//! into rows of the seams and back.

use minicbor::{Decode, Encode};
use protocol::{Name, RelPath};

use crate::error::{Fault, Outcome};

/// The columns in the order in which both directions take them; a macro, so that statements are constants.
macro_rules! columns {
    () => {
        "name, id, inode, kind, mode, mtime, uid, gid, attributes, size, content, target, \
         read_inode, read_size, read_mtime, read_content, read_ctime, fingerprint, boot, first_seen, trust, verified"
    };
}
pub(crate) use columns;

/// Values of column `kind`.
pub(crate) mod kind {
    pub(crate) const DIRECTORY: i64 = 0;
    pub(crate) const FILE: i64 = 1;
    pub(crate) const SYMLINK: i64 = 2;
}

/// Values of column `trust`.
pub(crate) mod trust {
    pub(crate) const UNPROVEN: i64 = 0;
    pub(crate) const PROVEN: i64 = 1;
    pub(crate) const UNTIL_STAMP: i64 = 2;
    pub(crate) const SILENT: i64 = 3;
}

/// A value as it lies in a BLOB column.
pub(crate) fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory cannot fail")
}

/// A value out of a BLOB column.
pub(crate) fn from_cbor<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Outcome<T> {
    minicbor::decode(bytes).map_err(|_| Fault::Impossible("a value that is no CBOR"))
}

/// A name out of a BLOB column.
pub(crate) fn name(bytes: &[u8]) -> Outcome<Name> {
    Name::parse(bytes).map_err(|_| Fault::Impossible("a name that no directory can hold"))
}

/// A path out of a BLOB column; empty for the root.
pub(crate) fn path(bytes: &[u8]) -> Outcome<RelPath> {
    if bytes.is_empty() {
        return Ok(RelPath::root());
    }
    RelPath::parse(bytes).map_err(|_| Fault::Impossible("a path that names nothing"))
}
