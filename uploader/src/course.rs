//! [`Course`]: what all batches of one delivery share; [`Ahead`]: when running ahead of a commit is in vain.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::Lineage;

use crate::packer::Packer;
use crate::volume::VolumeCount;
use crate::{Caller, Deliverer};

/// One delivery under way.
#[derive(Debug)]
pub(crate) struct Course<'a> {
    pub(crate) deliverer: Deliverer<'a>,
    pub(crate) packer: Packer<'a>,
    pub(crate) volume: VolumeCount,
    /// Who writes.
    pub(crate) lineage: Lineage,
}

impl<'a> Course<'a> {
    pub(crate) fn new(deliverer: Deliverer<'a>, lineage: Lineage) -> Self {
        let Deliverer { compression, parallel, processors, caller, .. } = deliverer;
        let packer = Packer::new(compression, parallel.threads(), processors, caller.clock());
        Self { deliverer, packer, volume: VolumeCount::default(), lineage }
    }
}

/// Whether what runs ahead of a commit still has a point.
#[derive(Debug)]
pub(crate) struct Ahead<'a> {
    caller: &'a Caller,
    ended: AtomicBool,
}

impl<'a> Ahead<'a> {
    pub(crate) fn of(caller: &'a Caller) -> Self {
        Self { caller, ended: AtomicBool::new(false) }
    }

    /// The commit failed in a way that ends the round.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Nothing that is prepared now will be committed: the round ends, or somebody asked to stop.
    pub(crate) fn is_vain(&self) -> bool {
        self.ended.load(Ordering::Relaxed) || self.caller.is_stopped()
    }
}
