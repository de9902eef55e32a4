//! `roundsman client`: who may send mirrors to a receiver. All but `remove` works beside a running receiver.

mod account;
mod list;

use std::path::Path;
use std::time::Duration;

use protocol::{ClientName, Timestamp};
use receiver::{
    Access, Accounts, AccountsError, Grant, HoldError, RemoveError, Rotated, Token, TokenId, refuse_what_is_none,
    remove_client,
};
use seams::clock::{Clock, SystemClock};
use uploader::Address;

use crate::args::ClientCommand;
use crate::exit::{Exit, Failure};
use crate::invite::{Invite, Pin};
use crate::moments::{exact, later};
use crate::output::Output;

/// Does what was asked for, on this data directory.
pub(crate) fn client(command: &ClientCommand, data: &Path, output: &Output) -> Result<Exit, Failure> {
    let clock = SystemClock::new();
    // Only who brings a client may find nothing there.
    if !matches!(command, ClientCommand::Add { .. } | ClientCommand::Invite { .. }) {
        refuse_what_is_none(data).map_err(|error| Failure::new(Exit::Usage, error).hint("is --data right?"))?;
    }
    let open = || Accounts::open(data).map_err(refused);
    match command {
        ClientCommand::Add { name, grant, .. } => issued(open()?.add(name, grant.grant(&clock)), output),
        ClientCommand::Issue { name, grant, .. } => issued(open()?.issue(name, grant.grant(&clock)), output),
        ClientCommand::Rotate { name, overlap, kind, expires, .. } => {
            let expires = expires.map(|span| later(clock.now(), span));
            let rotated = open()?.rotate(name, kind.access(), expires, *overlap).map_err(refused)?;
            rotated_to(&rotated, later(clock.now(), *overlap), overlap.is_zero(), output)
        }
        ClientCommand::Invite { name, url, expires, pin, access, token_expires, .. } => {
            let grant = access.grant(*token_expires, &clock);
            invite(&open()?, name, grant, &Line { url, within: *expires, pin: *pin }, output)
        }
        ClientCommand::List { .. } => list::list(&open()?, clock.now(), output),
        ClientCommand::Show { name, .. } => list::show(&open()?, name, clock.now(), output),
        ClientCommand::Revoke { name, token, .. } => revoke(&open()?, name, token.as_deref(), output),
        ClientCommand::Remove { name, yes, .. } => remove(data, name, *yes, output),
    }
}

/// A token is all that is printed on stdout.
fn issued(token: Result<Token, AccountsError>, output: &Output) -> Result<Exit, Failure> {
    output.data(format!("{}\n", token.map_err(refused)?.expose()).as_bytes());
    Ok(Exit::Done)
}

/// What becomes of the old tokens is said beside.
fn rotated_to(rotated: &Rotated, end: Timestamp, at_once: bool, output: &Output) -> Result<Exit, Failure> {
    let (kind, count) = (rotated.access.as_str(), crate::output::counted(rotated.replaced as u64, "token"));
    let when = if at_once { "at once".to_owned() } else { format!("by {}", exact(end)) };
    output.data(format!("{}\n", rotated.token.expose()).as_bytes());
    output.message(&format!("a new {kind} token; {count} that allowed the same: over {when}"));
    Ok(Exit::Done)
}

/// What an invite says besides its secret.
struct Line<'a> {
    url: &'a Address,
    within: Duration,
    pin: Option<Pin>,
}

fn invite(
    accounts: &Accounts,
    client: &ClientName,
    grant: Grant,
    line: &Line<'_>,
    output: &Output,
) -> Result<Exit, Failure> {
    let invited = accounts.invite(client, grant, line.within).map_err(refused)?;
    let invite = Invite { address: line.url.clone(), pin: line.pin, secret: invited.secret, expires: invited.expires };
    output.data(format!("{}\n", invite.expose()).as_bytes());
    let scope = if grant.access == Access::Full { String::new() } else { format!(" ({})", grant.access.as_str()) };
    output.message(&format!(
        "good once, until {}: `roundsman join -` on the machine that becomes {client}{scope}",
        exact(invited.expires)
    ));
    Ok(Exit::Done)
}

fn revoke(accounts: &Accounts, client: &ClientName, token: Option<&str>, output: &Output) -> Result<Exit, Failure> {
    // Not parsed with the flags, whose errors repeat what was said: that may be a token.
    let token = token.map(str::parse::<TokenId>).transpose().map_err(|error| Failure::new(Exit::Usage, error))?;
    match token {
        None => {
            let count = accounts.revoke_all(client).map_err(refused)?;
            output.message(&format!(
                "{client} has no access any more: {} revoked",
                crate::output::counted(count as u64, "token")
            ));
        }
        Some(token) => {
            let account = accounts.show(client).map_err(refused)?;
            if !account.tokens.iter().any(|issued| issued.id == token) {
                return Err(refused(AccountsError::UnknownToken(token)));
            }
            accounts.revoke(&token).map_err(refused)?;
            output.message(&format!("the token {token} of {client} is revoked"));
        }
    }
    Ok(Exit::Done)
}

fn remove(data: &Path, client: &ClientName, really: bool, output: &Output) -> Result<Exit, Failure> {
    if !really {
        return Err(Failure::usage(format!("this removes all mirrors of {client} and their history for good"))
            .hint("say --yes if that is meant; `roundsman client revoke` only takes its access"));
    }
    match remove_client(data, client) {
        Ok(()) => {
            output.message(&format!("{client} is removed, with its mirrors and their history"));
            Ok(Exit::Done)
        }
        Err(RemoveError::Hold(error @ HoldError::Busy { .. })) => Err(Failure::new(Exit::Locked, error)
            .hint("stop the receiver first; `roundsman client revoke` takes the access while it runs")),
        Err(RemoveError::Accounts(error)) => Err(refused(error)),
        Err(error) => Err(Failure::new(Exit::Failed, error).hint("run it again: it goes on where it was")),
    }
}

/// What the accounts refuse is mostly a name that was mistyped.
fn refused(error: AccountsError) -> Failure {
    match error {
        AccountsError::Exists(_)
        | AccountsError::Reserved(_)
        | AccountsError::UnknownClient(_)
        | AccountsError::NoToken(..)
        | AccountsError::SeveralKinds(_)
        | AccountsError::UnknownToken(_) => Failure::new(Exit::Usage, error),
        other => Failure::from(other),
    }
}
