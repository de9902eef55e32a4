//! Random numbers that a seed repeats; the seed is printed, so that a test that failed can be run again with it.

/// The variable that sets the seed.
const SEED: &str = "ROUNDSMAN_TEST_SEED";

/// A sequence of numbers (xorshift64*).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Begins at the seed that the environment names, else at another one each time; `stream` tells apart those
    /// that begin at one seed.
    pub(crate) fn printed(what: &str, stream: u64) -> Self {
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(any_seed);
        println!("{what}: {SEED}={seed}");
        Self::seeded(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Begins at a number.
    pub(crate) fn seeded(seed: u64) -> Self {
        // Never zero, where it would be stuck.
        Self(seed | 1)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.number() >> 32) % end as u64).expect("it is below a usize")
    }

    /// Whether a thing happens that happens this often in a hundred times.
    pub(crate) fn in_hundred(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    /// One of several.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn any_seed() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    since.as_secs() ^ u64::from(since.subsec_nanos()) << 20
}

/// How much a test is to do, by `ROUNDSMAN_TEST_SIZE`: `quick`, which is the default, `full` or `long`.
pub(crate) fn sized<T>(quick: T, full: T, long: T) -> T {
    match std::env::var("ROUNDSMAN_TEST_SIZE").as_deref() {
        Ok("full") => full,
        Ok("long") => long,
        _ => quick,
    }
}
