//! [`Machine`]: what all file systems of one machine share: the fault hook, and the device numbers given out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::operation::FaultHook;

/// The machine that file systems are mounted on.
#[derive(Default)]
pub(super) struct Machine {
    hook: Mutex<Option<FaultHook>>,
    /// The device number last given out.
    devices: AtomicU64,
}

impl Machine {
    /// Called before every operation on every file system.
    pub(super) fn hook(&self) -> Option<FaultHook> {
        self.hook.lock().expect("no holder of this lock panics").clone()
    }

    pub(super) fn set_hook(&self, hook: Option<FaultHook>) {
        *self.hook.lock().expect("no holder of this lock panics") = hook;
    }

    /// A device number that no mount ever had: 1 for the first.
    pub(super) fn new_device(&self) -> u64 {
        self.devices.fetch_add(1, Ordering::Relaxed) + 1
    }
}
