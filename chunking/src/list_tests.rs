//! Lists are read as they were written, and what is no list is refused.

use proptest::prelude::*;

use super::*;
use crate::cutter::tests::{list, noise};

fn parameters() -> Parameters {
    Parameters::with_mean(1024).expect("a good mean")
}

#[test]
fn what_is_no_list_is_refused_by_name() {
    let refused = |encoded: &[u8]| ChunkList::decode(parameters(), encoded.to_vec());
    assert_eq!(refused(&[2, 1, 2, 3, 4]), Err(BadList::CutShort), "a hash of four bytes");
    assert_eq!(refused(&[0x80]), Err(BadList::CutShort), "a length without an end");
    assert_eq!(refused(&[0, 1, 2, 3, 4, 5]), Err(BadList::Length), "no bytes");
    assert_eq!(refused(&[1]), Err(BadList::Length), "no zeros");
    let mut long = Vec::new();
    put_varint(&mut long, (4 * 1024 + 1) << 1);
    assert_eq!(refused(&[&long[..], &[1, 2, 3, 4, 5]].concat()), Err(BadList::Length), "longer than four means");
    let mut huge = Vec::new();
    put_varint(&mut huge, u64::MAX);
    assert_eq!(refused(&huge.repeat(2)), Err(BadList::Length), "longer than any file");
    assert_eq!(refused(&[0xff; 11]), Err(BadList::CutShort), "more than 64 bits");
    assert_eq!(refused(&vec![3; MAX_LIST_BYTES + 1]), Err(BadList::TooLong));
}

#[test]
fn a_chunk_of_zeros_is_known_as_such_and_any_other_by_its_hash() {
    assert_eq!(Chunk::of(&[0; 300], 300), Chunk::Zeros { length: 300 });
    let Chunk::Bytes { hash, length } = Chunk::of(&[1; 300], 300) else { panic!("it is not all zeros") };
    assert_eq!(length, 300);
    assert!(hash < 1 << 40);
}

proptest! {
    #[test]
    fn a_list_comes_back_as_it_was(seed: u64, length in 0usize..50_000, zeros in 0usize..9_000) {
        let made = list(parameters(), &[noise(seed, length), vec![0; zeros]].concat());
        let read = ChunkList::decode(parameters(), made.as_bytes().to_vec());
        prop_assert_eq!(read, Ok(made));
    }

    #[test]
    fn any_bytes_are_a_list_of_their_length_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(list) = ChunkList::decode(parameters(), bytes) {
            let sum: u64 = list.iter().map(|chunk| chunk.length()).sum();
            prop_assert_eq!(sum, list.length());
        }
    }
}
