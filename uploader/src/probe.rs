//! [`probe_of`]: what is asked before a frame travels once more.

use protocol::wire::{Compression, Fill, Request};

/// The same request without its bytes, where it has many. It goes first after a connection broke: a receiver that was
/// started anew does not know the proposal any more, and says so before a frame was sent to it in vain.
pub(crate) fn probe_of(request: &Request) -> Option<Request> {
    let Request::Fill(fill) = request else { return None };
    let (mirror, proposal) = (fill.mirror.clone(), fill.proposal);
    let (pieces, compression, data) = (Vec::new(), Compression::None, Vec::new().into());
    Some(Request::Fill(Fill { mirror, proposal, pieces, compression, data }))
}
