//! [`Service`]: the receiver's answer to every request, apart from how requests travel.
//!
//! HTTP handlers and simulated transports call the same [`Service::answer`]: what is decided here holds for both.

use std::sync::Arc;

use protocol::wire::{
    Answer, Check, Commit, Committed, Hello, HelloReply, Limits, PROTOCOL_MAX, PROTOCOL_MIN, Request, Response,
    ZSTD_BODIES,
};
use protocol::{Problem, ProblemCode};

use crate::caller::{Access, Caller};
use crate::retention::AtCeiling;
use crate::store::Store;

/// Answers requests from a store, within the rights of whoever asks.
#[derive(Debug, Clone)]
pub struct Service {
    store: Arc<dyn Store>,
    limits: Limits,
}

impl Service {
    /// A service on a store; `limits` are told to clients.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// Answers a request. Blocks until it is done.
    ///
    /// # Errors
    /// `Forbidden` where the caller's token does not allow it, `UnsupportedProtocol` to a hello without a common
    /// version, and what the store answers.
    pub fn answer(&self, caller: &Caller, request: &Request) -> Answer {
        check_access(caller.access, request)?;
        let (store, client) = (&*self.store, &caller.client);
        match request {
            Request::Hello(hello) => self.hello(caller, hello).map(Response::Hello),
            Request::Contact(contact) => store.contact(client, contact).map(Response::Contact),
            Request::Claim(claim) => store.claim(client, claim).map(Response::Claim),
            Request::TakeOver(takeover) => store.take_over(client, takeover).map(Response::TakeOver),
            Request::ChangesSince(since) => store.changes_since(client, since).map(Response::ChangesSince),
            Request::ListAt(list) => store.list_at(client, list).map(Response::ListAt),
            Request::Propose(proposal) => store.propose(client, proposal).map(Response::Propose),
            Request::Fill(fill) => store.fill(client, fill).map(Response::Fill),
            Request::Commit(commit) => self.commit(caller, commit).map(Response::Commit),
            Request::ReadAt(read) => store.read_at(client, read).map(Response::ReadAt),
            Request::Check(check) => store.check(client, check).map(Response::Check),
            Request::Chunks(chunks) => store.chunks(client, chunks).map(Response::Chunks),
            Request::Mend(mend) => store.mend(client, mend).map(Response::Mend),
            Request::Mirrors(mirrors) => store.mirrors(client, mirrors).map(Response::Mirrors),
            Request::Revisions(revisions) => store.revisions(client, revisions).map(Response::Revisions),
            Request::Versions(versions) => store.versions(client, versions).map(Response::Versions),
            Request::EntriesAt(entries) => store.entries_at(client, entries).map(Response::EntriesAt),
        }
    }

    fn commit(&self, caller: &Caller, commit: &Commit) -> Result<Committed, Problem> {
        match caller.access {
            Access::Full => self.store.commit(&caller.client, commit, AtCeiling::GiveUpOldest),
            Access::AppendOnly | Access::ReadOnly => self.store.commit(&caller.client, commit, AtCeiling::Refuse),
        }
    }

    fn hello(&self, caller: &Caller, hello: &Hello) -> Result<HelloReply, Problem> {
        check_version(hello)?;
        let contact = hello.contact.as_ref().map(|contact| self.store.contact(&caller.client, contact)).transpose()?;
        Ok(HelloReply {
            protocol_min: PROTOCOL_MIN,
            protocol_max: PROTOCOL_MAX,
            store: self.store.id(),
            client: caller.client.as_str().to_owned(),
            limits: self.limits,
            features: vec![ZSTD_BODIES.to_owned()],
            contact,
        })
    }
}

/// Whether a request may change something. Without a wildcard: whoever adds a request has to decide.
const fn writes(request: &Request) -> bool {
    match request {
        Request::Hello(_)
        | Request::Contact(_)
        | Request::ChangesSince(_)
        | Request::ListAt(_)
        | Request::ReadAt(_)
        | Request::Check(Check { mend: false, .. })
        | Request::Chunks(_)
        | Request::Mirrors(_)
        | Request::Revisions(_)
        | Request::Versions(_)
        | Request::EntriesAt(_) => false,
        Request::Claim(_)
        | Request::TakeOver(_)
        | Request::Propose(_)
        | Request::Fill(_)
        | Request::Commit(_)
        | Request::Check(Check { mend: true, .. })
        | Request::Mend(_) => true,
    }
}

fn check_access(access: Access, request: &Request) -> Result<(), Problem> {
    if access.may_write() || !writes(request) {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::Forbidden, "this token allows reading only; nothing was changed")
        .with_hint("use a token with full access to write to a mirror"))
}

fn check_version(hello: &Hello) -> Result<(), Problem> {
    let (oldest, newest) = (hello.protocol_min.max(PROTOCOL_MIN), hello.protocol_max.min(PROTOCOL_MAX));
    if oldest <= newest {
        return Ok(());
    }
    let Hello { protocol_min, protocol_max, .. } = hello;
    let older = if *protocol_min > PROTOCOL_MAX { "receiver" } else { "client" };
    Err(Problem::new(
        ProblemCode::UnsupportedProtocol,
        format!("the client speaks protocol {protocol_min} to {protocol_max}, this receiver {PROTOCOL_MIN} to {PROTOCOL_MAX}"),
    )
    .with_hint(format!("update the {older}")))
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
