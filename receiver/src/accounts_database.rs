//! The database of [`crate::Accounts`]: opening it, bringing it to this program's schema, reading it whole.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::{ClientName, Timestamp};
use refinery::{Migration, Runner};
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use seams::clock::Clock;

use crate::account::{Account, Grant, IssuedToken, OpenInvite};
use crate::accounts_error::AccountsError;
use crate::caller::Access;
use crate::data_dir::DataDirError;
use crate::token::TokenId;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening waits for another process that brings the schema up to date, and how often it looks.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(10);
const MIGRATION_LOOK: Duration = Duration::from_millis(10);

/// Every schema there was, oldest first. Those of released versions never change.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__accounts", include_str!("accounts_schema_v1.sql")),
    ("V2__invites", include_str!("accounts_schema_v2.sql")),
];

/// Where refinery notes which of them were applied.
const MIGRATION_TABLE: &str = "refinery_schema_history";

/// Where the database lies.
pub(crate) fn path(own_part: &Path) -> PathBuf {
    own_part.join("accounts.db")
}

/// Opens the database at this program's schema.
pub(crate) fn open(own_part: &Path, clock: &dyn Clock) -> Result<Connection, AccountsError> {
    let path = path(own_part);
    let _alone = wait_for_migrations(own_part, clock)?;
    let failed = |source: rusqlite::Error| AccountsError::Database { path: path.clone(), source: source.into() };
    let mut database = connect(&path).map_err(failed)?;
    migrate(&mut database, &path, MIGRATIONS)?;
    Ok(database)
}

/// Makes a database as a former version did.
#[cfg(test)]
pub(crate) fn open_as_of(own_part: &Path, version: usize) -> Result<Connection, AccountsError> {
    let path = path(own_part);
    let mut database = connect(&path).expect("it can be made");
    migrate(&mut database, &path, &MIGRATIONS[..version])?;
    Ok(database)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    // An acknowledged account survives a power cut; NORMAL would lose it.
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    Ok(database)
}

/// Two processes must not migrate at once: refinery takes no lock in SQLite. The lock is on the directory itself.
fn wait_for_migrations(own_part: &Path, clock: &dyn Clock) -> Result<File, AccountsError> {
    let failed = |source| DataDirError::Io { path: own_part.to_owned(), source };
    let directory = File::open(own_part).map_err(failed)?;
    let give_up = clock.since_boot() + MIGRATION_PATIENCE;
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::WouldBlock) if clock.since_boot() < give_up => clock.wait(MIGRATION_LOOK),
            Err(TryLockError::WouldBlock) => return Err(failed(io::ErrorKind::TimedOut.into()).into()),
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
    }
}

fn migrate(database: &mut Connection, path: &Path, migrations: &[(&str, &str)]) -> Result<(), AccountsError> {
    let failed = |source: refinery::Error| AccountsError::Database { path: path.to_owned(), source: source.into() };
    let migrations = migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql));
    let migrations = migrations.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let known = migrations.iter().map(Migration::version).max().unwrap_or(0);
    let found = applied_version(database)
        .map_err(|source| AccountsError::Database { path: path.to_owned(), source: source.into() })?;
    if found > known {
        return Err(AccountsError::Newer { path: path.to_owned(), found, known });
    }
    if found < known {
        Runner::new(&migrations).run(database).map_err(failed)?;
    }
    Ok(())
}

/// The newest schema this database was brought to; 0 where it is new.
fn applied_version(database: &Connection) -> rusqlite::Result<i32> {
    if !database.table_exists(None, MIGRATION_TABLE)? {
        return Ok(0);
    }
    database.query_row(&format!("SELECT coalesce(max(version), 0) FROM {MIGRATION_TABLE}"), [], |row| row.get(0))
}

/// Every client with its tokens and open invites.
pub(crate) fn list(database: &Connection) -> rusqlite::Result<Vec<Account>> {
    let mut clients = database.prepare_cached("SELECT name, created, last_seen FROM client ORDER BY name")?;
    let mut accounts = clients.query_map([], account)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut tokens = database.prepare_cached(
        "SELECT jti, created, access, expires, revoked_at, ends FROM token WHERE client = ?1 ORDER BY created DESC, jti",
    )?;
    let mut invites = database.prepare_cached(
        "SELECT created, expires, access, token_expires FROM invite WHERE client = ?1 AND used_at IS NULL \
         ORDER BY created DESC",
    )?;
    for account in &mut accounts {
        account.tokens = tokens.query_map([account.client.as_str()], issued_token)?.collect::<Result<_, _>>()?;
        account.invites = invites.query_map([account.client.as_str()], open_invite)?.collect::<Result<_, _>>()?;
    }
    Ok(accounts)
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let name: String = row.get(0)?;
    Ok(Account {
        client: ClientName::parse(&name).map_err(|error| not_ours(0, error))?,
        created: Timestamp::from_nanos(row.get(1)?),
        last_seen: time(row, 2)?,
        tokens: Vec::new(),
        invites: Vec::new(),
    })
}

fn issued_token(row: &Row<'_>) -> rusqlite::Result<IssuedToken> {
    Ok(IssuedToken {
        id: TokenId(row.get(0)?),
        created: Timestamp::from_nanos(row.get(1)?),
        grant: grant(row, 2)?,
        revoked: time(row, 4)?,
        ends: time(row, 5)?,
    })
}

fn open_invite(row: &Row<'_>) -> rusqlite::Result<OpenInvite> {
    Ok(OpenInvite {
        created: Timestamp::from_nanos(row.get(0)?),
        expires: Timestamp::from_nanos(row.get(1)?),
        grant: grant(row, 2)?,
    })
}

/// Two columns: what is allowed, and until when.
fn grant(row: &Row<'_>, column: usize) -> rusqlite::Result<Grant> {
    let access: String = row.get(column)?;
    let access = Access::parse(&access).ok_or_else(|| not_ours(column, UnknownAccess))?;
    Ok(Grant { access, expires: time(row, column + 1)? })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_nanos))
}

fn not_ours(column: usize, why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(why))
}

#[derive(Debug, thiserror::Error)]
#[error("this access is not known here")]
struct UnknownAccess;
