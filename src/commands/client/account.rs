//! A client as it is told: to programs by these fields, which are a contract, and to people by [`super::list`].

use protocol::Timestamp;
use receiver::{Account, Grant, IssuedToken, MirrorOverview, OpenInvite, Overview, TokenState};
use serde::Serialize;

use crate::json_bytes::JsonBytes;
use crate::moments::Moment;

/// A client, its mirrors and what opens them.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename = "client")]
pub(super) struct ClientTold {
    pub(super) client: String,
    pub(super) created: Moment,
    pub(super) last_seen: Option<Moment>,
    pub(super) tokens: Vec<TokenTold>,
    pub(super) invites: Vec<InviteTold>,
    pub(super) mirrors: Vec<MirrorTold>,
    /// What all old versions take.
    pub(super) history_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct TokenTold {
    pub(super) id: String,
    pub(super) access: &'static str,
    pub(super) state: &'static str,
    pub(super) created: Moment,
    pub(super) ends: Option<Moment>,
}

#[derive(Debug, Serialize)]
pub(super) struct InviteTold {
    pub(super) access: &'static str,
    pub(super) created: Moment,
    pub(super) expires: Moment,
}

#[derive(Debug, Serialize)]
pub(super) struct MirrorTold {
    pub(super) mirror: String,
    pub(super) source: Option<JsonBytes>,
    pub(super) host: String,
    pub(super) revision: u64,
    pub(super) committed: Moment,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl ClientTold {
    /// As it stands now.
    pub(super) fn of(account: &Account, overview: Overview, now: Timestamp) -> Self {
        let open = account.invites.iter().filter(|invite| invite.expires > now);
        Self {
            client: account.client.as_str().to_owned(),
            created: Moment(account.created),
            last_seen: account.last_seen.map(Moment),
            tokens: account.tokens.iter().map(|token| TokenTold::of(token, now)).collect(),
            invites: open.map(InviteTold::of).collect(),
            mirrors: overview.mirrors.into_iter().map(MirrorTold::of).collect(),
            history_bytes: overview.history_bytes,
        }
    }
}

impl TokenTold {
    fn of(token: &IssuedToken, now: Timestamp) -> Self {
        let Grant { access, expires } = token.grant;
        let (state, ends) = match token.state(now) {
            TokenState::Valid => ("valid", None),
            TokenState::Ends(end) => ("valid", Some(end)),
            TokenState::Expired => ("expired", expires),
            TokenState::Revoked => ("revoked", token.revoked.or(token.ends)),
        };
        let (id, created) = (token.id.to_string(), Moment(token.created));
        Self { id, access: access.as_str(), state, created, ends: ends.map(Moment) }
    }

    /// Whether it lets its client in.
    pub(super) fn is_valid(&self) -> bool {
        self.state == "valid"
    }
}

impl InviteTold {
    fn of(invite: &OpenInvite) -> Self {
        let (created, expires) = (Moment(invite.created), Moment(invite.expires));
        Self { access: invite.grant.access.as_str(), created, expires }
    }
}

impl MirrorTold {
    fn of(mirror: MirrorOverview) -> Self {
        Self {
            mirror: mirror.mirror.as_str().to_owned(),
            source: Some(mirror.source).filter(|path| !path.is_empty()).map(JsonBytes),
            host: mirror.host,
            revision: mirror.revision,
            committed: Moment(mirror.committed),
            files: mirror.files,
            bytes: mirror.bytes,
        }
    }
}
