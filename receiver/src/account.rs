//! [`Account`]: what is known of a client, its tokens and its open invites. Nothing in here is secret.

use protocol::{ClientName, Timestamp};

use crate::caller::Access;
use crate::token::TokenId;

/// A client, its tokens, newest first, and its invites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub client: ClientName,
    /// When it was added.
    pub created: Timestamp,
    /// When it was let in the last time, to the minute; never, if absent.
    pub last_seen: Option<Timestamp>,
    /// Its tokens, revoked ones too.
    pub tokens: Vec<IssuedToken>,
    /// Invites that nobody used yet, those that are over too.
    pub invites: Vec<OpenInvite>,
}

/// What is known of a token that was issued; not the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// Its number.
    pub id: TokenId,
    /// When it was made.
    pub created: Timestamp,
    /// What it is good for.
    pub grant: Grant,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
    /// Until when it goes on beside the one that took its place.
    pub ends: Option<Timestamp>,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What it allows.
    pub access: Access,
    /// When it ends; never, if absent.
    pub expires: Option<Timestamp>,
}

/// An invite that nobody used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvite {
    /// When it was made.
    pub created: Timestamp,
    /// Until when it is good.
    pub expires: Timestamp,
    /// What the token that it is traded for will be good for.
    pub grant: Grant,
}

/// How a token stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It lets its client in.
    Valid,
    /// It lets its client in until then.
    Ends(Timestamp),
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Grant {
    /// Everything, for ever.
    pub const FULL: Self = Self { access: Access::Full, expires: None };
}

impl IssuedToken {
    /// How it stands now.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        let is_over = |end: Timestamp| end <= now;
        let end = self.ends.into_iter().chain(self.grant.expires).min();
        match (self.revoked, end) {
            (Some(_), _) => TokenState::Revoked,
            (None, None) => TokenState::Valid,
            (None, Some(end)) if !is_over(end) => TokenState::Ends(end),
            (None, Some(_)) if self.ends.is_some_and(is_over) => TokenState::Revoked,
            (None, Some(_)) => TokenState::Expired,
        }
    }
}
