//! What cutting costs: speed beside the hashing that a read does anyway, and the size of lists.
//!
//! `cargo run --release -p chunking --example cost [FILE...]`: without files, bytes that do not compress.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use chunking::{Cutter, Parameters};
use xxhash_rust::xxh3::Xxh3;

const PORTION: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<Vec<u8>> = std::env::args_os().skip(1).map(std::fs::read).collect::<Result<_, _>>()?;
    let files = if files.is_empty() { vec![noise(256 << 20)] } else { files };
    let bytes: usize = files.iter().map(Vec::len).sum();
    let (hashed, _) = timed(|| files.iter().map(|file| hash(file)).count());
    println!("{} files, {bytes} bytes; xxh3-128 and BLAKE3: {} MB/s", files.len(), rate(bytes, hashed));
    for mean in [None, Some(1024), Some(4 * 1024), Some(16 * 1024), Some(64 * 1024)] {
        let (both, (chunks, list)) = timed(|| cut_all(&files, mean));
        let share = list as f64 * 100.0 / bytes as f64;
        let mean = mean.map_or("by size".to_owned(), |mean| format!("mean {mean}"));
        println!("{mean}, both: {} MB/s, {chunks} chunks, lists {list} bytes = {share:.3} %", rate(bytes, both));
    }
    Ok(())
}

/// How many seconds of one processor it took, also where others want it too; where the kernel does not say, of the clock.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (began, used) = (Instant::now(), on_processor());
    let done = work();
    let used = used.zip(on_processor()).map(|(before, after)| (after - before) as f64 / 1e9);
    (used.unwrap_or_else(|| began.elapsed().as_secs_f64()), done)
}

/// Nanoseconds that this process, which has one thread, ran so far.
fn on_processor() -> Option<u64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

fn rate(bytes: usize, seconds: f64) -> String {
    format!("{:.0}", bytes as f64 / seconds / 1e6)
}

fn hash(file: &[u8]) {
    let (mut quick, mut content) = (Xxh3::new(), blake3::Hasher::new());
    for portion in file.chunks(PORTION) {
        quick.update(portion);
        content.update(portion);
    }
    black_box((quick.digest128(), content.finalize()));
}

fn cut_all(files: &[Vec<u8>], mean: Option<u32>) -> (usize, usize) {
    let (mut chunks, mut bytes) = (0, 0);
    for file in files {
        hash(file);
        let by_size = Parameters::for_file(file.len() as u64, file);
        let mut cutter = Cutter::new(mean.and_then(Parameters::with_mean).unwrap_or(by_size));
        file.chunks(PORTION).for_each(|portion| cutter.feed(portion));
        if let Some(list) = cutter.finish() {
            chunks += list.iter().count();
            bytes += list.as_bytes().len();
        }
    }
    (chunks, bytes)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}
