//! [`Seen`]: when clients were let in. Writing that down keeps nobody waiting, and nobody out where it fails.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::{ClientName, Timestamp};
use rusqlite::{Connection, params};

/// When a client was last seen is written down so often at most.
const STEP: Duration = Duration::from_secs(60);

/// Has a connection of its own: the one that tokens are looked up with waits for no disk.
#[derive(Debug)]
pub(crate) struct Seen(Mutex<Notes>);

#[derive(Debug)]
struct Notes {
    database: Connection,
    /// When it was tried last, by client; as many as there are clients.
    tried: HashMap<ClientName, Timestamp>,
}

impl Seen {
    /// For the accounts in this file.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let database = Connection::open(path)?;
        // Whoever else writes does not keep a request waiting, and a note lost in a power cut harms nobody. Not OFF: what
        // others committed durably must also be so after this connection's checkpoint.
        database.busy_timeout(Duration::ZERO)?;
        database.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self(Mutex::new(Notes { database, tried: HashMap::new() })))
    }

    /// Writes down that a client was let in now, unless that was done, or tried, less than a minute ago, or somebody is
    /// at it.
    pub(crate) fn note(&self, client: &ClientName, now: Timestamp) {
        let mut notes = match self.0.try_lock() {
            Ok(notes) => notes,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(std::sync::TryLockError::WouldBlock) => return,
        };
        if notes.tried.get(client).is_some_and(|tried| !is_long_ago(*tried, now)) {
            return;
        }
        notes.tried.insert(client.clone(), now);
        let noted = notes
            .database
            .prepare_cached("UPDATE client SET last_seen = ?2 WHERE name = ?1")
            .and_then(|mut update| update.execute(params![client.as_str(), now.as_nanos()]));
        if let Err(error) = noted {
            tracing::debug!(%client, %error, "when this client was seen cannot be written down");
        }
    }
}

fn is_long_ago(tried: Timestamp, now: Timestamp) -> bool {
    let apart = i128::from(now.as_nanos()) - i128::from(tried.as_nanos());
    // A clock that was set back must not silence it.
    apart.unsigned_abs() >= STEP.as_nanos()
}
