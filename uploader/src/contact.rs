//! [`decide`]: what the first contact of a round means (DESIGN.md, section 8). Pure; every case is a test.

use protocol::wire::ContactReply;
use protocol::{Head, StoreId};

use crate::Standing;

/// What to do after contact, before anything is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Both sides agree.
    GoOn,
    /// The commit in flight arrived, only its answer was lost: fetch what it changed, it is acknowledged.
    Acknowledged {
        /// The head it made.
        head: Head,
    },
    /// The receiver has less than this client, or nothing: take its manifest, deliver what is missing.
    Reconcile,
    /// Somebody else wrote, or this client forgot that it did: announce a new lineage, then learn what is there.
    TakeOver {
        /// The last revision that both are sure to share.
        fork: Head,
        /// What to do once the new lineage is announced.
        then: Then,
    },
    /// This client is the one that was taken over from, and has written since: it must not write any more.
    Fenced {
        /// The last revision it could have written.
        at: u64,
    },
}

/// How a client that takes over learns the mirror's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It knows it already.
    GoOn,
    /// By what changed since its own head.
    CatchUp,
    /// By the whole manifest.
    Reconcile,
}

/// How the mirror's chain lies to the client's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The same head.
    Same,
    /// The client's head and its own batch in flight, nothing else.
    InFlightArrived,
    /// The client's head lies in the chain, and revisions past it that the client did not write down.
    Ahead,
    /// A mirror without revisions, while the client has some.
    New,
    /// The client's head is nowhere in the chain.
    Apart,
}

/// What a contact means. `store` is who answers.
///
/// - A superseded client whose head (its batch in flight counted, where that arrived) is past the fork is a second
///   live client: **fenced**, whatever else holds, until a person decides. One that has not written since the fork
///   is like a state directory that was rolled back: it may **take over** in its turn.
/// - The same head at the same store: **go on**. A commit that is still noted as in flight did not arrive; if a
///   late copy of it does, the next commit fails its compare-and-swap and contact is made anew.
/// - The digest in flight is chained over the client's own head and batch, so it **acknowledges** exactly those.
/// - Other revisions past the client's head: its state was rolled back, lost or copied. It **takes over** from its
///   head on, which fences whoever wrote them, and **catches up**. A new state directory has nothing to catch up
///   from: the manifest is the same set, and it streams.
/// - A mirror without revisions: nobody can be superseded there, so there is no takeover. **Reconcile** forgets
///   what is acknowledged nowhere.
/// - A head outside the chain, while the mirror's head is older and of this lineage: the receiver was restored from
///   a backup. **Reconcile**; nobody else wrote.
/// - Any other head outside the chain, also at another store: nothing is sure to be shared but the beginning.
///   **Take over** from there and **reconcile**.
#[must_use]
pub fn decide(standing: &Standing, store: StoreId, reply: &ContactReply) -> Next {
    let relation = relate(standing, store, reply);
    let superseded = reply.superseded_at;
    if let Some(at) = superseded.filter(|at| last_written(standing, relation, reply) > *at) {
        return Next::Fenced { at };
    }
    match relation {
        Relation::Same if superseded.is_none() => Next::GoOn,
        Relation::InFlightArrived if superseded.is_none() => Next::Acknowledged { head: reply.head },
        Relation::New if superseded.is_none() => Next::Reconcile,
        Relation::Apart if superseded.is_none() && is_my_past(standing, reply) => Next::Reconcile,
        relation => take_over_from(standing, relation),
    }
}

/// What a contact means where a person decided that this client writes the mirror, fenced or not.
///
/// A mirror without revisions needs no takeover: nobody wrote it.
#[must_use]
pub(crate) fn seize(standing: &Standing, store: StoreId, reply: &ContactReply) -> Next {
    match relate(standing, store, reply) {
        Relation::New if reply.superseded_at.is_none() => Next::Reconcile,
        Relation::Same if reply.head == Head::genesis() && reply.superseded_at.is_none() => Next::GoOn,
        relation => take_over_from(standing, relation),
    }
}

fn relate(standing: &Standing, store: StoreId, reply: &ContactReply) -> Relation {
    let mine = standing.head;
    let other_store = standing.store.is_some_and(|known| known != store);
    let genesis = Head::genesis();
    if reply.head == genesis {
        return if mine == genesis { Relation::Same } else { Relation::New };
    }
    if other_store {
        return Relation::Apart;
    }
    if reply.head == mine {
        return Relation::Same;
    }
    if standing.in_flight == Some(reply.head.digest) {
        return Relation::InFlightArrived;
    }
    let in_chain = reply.in_chain || mine == genesis;
    if in_chain && mine.number < reply.head.number { Relation::Ahead } else { Relation::Apart }
}

/// The newest revision that this client wrote, as far as it and this contact know.
fn last_written(standing: &Standing, relation: Relation, reply: &ContactReply) -> u64 {
    if relation == Relation::InFlightArrived { reply.head.number } else { standing.head.number }
}

/// Whether the mirror's head is an earlier one of this client's own.
fn is_my_past(standing: &Standing, reply: &ContactReply) -> bool {
    reply.head_lineage == Some(standing.lineage) && reply.head.number < standing.head.number
}

fn take_over_from(standing: &Standing, relation: Relation) -> Next {
    let (fork, then) = match relation {
        Relation::Same => (standing.head, Then::GoOn),
        Relation::Ahead | Relation::InFlightArrived if standing.head != Head::genesis() => {
            (standing.head, Then::CatchUp)
        }
        Relation::Ahead | Relation::InFlightArrived | Relation::New | Relation::Apart => {
            (Head::genesis(), Then::Reconcile)
        }
    };
    Next::TakeOver { fork, then }
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
