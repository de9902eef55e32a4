//! Packed bodies: what comes back, and everything that a peer could make of one.

use std::io::Write;

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

fn text(length: usize) -> Vec<u8> {
    b"a name, a mode, a time; ".iter().copied().cycle().take(length).collect()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn packed(message: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(message, 3).expect("compresses in memory")
}

/// A frame as a stream writes it that does not know how much will come.
fn without_size(message: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.write_all(message).expect("written to memory");
    encoder.finish().expect("written to memory")
}

fn unpack(frame: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    Packed::open(frame, limit)?.unpack()
}

#[test]
fn what_shrinks_is_packed_and_comes_back() {
    for length in [MIN_PACKED_BYTES, 10_000, LIMIT] {
        let Body::Zstd(frame) = Body::pack(text(length)) else { panic!("{length} bytes of text shrink") };
        assert!(frame.len() < length / 2);
        assert_eq!(Packed::open(&frame, LIMIT).expect("within the limit").size(), length);
        assert_eq!(unpack(&frame, LIMIT).expect("a good frame"), text(length));
    }
}

#[test]
fn what_is_small_or_does_not_shrink_goes_as_it_is() {
    for message in [vec![], text(MIN_PACKED_BYTES - 1), noise(MIN_PACKED_BYTES), noise(100_000)] {
        assert_eq!(Body::pack(message.clone()), Body::Plain(message));
    }
}

#[test]
fn a_frame_over_the_limit_is_refused_by_what_it_declares() {
    let frame = packed(&text(1000));
    assert!(unpack(&frame, 1000).is_ok());
    assert_eq!(Packed::open(&frame, 999), Err(UnpackError::TooLarge { declared: 1000, limit: 999 }));
}

#[test]
fn a_frame_without_a_size_is_refused() {
    assert_eq!(unpack(&without_size(&text(1000)), LIMIT), Err(UnpackError::NoSize));
}

/// A size below 256 is the byte after magic number and descriptor.
#[test]
fn a_frame_of_another_size_than_it_declares_is_broken() {
    for wrong in [99, 101] {
        let mut frame = packed(&text(100));
        assert_eq!(frame[5], 100, "the size's place");
        frame[5] = wrong;
        assert_eq!(unpack(&frame, LIMIT), Err(UnpackError::Broken), "{wrong}");
    }
}

#[test]
fn a_bomb_that_declares_little_takes_no_more_than_that() {
    let mut bomb = packed(&vec![0; 16 << 20]);
    assert!(bomb.len() < 5_000);
    assert!(matches!(Packed::open(&bomb, LIMIT), Err(UnpackError::TooLarge { .. })));
    // Four bytes of size after magic number, descriptor and window.
    assert_eq!(bomb[6..10], (16u32 << 20).to_le_bytes());
    bomb[6..10].copy_from_slice(&1000u32.to_le_bytes());
    assert_eq!(unpack(&bomb, LIMIT), Err(UnpackError::Broken));
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    let frame = packed(&text(1000));
    for end in 0..frame.len() {
        let refused = unpack(&frame[..end], LIMIT);
        assert!(matches!(refused, Err(UnpackError::NoFrame | UnpackError::Broken)), "{end}: {refused:?}");
    }
}

#[test]
fn a_second_frame_or_garbage_behind_the_first_is_refused() {
    for more in [packed(b""), packed(b"x"), b"x".to_vec()] {
        let frame = [packed(&text(1000)), more].concat();
        assert_eq!(unpack(&frame, LIMIT), Err(UnpackError::Trailing));
    }
}

#[test]
fn every_route_may_be_packed_but_the_first_contact_and_those_that_carry_contents() {
    let plain: Vec<_> = crate::wire::Request::ROUTES.iter().filter(|route| !may_be_packed(route)).collect();
    assert_eq!(plain, [&"hello", &"fill", &"read"]);
}

proptest! {
    #[test]
    fn whatever_a_peer_sends_is_refused_or_as_long_as_declared(
        message in prop::collection::vec(0u8..4, 0..600), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut frame = packed(&message);
        let place = at.index(frame.len());
        frame[place] = byte;
        if let Ok(opened) = Packed::open(&frame, 1000) {
            prop_assert!(opened.size() <= 1000);
            if let Ok(unpacked) = opened.unpack() {
                prop_assert_eq!(unpacked.len(), opened.size());
            }
        }
    }
}
