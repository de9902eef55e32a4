//! [`CompressionLevel`]: how hard a person wants contents to be compressed.

/// How frames are compressed. What does not compress goes as it is, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompressionLevel {
    /// As raises throughput on this link, see [`crate::LevelControl`]; and well, where little is sent.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// Always with this level.
    Fixed(Level),
}

/// A level of zstd, from 1 (fast) to 19 (small).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// The smallest results that need no more memory than a frame has bytes.
    pub const MAX: u8 = 19;

    /// A level; nothing outside 1 to 19.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level == 0 || level > Self::MAX { None } else { Some(Self(level)) }
    }

    pub(crate) const fn of(level: u8) -> Self {
        Self::new(level).expect("a constant from 1 to 19")
    }

    /// As zstd takes it.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}
