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
    /// From when on it is taken back; a rotation with overlap sets this in advance.
    pub revoked: Option<Timestamp>,
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
        let is_over = |end: &Timestamp| *end <= now;
        match (self.revoked, self.grant.expires) {
            (Some(end), _) if is_over(&end) => TokenState::Revoked,
            (_, Some(end)) if is_over(&end) => TokenState::Expired,
            (None, None) => TokenState::Valid,
            (Some(end), None) | (None, Some(end)) => TokenState::Ends(end),
            (Some(one), Some(other)) => TokenState::Ends(one.min(other)),
        }
    }
}
