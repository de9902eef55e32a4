//! [`Stretches`]: the bytes of a file in order, without reading its holes.

use std::io;

use protocol::ByteRange;

use crate::fs::File;

/// Shorter holes are read: looking for them would cost more than it saves.
const LEAST_HOLE_BYTES: u64 = 256 * 1024;
/// Bytes that [`each_portion`] reads at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// What every hole reads as.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// Bytes that were read; never none.
    Data(&'a [u8]),
    /// So many zeros, at least 1, that were not read.
    Hole(u64),
}

impl Stretch<'_> {
    /// Its bytes; zeros in portions.
    pub fn portions(&self) -> impl Iterator<Item = &[u8]> {
        let (data, hole) = match self {
            Self::Data(bytes) => (Some(*bytes), 0),
            Self::Hole(length) => (None, *length),
        };
        data.into_iter().chain(zeros(hole).map(|zeros| -> &[u8] { zeros }))
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Data(bytes) => bytes.len() as u64,
            Self::Hole(length) => *length,
        }
    }
}

/// Goes through a range of a file, as far as the file goes. What it gives is what reading would give.
#[derive(Debug)]
pub struct Stretches<'a> {
    file: &'a dyn File,
    offset: u64,
    end: u64,
    /// Up to here it is known that there is data.
    data_until: u64,
}

impl<'a> Stretches<'a> {
    /// From the beginning of a range on.
    #[must_use]
    pub fn of(file: &'a dyn File, range: ByteRange) -> Self {
        let end = range.offset.saturating_add(range.length);
        Self { file, offset: range.offset, end, data_until: range.offset }
    }

    /// What comes next; nothing at the end of the range or of the file. Reads at most one buffer, which must not be empty.
    ///
    /// # Errors
    /// As reading says. A file system that cannot be asked for holes has none.
    pub fn next<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<Option<Stretch<'b>>> {
        let hole = self.hole()?;
        if hole > 0 {
            self.offset += hole;
            return Ok(Some(Stretch::Hole(hole)));
        }
        if self.offset == self.end {
            return Ok(None);
        }
        let room = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..room], self.offset)?;
        self.offset += read as u64;
        Ok((read > 0).then(|| Stretch::Data(&buffer[..read])))
    }

    /// How long the hole is that begins here; 0 where there is none worth skipping. It is looked for once behind each
    /// range of data, and at most once a buffer.
    fn hole(&mut self) -> io::Result<u64> {
        if self.offset < self.data_until || self.end - self.offset < LEAST_HOLE_BYTES {
            return Ok(0);
        }
        let begin = match self.file.data_from(self.offset) {
            Ok(Some(data)) => {
                self.data_until = data.offset.saturating_add(data.length);
                data.offset
            }
            // Only a hole follows, or the end.
            Ok(None) => self.file.stat()?.size,
            Err(_) => {
                self.data_until = u64::MAX;
                return Ok(0);
            }
        };
        let hole = begin.min(self.end).saturating_sub(self.offset);
        Ok(if hole < LEAST_HOLE_BYTES { 0 } else { hole })
    }
}

/// Hands over a range of a file in order, as far as the file goes, its holes as zeros that nobody read. Answers how far
/// that was.
///
/// # Errors
/// As reading says.
pub fn each_portion(file: &dyn File, range: ByteRange, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; usize::try_from(range.length).unwrap_or(usize::MAX).clamp(1, BUFFER_BYTES)];
    let (mut stretches, mut length) = (Stretches::of(file, range), 0);
    while let Some(stretch) = stretches.next(&mut buffer)? {
        stretch.portions().for_each(&mut take);
        length += stretch.length();
    }
    Ok(length)
}

/// So many zeros, in portions.
pub fn zeros(length: u64) -> impl Iterator<Item = &'static [u8]> {
    let mut left = length;
    std::iter::from_fn(move || {
        let portion = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        left -= portion as u64;
        (portion > 0).then(|| &ZEROS[..portion])
    })
}

#[cfg(test)]
#[path = "stretches_tests.rs"]
mod tests;
