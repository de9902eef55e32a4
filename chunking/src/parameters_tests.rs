//! Which parameters files get.

use super::*;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn chunks_grow_with_the_file_at_the_limits_of_each_class() {
    const KIB: u64 = 1024;
    let classes = [
        (0, 1),
        (256 * KIB, 1),
        (256 * KIB + 1, 4),
        (8 * KIB * KIB, 4),
        (8 * KIB * KIB + 1, 16),
        (4 * KIB * KIB * KIB, 16),
        (4 * KIB * KIB * KIB + 1, 64),
        (64 * KIB * KIB * KIB, 64),
        (1024 * KIB * KIB * KIB, 1024),
        (u64::MAX, 4096),
    ];
    for (length, mean) in classes {
        assert_eq!(Parameters::for_file(length, b"text").mean(), mean * 1024, "{length}");
    }
}

#[test]
fn what_does_not_compress_is_cut_into_16_kib_at_least() {
    for sample in [4 * 1024, 64 * 1024] {
        assert_eq!(Parameters::for_file(100_000, &noise(sample)).mean(), 16 * 1024);
        assert_eq!(Parameters::for_file(8 << 30, &noise(sample)).mean(), 64 * 1024);
    }
    let text: Vec<u8> = noise(64 * 1024).iter().map(|byte| b'a' + byte % 26).collect();
    assert_eq!(Parameters::for_file(100_000, &text).mean(), 1024);
    assert_eq!(Parameters::for_file(100_000, &noise(100)).mean(), 1024, "too little to tell");
}

#[test]
fn parameters_are_kept_until_the_list_would_become_too_long() {
    let small = Parameters::with_mean(1024).expect("a good mean");
    assert!(small.suit(1 << 30));
    assert!(!small.suit((1 << 30) + 1024));
}

#[test]
fn only_powers_of_two_that_fastcdc_takes_are_means() {
    for mean in [0, 1, 128, 255, 1000, 1025, 8 * 1024 * 1024, u32::MAX] {
        assert_eq!(Parameters::with_mean(mean), None, "{mean}");
    }
    for mean in [256, 1024, 4 * 1024 * 1024] {
        let parameters = Parameters::with_mean(mean).expect("a good mean");
        assert_eq!((parameters.min(), parameters.mean(), parameters.max()), (mean / 4, mean, mean * 4));
    }
}
