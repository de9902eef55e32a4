//! What a client may know of the disk's errors: never a path of this machine.

use std::io;

use protocol::{Problem, ProblemCode};

/// The problem that an error of the disk is, in doing something.
pub(super) fn disk(what: &'static str) -> impl Fn(io::Error) -> Problem {
    move |error| {
        tracing::error!(%error, what, "disk");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Problem::new(ProblemCode::NoSpace, format!("the receiver's disk has no room to {what}"))
                    .with_hint("make room there; what was mirrored is untouched")
            }
            kind => Problem::new(ProblemCode::Internal, format!("the receiver cannot {what}: {kind}"))
                .with_hint("the receiver's log says more"),
        }
    }
}
