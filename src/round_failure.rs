//! What a failed round means for whoever runs it: the exit code, and what to do.

use protocol::ProblemCode;
use scanner::RootTrouble;
use uploader::{CallError, DeliverError};

use crate::exit::{Exit, Failure};
use crate::round::RoundError;
use crate::stop::Stop;

const ADOPT: &str = "if this is the source from now on, accept it: --adopt";
const ACCEPT: &str = "if it is the right source all the same, say so once: --accept-root";

/// The failure that goes with an error.
pub(crate) fn failure(error: RoundError, stop: &Stop) -> Failure {
    let (exit, hint) = match &error {
        RoundError::Source { known: false, .. } => {
            (Exit::Usage, Some("is the name right, and the disk mounted?".to_owned()))
        }
        RoundError::Source { known: true, .. } => {
            (Exit::Failed, Some("is its disk mounted? Nothing was deleted at the mirror".to_owned()))
        }
        RoundError::Root(
            RootTrouble::Emptied
            | RootTrouble::Marker { .. }
            | RootTrouble::OtherFilesystem { .. }
            | RootTrouble::OtherDirectory { .. },
        ) => (Exit::Failed, Some(format!("is the right disk mounted? Nothing was deleted at the mirror; {ACCEPT}"))),
        RoundError::Marker { id, .. } => (
            Exit::Failed,
            Some(format!("make it yourself, with these digits in it: {id}; or do without: marker = false")),
        ),
        RoundError::OtherSource { .. } => (
            Exit::Failed,
            Some(format!("nothing was touched; to keep both, name another mirror: --mirror OTHER; {ADOPT}")),
        ),
        RoundError::NoMirror { .. } => {
            (Exit::Usage, Some("is the name right? Another one is named by --mirror NAME".to_owned()))
        }
        RoundError::Deliver(error) => delivering(error, stop),
        RoundError::Scan(_) | RoundError::Snapshot(_) | RoundError::Entangled(_) | RoundError::Scratch(_) => {
            (Exit::Failed, None)
        }
    };
    let failure = Failure::new(exit, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn delivering(error: &DeliverError, stop: &Stop) -> (Exit, Option<String>) {
    match error {
        DeliverError::Call(error) => calling(error, stop),
        DeliverError::Fenced { .. } => {
            (Exit::Fenced, Some("`roundsman takeover` lets this client go on instead".to_owned()))
        }
        DeliverError::HeadMoved
        | DeliverError::Version { .. }
        | DeliverError::Protocol(_)
        | DeliverError::Ledger { .. } => (Exit::Failed, None),
    }
}

fn calling(error: &CallError, stop: &Stop) -> (Exit, Option<String>) {
    match error {
        CallError::Unreachable(_) => {
            (Exit::Unreachable, Some("is the receiver running, and the address right?".to_owned()))
        }
        CallError::Refused(problem) => {
            let usual = "does the token file hold this client's present token?".to_owned();
            (Exit::Refused, Some(problem.hint.clone().unwrap_or(usual)))
        }
        CallError::Certificate(_) => {
            (Exit::Refused, Some("is it the right receiver, and its certificate known here?".to_owned()))
        }
        CallError::Fenced(_) => (Exit::Fenced, Some("`roundsman takeover` lets this client go on instead".to_owned())),
        CallError::Stopped(_) => (stop.exit().unwrap_or(Exit::Terminated), None),
        CallError::Problem(problem) if problem.code == ProblemCode::NoSpace => {
            let usual = "what the mirror has is untouched; the next round goes on where there is room".to_owned();
            (Exit::Failed, Some(problem.hint.clone().unwrap_or(usual)))
        }
        CallError::Problem(problem) => (Exit::Failed, problem.hint.clone()),
        CallError::Protocol(_) => (Exit::Failed, Some("does a roundsman receiver listen at this address?".to_owned())),
    }
}
