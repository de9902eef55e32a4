//! First contact: who answers, where the mirror stands, and what has to happen before anything is delivered.

use protocol::wire::{
    ChangesPage, ChangesSince, Claim, Contact, ContactReply, Hello, HelloReply, Limits, PROTOCOL_MAX, PROTOCOL_MIN,
    Source, TakeOver,
};
use protocol::{Change, ContentId, Head, Lineage, Metadata, MirrorName, StoreId};
use seams::random::{Random, id};

use crate::contact::seize;
use crate::manifest::Manifest;
use crate::{Caller, DeliverError, Ledger, Next, Standing, Then, decide};

/// Most changes of a catch-up that are held in memory; past that the manifest is streamed instead.
const MAX_CATCH_UP_CHANGES: usize = 131_072;

/// Client and receiver agree on the head: what a round needs to know from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contacted {
    /// Which data directory answers.
    pub store: StoreId,
    /// The client's name, as its token says.
    pub client: String,
    /// What the receiver takes.
    pub limits: Limits,
    /// What the receiver can do beyond version 1.
    pub features: Vec<String>,
    /// The source the mirror was claimed for; nothing for one that never was.
    pub source: Option<Source>,
    /// Whether the mirror held nothing when it was asked.
    pub is_empty: bool,
    /// How many files ceased to exist by the mirror's revisions of the last 24 hours, by the receiver's clock.
    pub ended_files: u64,
    /// How many files the mirror had when it was asked.
    pub files: u64,
    /// Contents that the receiver found damaged and asks for again.
    pub wanted: Vec<ContentId>,
    /// The head that both now agree on.
    pub head: Head,
    /// What it took to agree, for a message.
    pub how: Next,
}

/// Meets the receiver and does what [`decide`] says, until both sides agree.
///
/// Whoever must first see whose copy the mirror is, uses [`meet`] and [`Meeting::agree`].
///
/// # Errors
/// As these two.
pub fn make_contact(
    caller: &Caller,
    mirror: &MirrorName,
    ledger: &dyn Ledger,
    random: &dyn Random,
) -> Result<Contacted, DeliverError> {
    meet(caller, mirror, ledger)?.agree(random)
}

/// The same where a person decided that this client writes the mirror from now on.
///
/// # Errors
/// As [`meet`] and [`Meeting::take_over`].
pub fn take_over(
    caller: &Caller,
    mirror: &MirrorName,
    ledger: &dyn Ledger,
    random: &dyn Random,
) -> Result<Contacted, DeliverError> {
    meet(caller, mirror, ledger)?.take_over(random)
}

/// Records the source of a mirror; `replaces` names the one it had, where a person accepted the new one.
///
/// # Errors
/// Among others a problem `OtherSource`, where the mirror has another source than `replaces` says.
pub fn claim(
    caller: &Caller,
    mirror: &MirrorName,
    source: Source,
    replaces: Option<Source>,
) -> Result<(), DeliverError> {
    caller.call(Claim { mirror: mirror.clone(), source, replaces })?;
    Ok(())
}

/// What both sides said of themselves. Nothing is changed yet, here or there.
#[derive(Debug)]
pub struct Meeting<'a> {
    caller: &'a Caller,
    mirror: &'a MirrorName,
    ledger: &'a dyn Ledger,
    standing: Standing,
    hello: HelloReply,
    reply: ContactReply,
}

/// Says hello and asks where the mirror stands: in one request, or in two where the receiver is older than that.
///
/// # Errors
/// No common version; a receiver or a snapshot that fails.
pub fn meet<'a>(
    caller: &'a Caller,
    mirror: &'a MirrorName,
    ledger: &'a dyn Ledger,
) -> Result<Meeting<'a>, DeliverError> {
    let standing = ledger.standing().map_err(DeliverError::reading)?;
    let Standing { lineage, head, .. } = standing;
    let contact = Contact { mirror: mirror.clone(), lineage, head };
    let ask = Hello { contact: Some(contact.clone()), ..Hello::new(PROTOCOL_MIN, PROTOCOL_MAX) };
    let mut hello = caller.call(ask)?;
    if hello.protocol_min > PROTOCOL_MAX || hello.protocol_max < PROTOCOL_MIN {
        return Err(DeliverError::Version { min: hello.protocol_min, max: hello.protocol_max });
    }
    let reply = match hello.contact.take() {
        Some(reply) => reply,
        None => caller.call(contact)?,
    };
    Ok(Meeting { caller, mirror, ledger, standing, hello, reply })
}

impl Meeting<'_> {
    /// The source that the mirror was claimed for. If it is not ours, nobody must take the mirror over.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.reply.source.as_ref()
    }

    /// Whether the mirror holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reply.is_empty
    }

    /// Where the mirror stands, as the receiver said.
    #[must_use]
    pub fn reply(&self) -> &ContactReply {
        &self.reply
    }

    /// What the receiver takes.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.hello.limits
    }

    /// Does what [`decide`] says, until both sides agree. Interrupted at any point, the next meeting finds the way
    /// from there.
    ///
    /// # Errors
    /// Fenced; a receiver or a snapshot that fails.
    pub fn agree(self, random: &dyn Random) -> Result<Contacted, DeliverError> {
        let next = decide(&self.standing, self.hello.store, &self.reply);
        self.conclude(next, random)
    }

    /// Gives this client a new lineage, and fences whoever wrote the mirror before: a person decided so.
    ///
    /// # Errors
    /// A receiver or a snapshot that fails.
    pub fn take_over(self, random: &dyn Random) -> Result<Contacted, DeliverError> {
        let next = seize(&self.standing, self.hello.store, &self.reply);
        self.conclude(next, random)
    }

    fn conclude(self, next: Next, random: &dyn Random) -> Result<Contacted, DeliverError> {
        let head = self.act(next, random)?;
        if self.standing.store != Some(self.hello.store) {
            self.ledger.set_store(self.hello.store).map_err(DeliverError::writing)?;
        }
        tracing::debug!(?next, revision = head.number, "contact");
        let HelloReply { store, client, limits, features, .. } = self.hello;
        let ContactReply { source, is_empty, wanted, ended_files, files, .. } = self.reply;
        let how = next;
        Ok(Contacted { store, client, limits, features, source, is_empty, ended_files, files, wanted, head, how })
    }

    /// Does what was decided; the head that both sides then share.
    fn act(&self, next: Next, random: &dyn Random) -> Result<Head, DeliverError> {
        match next {
            Next::GoOn => Ok(self.standing.head),
            Next::Acknowledged { head } => self.catch_up(Some(head)),
            Next::Reconcile => self.reconcile(),
            Next::TakeOver { fork, then } => {
                self.announce(Lineage::from_bytes(id(random)), fork)?;
                match then {
                    Then::GoOn => Ok(self.standing.head),
                    Then::CatchUp => self.catch_up(None),
                    Then::Reconcile => self.reconcile(),
                }
            }
            Next::Fenced { at } => Err(DeliverError::Fenced { at }),
        }
    }

    /// The new lineage is written down after the receiver has it. A crash between the two leaves a superseded client
    /// that wrote nothing past the fork: it may take over again.
    fn announce(&self, lineage: Lineage, fork: Head) -> Result<(), DeliverError> {
        let former = Some(self.standing.lineage);
        self.caller.call(TakeOver { mirror: self.mirror.clone(), lineage, former, fork })?;
        self.ledger.set_lineage(lineage).map_err(DeliverError::writing)
    }

    /// What changed since the client's head enters the ledger. Too much of it, or what does not fit there, is
    /// answered by the manifest: the snapshot can always be rebuilt. Past an expected head somebody else wrote:
    /// then nothing is acknowledged, and the next contact decides.
    fn catch_up(&self, expected: Option<Head>) -> Result<Head, DeliverError> {
        let Some((until, changes)) = self.changes_since()? else { return self.reconcile() };
        if expected.is_some_and(|expected| expected != until) {
            return Err(DeliverError::HeadMoved);
        }
        match self.ledger.acknowledge(until, &changes) {
            Ok(()) => Ok(until),
            Err(error) => {
                tracing::warn!(%error, "the changes since the last round do not fit the snapshot; rebuilding it");
                self.reconcile()
            }
        }
    }

    /// All changes since the client's head, as one set; nothing if they are too many to hold.
    fn changes_since(&self) -> Result<Option<(Head, Vec<Change>)>, DeliverError> {
        let mut page = self.changes_page(None, 0)?;
        let mut changes = std::mem::take(&mut page.changes);
        while page.more {
            if changes.len() > MAX_CATCH_UP_CHANGES {
                return Ok(None);
            }
            let next = self.changes_page(Some(page.until.number), changes.len() as u64)?;
            if next.until != page.until || next.changes.is_empty() {
                return Err(DeliverError::Protocol("changes that change or stop between their pages".to_owned()));
            }
            changes.extend(next.changes);
            page.more = next.more;
        }
        Ok(Some((page.until, changes)))
    }

    fn changes_page(&self, until: Option<u64>, skip: u64) -> Result<ChangesPage, DeliverError> {
        let since = self.standing.head;
        Ok(self.caller.call(ChangesSince { mirror: self.mirror.clone(), since, until, skip })?)
    }

    /// The whole manifest replaces what the ledger has as acknowledged.
    fn reconcile(&self) -> Result<Head, DeliverError> {
        if self.reply.head == Head::genesis() {
            let nothing = &mut std::iter::empty();
            let replaced = self.ledger.replace_acknowledged(Head::genesis(), &Metadata::default(), nothing);
            return replaced.map(|()| Head::genesis()).map_err(DeliverError::writing);
        }
        let mut manifest = Manifest::open(self.caller, self.mirror)?;
        let (revision, root) = (manifest.revision(), manifest.root());
        match self.ledger.replace_acknowledged(revision, &root, &mut manifest) {
            Ok(()) => Ok(revision),
            Err(error) => Err(manifest.into_error().unwrap_or_else(|| DeliverError::writing(error))),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
