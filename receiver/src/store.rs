//! [`Store`]: everything the service asks of the place where mirrors are kept, and the rules all stores share.
//!
//! A store answers checked wire requests of one authenticated client. What a peer may say and what it means is
//! decided here, once ([`proposal`], [`frame`], [`rules`]); how it is kept is the store's own business. One
//! conformance suite holds every store to the same behaviour.

pub(crate) mod chunks;
pub(crate) mod frame;
pub(crate) mod page;
pub(crate) mod proposal;
pub(crate) mod range_set;
pub(crate) mod rules;
pub(crate) mod versions;

#[cfg(test)]
pub(crate) mod conformance;

use std::fmt::Debug;
use std::time::Duration;

use protocol::wire::{
    ChangesPage, ChangesSince, Check, CheckPage, Chunks, ChunksPage, Claim, Claimed, Commit, Committed, Contact,
    ContactReply, EntriesAt, EntriesPage, Fill, Filled, FoundEntries, ListAt, Mend, Mended, Mirrors, MirrorsPage,
    Propose, Proposed, ReadAt, ReadPage, Revisions, RevisionsPage, TakeOver, TakenOver, Versions, VersionsPage,
};
use protocol::{ClientName, Problem, StoreId};

use crate::retention::AtCeiling;

/// Where mirrors are kept. Clients share nothing: what one holds does not exist for another.
///
/// Every method blocks until it is done, may be called from many threads at once, and answers a [`Problem`]
/// whose words never reveal anything of the machine. `HeadMoved`, `UnknownProposal`, `Fenced`, `OtherSource`,
/// `NotFound`, `Malformed` and `TooLarge` speak of the request; `RedoPending`, `NoSpace`, `Unavailable` and
/// `Internal` of the store.
pub trait Store: Debug + Send + Sync {
    /// Which store this is. Another id means that another receiver answers.
    fn id(&self) -> StoreId;

    /// Where a mirror stands, seen from where the client stands. An unknown mirror stands at genesis.
    ///
    /// # Errors
    /// Only where the store itself fails.
    fn contact(&self, client: &ClientName, request: &Contact) -> Result<ContactReply, Problem>;

    /// Records the source of a mirror; makes the mirror if there is none.
    ///
    /// # Errors
    /// `OtherSource` if the mirror is the copy of another source than `replaces` says.
    fn claim(&self, client: &ClientName, request: &Claim) -> Result<Claimed, Problem>;

    /// Durably supersedes the former lineage and all that wrote past the fork, the new one excepted.
    ///
    /// # Errors
    /// `NotFound` without such a mirror, `HeadMoved` if the fork is not in its chain, `Fenced` if the new lineage
    /// was itself superseded.
    fn take_over(&self, client: &ClientName, request: &TakeOver) -> Result<TakenOver, Problem>;

    /// The difference of two revisions as one set of changes on the older, paged.
    ///
    /// # Errors
    /// `HeadMoved` if `since` is not in the chain, `NotFound` for a later revision that there is not.
    fn changes_since(&self, client: &ClientName, request: &ChangesSince) -> Result<ChangesPage, Problem>;

    /// The tree at a revision, sorted by path, paged.
    ///
    /// # Errors
    /// `NotFound` for a mirror or revision that there is not.
    fn list_at(&self, client: &ClientName, request: &ListAt) -> Result<EntriesPage, Problem>;

    /// Opens a proposal. Its base is the head, or what another open proposal would make the head: then its changes
    /// are checked when their turn comes.
    ///
    /// # Errors
    /// `HeadMoved`, `Fenced`, `NotFound` for a mirror nobody claimed or a content that a recipe copies and the
    /// client does not hold, `Malformed` and `TooLarge` for what no honest client proposes.
    fn propose(&self, client: &ClientName, request: &Propose) -> Result<Proposed, Problem>;

    /// Takes one frame of literals of an open proposal.
    ///
    /// # Errors
    /// `UnknownProposal`, `Malformed`, `TooLarge`, `NoSpace`.
    fn fill(&self, client: &ClientName, request: &Fill) -> Result<Filled, Problem>;

    /// Applies a proposal as a whole or not at all; answered only when durable. The digest it makes is the only
    /// idempotency key: what is the head already is durable.
    ///
    /// # Errors
    /// `UnknownProposal`, `HeadMoved`, `Fenced`, `RedoPending`, `NoSpace`: also where the history has no room for what
    /// is replaced or deleted and none may go.
    fn commit(&self, client: &ClientName, request: &Commit, at_ceiling: AtCeiling) -> Result<Committed, Problem>;

    /// Bytes of a file as it was at a revision.
    ///
    /// # Errors
    /// `NotFound` for what there is not, or not any more; `Malformed` if the path is no file.
    fn read_at(&self, client: &ClientName, request: &ReadAt) -> Result<ReadPage, Problem>;

    /// Compares a mirror's files with what the store knows of them, a part at a time.
    ///
    /// # Errors
    /// `NotFound` for a mirror that there is not.
    fn check(&self, client: &ClientName, request: &Check) -> Result<CheckPage, Problem>;

    /// How contents that the client holds are cut, as far as [`protocol::limits::MAX_CHUNKED_BYTES`] go.
    ///
    /// # Errors
    /// `NotFound` for a mirror that there is not, `Malformed` for an algorithm or a mean that is not known here, or
    /// for a beginning past the end; `TooLarge` for too many at once.
    fn chunks(&self, client: &ClientName, request: &Chunks) -> Result<ChunksPage, Problem>;

    /// The client's mirrors, sorted by name, paged. A client nobody heard of has none.
    ///
    /// # Errors
    /// Only where the store itself fails.
    fn mirrors(&self, client: &ClientName, request: &Mirrors) -> Result<MirrorsPage, Problem>;

    /// The revisions of a mirror by number, number 0 first, paged; or the last one as of a time.
    ///
    /// # Errors
    /// `NotFound` for a mirror that there is not.
    fn revisions(&self, client: &ClientName, request: &Revisions) -> Result<RevisionsPage, Problem>;

    /// The versions of everything that is, or was, at a path, each thing followed through its renames, paged.
    ///
    /// # Errors
    /// `NotFound` for a mirror that there is not, `Malformed` for the root and for a thing that there was not.
    fn versions(&self, client: &ClientName, request: &Versions) -> Result<VersionsPage, Problem>;

    /// What is at some paths of a revision: of the first of them, as many as fit into an answer.
    ///
    /// # Errors
    /// `NotFound` for a mirror or revision that there is not, `TooLarge` for too many paths.
    fn entries_at(&self, client: &ClientName, request: &EntriesAt) -> Result<FoundEntries, Problem>;

    /// Does what is due without anybody asking, such as removing old history; ends early once `going` says no. Called
    /// from time to time, by one thread, beside requests.
    fn keep_up(&self, _going: &dyn Fn() -> bool) {}

    /// Puts right what is damaged, as far as the contents are here or come; tells what is wanted.
    ///
    /// # Errors
    /// `NotFound` for a mirror that there is not or a content that a recipe copies and the client does not hold,
    /// `Fenced`, `Malformed`, `TooLarge`, `NoSpace`, `RedoPending`.
    fn mend(&self, client: &ClientName, request: &Mend) -> Result<Mended, Problem>;

    /// Reads again what has come due of everything that is kept, if all of it is to be read once in `every` and this is
    /// called every `tick`; stops soon when `going` says so. A store whose bytes cannot rot does nothing.
    fn scrub(&self, _every: Duration, _tick: Duration, _going: &dyn Fn() -> bool) {}
}
