//! The rows of the matrix: what can become of a source or a part of it, and what must come of a round then.

/// Where the trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the root of the source: `source`, a file system of its own.
    Root,
    /// In a part of it: `source/sub`, one more file system.
    Part,
}

/// What must come of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stops and touches nothing.
    Stops,
    /// It goes on to its end with a problem at the root, and touches nothing.
    Complains,
    /// It keeps all that the mirror has of the part, and delivers the rest.
    Keeps,
    /// What is not there any more was really deleted.
    Mirrors,
}

impl Fate {
    /// The exit code of such a round.
    pub(super) fn exit(self) -> i32 {
        match self {
            Self::Stops => 1,
            Self::Complains | Self::Keeps => 3,
            Self::Mirrors => 0,
        }
    }
}

/// One kind of trouble at one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    pub(super) name: &'static str,
    pub(super) place: Place,
    /// Shell that makes it.
    pub(super) makes: &'static str,
    /// A system call that fails in the round, where nothing else can make it fail, and how.
    pub(super) injected: Option<(&'static str, &'static str)>,
    /// Whether only an ordinary user is troubled by it.
    pub(super) spares_root: bool,
    pub(super) fate: Fate,
    /// What the round must say.
    pub(super) says: &'static [&'static str],
    /// Shell that ends it.
    pub(super) heals: &'static str,
}

const NONE: Trouble = Trouble {
    name: "",
    place: Place::Root,
    makes: "",
    injected: None,
    spares_root: false,
    fate: Fate::Stops,
    says: &[],
    heals: "",
};
const PART: Trouble = Trouble { place: Place::Part, fate: Fate::Keeps, ..NONE };
const MOUNT_ROOT: &str = "mkdir -p source\nmount -o loop root.img source\nmount -o loop part.img source/sub";
const MOUNT_PART: &str = "mkdir -p source/sub\nmount -o loop part.img source/sub";

/// All of them.
pub(super) const TROUBLES: [Trouble; 20] = [
    Trouble {
        name: "umount",
        makes: "umount source/sub\numount source",
        says: &["expected ext4", "found"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "umount",
        makes: "umount source/sub",
        says: &["sub", "expected ext4", "found"],
        heals: MOUNT_PART,
        ..PART
    },
    Trouble {
        name: "umount -l",
        makes: "umount -l source",
        says: &["expected ext4", "found"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "umount -l",
        makes: "umount -l source/sub",
        says: &["sub", "expected ext4", "found"],
        heals: MOUNT_PART,
        ..PART
    },
    Trouble {
        name: "EACCES",
        makes: "chmod 0 source",
        spares_root: true,
        says: &["source", "ermission denied"],
        heals: "chmod 755 source",
        ..NONE
    },
    Trouble {
        name: "EACCES",
        makes: "chmod 0 source/sub",
        spares_root: true,
        says: &["sub", "ermission denied"],
        heals: "chmod 755 source/sub",
        ..PART
    },
    Trouble {
        name: "EACCES at open",
        injected: Some(("openat,openat2", "EACCES")),
        says: &["source", "ermission denied"],
        ..NONE
    },
    Trouble {
        name: "EACCES at open",
        injected: Some(("openat,openat2", "EACCES")),
        says: &["sub", "ermission denied"],
        ..PART
    },
    Trouble { name: "EIO at open", injected: Some(("openat,openat2", "EIO")), says: &["nput/output error"], ..NONE },
    Trouble {
        name: "EIO at open",
        injected: Some(("openat,openat2", "EIO")),
        says: &["sub", "nput/output error"],
        ..PART
    },
    Trouble {
        name: "EIO in a listing",
        injected: Some(("getdents64", "EIO")),
        fate: Fate::Complains,
        says: &["nput/output error"],
        ..NONE
    },
    Trouble {
        name: "EIO in a listing",
        injected: Some(("getdents64", "EIO")),
        says: &["sub", "nput/output error"],
        ..PART
    },
    Trouble {
        name: "ESTALE",
        injected: Some(("getdents64,openat,openat2", "ESTALE")),
        says: &["tale file handle"],
        ..NONE
    },
    Trouble {
        name: "ESTALE",
        injected: Some(("getdents64,openat,openat2", "ESTALE")),
        says: &["sub", "tale file handle"],
        ..PART
    },
    Trouble {
        name: "emptied",
        makes: "umount source/sub\nrm -r source/*",
        says: &["the source is empty", "the mirror is not"],
        ..NONE
    },
    Trouble { name: "emptied", makes: "rm -r source/sub/*", fate: Fate::Mirrors, ..PART },
    Trouble {
        name: "replaced",
        makes: "umount source/sub\numount source\nmount -o loop other.img source",
        says: &["expected ext4", "found ext4"],
        heals: "umount source\nmount -o loop root.img source\nmount -o loop part.img source/sub",
        ..NONE
    },
    Trouble {
        name: "replaced",
        makes: "umount source/sub\nmount -o loop other.img source/sub",
        says: &["sub", "expected ext4", "found ext4"],
        heals: "umount source/sub\nmount -o loop part.img source/sub",
        ..PART
    },
    Trouble {
        name: "mount gone",
        makes: "umount source/sub\numount source\nrmdir source",
        says: &["source", "o such file or directory"],
        heals: MOUNT_ROOT,
        ..NONE
    },
    Trouble {
        name: "mount gone",
        makes: "umount source/sub\nrmdir source/sub",
        says: &["sub", "ext4", "was mounted here"],
        heals: MOUNT_PART,
        ..PART
    },
];
