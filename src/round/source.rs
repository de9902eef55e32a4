//! The source of a round: opened, and proven to be the one that the mirror is the copy of, before anything is compared.

use std::io;
use std::path::Path;
use std::sync::Arc;

use protocol::wire::Source;
use scanner::{
    MarkerId, RootIdentity, check_marker, check_not_emptied, check_root, make_marker, marker_name, read_marker,
};
use seams::fs::{Directory, Step};
use seams::random::{Random, id};
use uploader::{Contacted, claim, meet};

use super::{Beat, Delivering, RoundError};
use crate::ledger::SnapshotLedger;

/// The source, open.
pub(super) struct OpenSource {
    pub(super) root: Arc<dyn Directory>,
    identity: RootIdentity,
    /// Whether nothing is in it, our own marker left out.
    is_empty: bool,
}

impl Beat<'_> {
    /// Opens the root, which must be the one that was recorded here.
    pub(super) fn open_source(&self) -> Result<OpenSource, RoundError> {
        let recorded = self.recorded_source()?;
        let failed = |source| RoundError::Source { path: shown(self.source), known: recorded.is_some(), source };
        let source = self.try_open().map_err(failed)?;
        if let Some(recorded) = &recorded {
            self.check_recorded(recorded, &source)?;
        }
        Ok(source)
    }

    fn try_open(&self) -> io::Result<OpenSource> {
        let root = self.fs.open_root(self.source)?;
        let marker = if self.rules.marker { read_marker(&*root)? } else { None };
        let identity = RootIdentity::of(&*root)?.with_marker(marker);
        let is_empty = is_empty(&*root);
        Ok(OpenSource { root, identity, is_empty })
    }

    /// The source that this mirror was last made from here.
    fn recorded_source(&self) -> Result<Option<Source>, RoundError> {
        Ok(self.snapshot.root_record()?.and_then(|record| minicbor::decode(&record).ok()))
    }

    /// Whether a mirror that was made from `recorded` may be made from this source. Where inodes do not last, two
    /// directories of one file system differ by their paths alone.
    fn check_recorded(&self, recorded: &Source, source: &OpenSource) -> Result<(), RoundError> {
        if self.rules.adopt {
            return Ok(());
        }
        let (ours, found) = (self.own_source(source), &source.identity);
        let same_place = recorded.path == ours.path && recorded.host == ours.host;
        let Some(expected) = RootIdentity::from_bytes(&recorded.identity) else {
            return Err(self.other_source(recorded, &ours));
        };
        let by_inode = expected.inode.is_some() && found.inode.is_some();
        match check_root(&expected, found) {
            Ok(()) if by_inode || recorded.path == ours.path => {}
            Err(_) if same_place && self.rules.accept_root => {}
            Err(trouble) if same_place => return Err(trouble.into()),
            Ok(()) | Err(_) => return Err(self.other_source(recorded, &ours)),
        }
        if self.rules.marker && !self.rules.accept_root {
            check_marker(&expected, found)?;
        }
        Ok(())
    }

    fn other_source(&self, theirs: &Source, ours: &Source) -> RoundError {
        RoundError::OtherSource { mirror: self.mirror.clone(), theirs: name_of(theirs), ours: name_of(ours) }
    }

    /// Nothing in the source and something in the mirror is never a plan, unless a person says so.
    pub(super) fn check_not_emptied(&self, source: &OpenSource, mirror_is_empty: bool) -> Result<(), RoundError> {
        Ok(check_not_emptied(source.is_empty && !self.rules.accept_root, mirror_is_empty)?)
    }

    /// Agrees with the receiver on whose copy the mirror is, and then on the head: a source that is refused must not
    /// have taken anything over.
    pub(super) fn contact(&self, to: &Delivering<'_>, source: &mut OpenSource) -> Result<Contacted, RoundError> {
        let ledger = SnapshotLedger(self.snapshot);
        let meeting = meet(to.caller, self.mirror, &ledger)?;
        let theirs = meeting.source().cloned();
        if let Some(theirs) = &theirs {
            self.check_recorded(theirs, source)?;
        }
        self.check_not_emptied(source, self.snapshot.counts()?.entries == 0 && meeting.is_empty())?;
        let contacted = meeting.agree(to.random)?;
        self.mark(source, to.random)?;
        let ours = self.own_source(source);
        if theirs.as_ref() != Some(&ours) {
            claim(to.caller, self.mirror, ours.clone(), theirs)?;
        }
        if self.recorded_source()?.as_ref() != Some(&ours) {
            let record = minicbor::to_vec(&ours).expect("encoding to memory cannot fail");
            self.snapshot.set_root_record(&record)?;
        }
        Ok(contacted)
    }

    /// Makes the marker where one is wanted and was never made, or a person accepted that it is gone.
    fn mark(&self, source: &mut OpenSource, random: &dyn Random) -> Result<(), RoundError> {
        if !self.rules.marker || source.identity.marker.is_some() {
            return Ok(());
        }
        let marker = MarkerId::from_bytes(id(random));
        make_marker(&*source.root, &marker).map_err(|error| RoundError::Marker {
            path: shown(self.source),
            id: marker.to_string(),
            source: error,
        })?;
        source.identity = source.identity.clone().with_marker(Some(marker));
        Ok(())
    }

    fn own_source(&self, source: &OpenSource) -> Source {
        use std::os::unix::ffi::OsStrExt;
        let path = self.source.as_os_str().as_bytes().to_vec().into();
        Source { path, identity: source.identity.to_bytes().into(), host: self.host.to_owned() }
    }
}

/// Whether nothing but our own marker is in a directory. What cannot be listed is left to the scan to tell.
fn is_empty(root: &dyn Directory) -> bool {
    let (mut walk, marker) = (root.walk(), marker_name());
    loop {
        match walk.next_step() {
            None => return true,
            Some(Step::Name { name, .. }) if name == marker => {}
            Some(Step::Name { .. } | Step::Incomplete { .. }) => return false,
        }
    }
}

/// A source as people know it.
fn name_of(source: &Source) -> String {
    format!("{} on {}", protocol::escape(&source.path), protocol::escape(source.host.as_bytes()))
}

fn shown(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    protocol::escape(path.as_os_str().as_bytes())
}
