//! Where the plain findings of a scan under way are: in memory, or in the scratch.

use protocol::RelPath;
use seams::scratch::{Plain, take_where};

use crate::round::Round;
use crate::scan::ScanError;
use crate::tangled::take_back;

impl Round<'_> {
    /// Keeps plain findings, in memory or in the scratch.
    pub(crate) fn keep_plain(&self, plain: Vec<Plain>) -> Result<(), ScanError> {
        if plain.is_empty() {
            return Ok(());
        }
        let spilling = self.found().keep_plain(plain, self.most_in_memory);
        self.scratch.put(spilling).map_err(ScanError::Scratch)
    }

    /// Puts plain findings where they belong by what was found so far: those on which a plan may depend to the others,
    /// the rest to the scratch; all to the others if they fit in memory.
    pub(crate) fn gather(&self) -> Result<(), ScanError> {
        let mut found = self.found();
        let plain = found.take_plain();
        if !found.spilled {
            return Ok(());
        }
        let gathered = self.scratch.put(plain).and_then(|()| take_back(&mut found.scanned.findings, self.scratch));
        gathered.map_err(ScanError::Scratch)
    }

    /// Forgets what was found at the paths that do not stay; gives those of them that had vanished.
    pub(crate) fn retain(&self, stays: impl Fn(&RelPath) -> bool) -> Result<Vec<RelPath>, ScanError> {
        let mut found = self.found();
        let vanished = found.retain(&stays);
        if found.spilled {
            take_where(self.scratch, |plain| !stays(&plain.path), drop).map_err(ScanError::Scratch)?;
        }
        Ok(vanished)
    }
}
