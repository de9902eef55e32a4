//! [`Caller`]: who asks, as the accounts know them.

use protocol::ClientName;

/// A client whose token was verified, and what that token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client. Everything it does stays within its own folder.
    pub client: ClientName,
    /// What its token allows.
    pub access: Access,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everything within the client's own folder.
    Full,
    /// The same, as long as the history keeps whatever is replaced or deleted: nothing goes from it to make room.
    AppendOnly,
    /// Only what changes nothing: enough to restore.
    ReadOnly,
}

impl Access {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Full, Self::AppendOnly, Self::ReadOnly];

    /// How the accounts, lists and people write it down.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AppendOnly => "append-only",
            Self::ReadOnly => "read-only",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// Whether anything may be changed.
    pub(crate) const fn may_write(self) -> bool {
        !matches!(self, Self::ReadOnly)
    }
}
