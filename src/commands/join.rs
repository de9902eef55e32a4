//! `roundsman join`: makes this machine a client, by the line that `roundsman client invite` printed.

use std::io::{BufRead, Read};
use std::path::Path;

use protocol::ProblemCode;
use uploader::{HttpSettings, JoinError, TransportError, join as trade};

use crate::exit::{Exit, Failure};
use crate::invite::{InvalidInvite, Invite, MAX_LINE_BYTES};
use crate::joined::{Joined, Place, directory};
use crate::output::Output;
use crate::route::shown;
use crate::settings::environment::Environment;

/// Trades the invite for a token and keeps that where every command finds it. `-` takes the line from stdin.
pub(crate) fn join(line: &str, allow_plaintext: bool, config: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
    let line = if line == "-" { line_from_stdin()? } else { line.to_owned() };
    let invite = Invite::parse(&line, allow_plaintext).map_err(unusable)?;
    let home = directory(config, &Environment::current()).ok_or_else(|| {
        Failure::usage("there is no place to keep a token: HOME is not set").hint("set it, or say --config FILE")
    })?;
    refuse_a_second_receiver(&home, &invite)?;
    let place = Place::prepare(&home).map_err(|error| cannot_keep(&home, error))?;
    let member = trade(invite.address.clone(), &invite.secret, HttpSettings::default()).map_err(refused)?;
    let path = place.keep(&member.token, &invite).map_err(|error| cannot_keep(&home, error))?;
    output.message(&format!(
        "this machine is the client {} at {}; that is kept in {}",
        member.client,
        invite.address,
        shown(&path)
    ));
    Ok(Exit::Done)
}

fn line_from_stdin() -> Result<String, Failure> {
    let most = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let mut line = String::new();
    // One line: at a terminal nobody ends the input.
    std::io::BufReader::new(std::io::stdin().take(most + 1)).read_line(&mut line)?;
    Ok(line)
}

fn unusable(error: InvalidInvite) -> Failure {
    let hint = match &error {
        InvalidInvite::Address(_) => "use an invite with an https address, or insist with --allow-plaintext",
        InvalidInvite::NotOne | InvalidInvite::Damaged => "copy the whole line that `roundsman client invite` printed",
    };
    Failure::new(Exit::Usage, error).hint(hint)
}

/// Before the secret is spent: one receiver at a time is where rounds go without being told.
fn refuse_a_second_receiver(home: &Path, invite: &Invite) -> Result<(), Failure> {
    match Joined::read(home)? {
        Some(joined) if joined.address != invite.address => {
            Err(Failure::usage(format!("this machine is a client of {} already", joined.address)).hint(format!(
                "to leave that, remove joined.toml and joined.token in {}; to have both, join with --config FILE in \
                 another directory",
                shown(home)
            )))
        }
        Some(_) | None => Ok(()),
    }
}

fn cannot_keep(home: &Path, error: std::io::Error) -> Failure {
    let context = anyhow::Error::new(error).context(format!("cannot keep a token in {}", shown(home)));
    Failure::new(Exit::Failed, context)
}

/// What a refusal or a silence means.
fn refused(error: JoinError) -> Failure {
    let JoinError::Transport(error) = error else { return Failure::from(error) };
    let another = "an invite is good for one answer: if this one was used up on the way, ask for another";
    match error {
        TransportError::Problem { problem, .. } => {
            let is_refusal = matches!(
                problem.code,
                ProblemCode::InviteUnknown
                    | ProblemCode::InviteUsed
                    | ProblemCode::InviteExpired
                    | ProblemCode::Forbidden
                    | ProblemCode::Unauthorized
            );
            let exit = match is_refusal {
                true => Exit::Refused,
                false if problem.code.is_transient() => Exit::Unreachable,
                false => Exit::Failed,
            };
            let hint = problem.hint.clone().unwrap_or_else(|| another.to_owned());
            Failure::new(exit, problem).hint(hint)
        }
        TransportError::Unreachable { .. } => {
            Failure::new(Exit::Unreachable, error).hint("is the receiver running, and the address right?")
        }
        TransportError::Interrupted { .. } | TransportError::TimedOut { .. } => {
            Failure::new(Exit::Unreachable, error).hint(another)
        }
        TransportError::Certificate(_) => {
            Failure::new(Exit::Refused, error).hint("is it the right receiver, and its certificate known here?")
        }
        TransportError::Protocol(_) => {
            Failure::new(Exit::Failed, error).hint("does a roundsman receiver listen at this address?")
        }
    }
}
