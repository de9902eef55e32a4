//! Somebody who watches how much is to be sent, and is.

use std::sync::Mutex;

use seams::progress::Progress;

/// Adds up what it is told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<(i64, i64)>);

impl Told {
    /// Bytes that were to be sent, and bytes that were.
    pub(crate) fn so_far(&self) -> (i64, i64) {
        *self.0.lock().expect("not poisoned")
    }

    fn add(&self, to_send: i64, sent: i64) {
        let mut told = self.0.lock().expect("not poisoned");
        *told = (told.0 + to_send, told.1 + sent);
    }
}

impl Progress for Told {
    fn seen(&self, _files: u64, _bytes: u64) {}
    fn read(&self, _bytes: u64) {}
    fn to_send(&self, _files: u64, bytes: u64) {
        self.add(bytes.cast_signed(), 0);
    }
    fn spared(&self, bytes: u64) {
        self.add(-bytes.cast_signed(), 0);
    }
    fn sent(&self, bytes: u64) {
        self.add(0, bytes.cast_signed());
    }
}
