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
    /// Only what changes nothing: enough to restore.
    ReadOnly,
}

impl Access {
    /// How the accounts write it down.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read-only",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::ReadOnly].into_iter().find(|access| access.as_str() == text)
    }
}
