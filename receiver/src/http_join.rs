//! `POST /v1/join`: an invite's secret is traded for a token. The only route that takes a body without a token: the body
//! is tiny, and whoever guesses is slowed down.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use protocol::wire::{Join, Joined};
use protocol::{Problem, ProblemCode};
use tokio::time::Instant;

use crate::accounts_error::JoinError;
use crate::http::{CBOR, Desk, announced_size, in_background};
use crate::http_body;
use crate::http_failure::Failure;
use crate::http_limits::MAX_JOIN_BYTES;
use crate::http_log::Seen;

/// Answers who wants to join.
pub(crate) async fn join(request: HttpRequest, payload: Payload, desk: Data<Desk>) -> HttpResponse {
    match joined(&request, payload, &desk).await {
        Ok(joined) => HttpResponse::Ok().content_type(CBOR).body(joined.encode()),
        Err(failure) => failure.into_response(),
    }
}

async fn joined(request: &HttpRequest, payload: Payload, desk: &Data<Desk>) -> Result<Joined, Failure> {
    let limit = announced_size(request, MAX_JOIN_BYTES)?;
    let body = http_body::read(payload, limit, desk.limits.body_pace).await?;
    // What the decoder says of a body may repeat some of it, which could be most of a secret.
    let malformed = |_| Problem::new(ProblemCode::Malformed, "the join request is not valid");
    let join = Join::decode(&body).map_err(malformed)?;
    let background = Data::clone(desk);
    let tried = in_background(move || Ok(background.accounts.join(&join.secret))).await?;
    match tried {
        Ok(joined) => {
            tracing::info!(client = %joined.client, "joined");
            Seen::note(request, |seen| seen.client = Some(joined.client.clone()));
            Ok(Joined { client: joined.client.as_str().to_owned(), token: joined.token.expose().to_owned() })
        }
        Err(JoinError::Accounts(error)) => {
            tracing::error!(%error, "invites cannot be looked at, so nobody joins");
            Err(Problem::new(ProblemCode::Unavailable, "invites cannot be looked at right now").into())
        }
        Err(refused) => Err(slowly(refused, desk).await.into()),
    }
}

/// A refusal, after the wait that whoever guesses has to bear.
async fn slowly(refused: JoinError, desk: &Desk) -> Problem {
    let (wrong, wait) = desk.join_guesses.wrong_guess(Instant::now());
    tracing::warn!(wrong, why = %refused, "an invite was refused");
    tokio::time::sleep(wait).await;
    let code = match refused {
        JoinError::Used => ProblemCode::InviteUsed,
        JoinError::Expired => ProblemCode::InviteExpired,
        JoinError::Unknown | JoinError::Accounts(_) => ProblemCode::InviteUnknown,
    };
    Problem::new(code, refused).with_hint("`roundsman client invite NAME` at the receiver makes another one")
}

#[cfg(test)]
#[path = "http_join_tests.rs"]
mod tests;
