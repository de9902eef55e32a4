//! Writing what is not zeros: whole blocks of zeros stay holes.

/// What file systems keep holes in.
const BLOCK_BYTES: usize = 4096;

/// The parts of some bytes of a file that hold more than whole blocks of zeros, each with its place in the file.
/// Blocks are counted from the beginning of the file.
pub(crate) fn written(bytes: &[u8], offset: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let first = BLOCK_BYTES - usize::try_from(offset % BLOCK_BYTES as u64).unwrap_or(0);
    let (head, rest) = bytes.split_at(first.min(bytes.len()));
    let mut blocks = std::iter::once(head).chain(rest.chunks(BLOCK_BYTES)).peekable();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(zeros) = blocks.next_if(|block| is_zeros(block)) {
            at += zeros.len();
        }
        let begin = at;
        while let Some(data) = blocks.next_if(|block| !is_zeros(block)) {
            at += data.len();
        }
        (at > begin).then(|| (offset + begin as u64, &bytes[begin..at]))
    })
}

/// Also true of no bytes at all.
fn is_zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8], offset: u64) -> Vec<(u64, usize)> {
        written(bytes, offset).map(|(at, part)| (at, part.len())).collect()
    }

    #[test]
    fn whole_blocks_of_zeros_are_left_out_wherever_the_bytes_begin() {
        let mut bytes = vec![0; 5 * BLOCK_BYTES];
        assert_eq!(parts(&bytes, 0), []);
        assert_eq!(parts(&[], 7), []);
        bytes[BLOCK_BYTES] = 1;
        bytes[2 * BLOCK_BYTES + 5] = 1;
        assert_eq!(parts(&bytes, 0), [(4096, 8192)]);
        assert_eq!(parts(&bytes, 8192), [(12_288, 8192)]);
        bytes[5 * BLOCK_BYTES - 1] = 1;
        assert_eq!(parts(&bytes, 4095), [(4096, 4096), (12_288, 4096), (20_480, 4095)]);
    }
}
