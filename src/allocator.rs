//! How much freed memory the C library's allocator keeps.
//!
//! glibc makes up to eight arenas a processor, and each keeps megabytes of what was freed in it: frames and batches pass
//! through many threads, so that a receiver of two processors kept some 80 MiB for nothing. Two arenas are as fast here.

/// Arenas for all threads together.
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Bounds what is kept. To be called before there is a second thread.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code, reason = "glibc can be told in no other way than by the environment of the process")]
pub(crate) fn keep_little() {
    // SAFETY: mallopt takes two numbers, no pointers, and sets a parameter of the allocator, which any value of it
    // leaves working; no other thread exists that could allocate meanwhile.
    let is_set = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
    debug_assert_eq!(is_set, 1, "glibc knows this parameter");
}

/// Other C libraries have no arenas.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep_little() {}
