//! Clients and their tokens.

use std::error::Error;
use std::sync::Barrier;
use std::thread;

use aws_lc_rs::signature::KeyPair;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;
use crate::token::ACCOUNT_PREFIX;

use crate::account::{Grant, TokenState};
use crate::token::TokenId;

const READ_ONLY: Grant = Grant { access: Access::ReadOnly, expires: None };

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

fn name(text: &str) -> ClientName {
    ClientName::parse(text).expect("a valid name")
}

fn refused(accounts: &Accounts, token: &str) -> Option<Unauthorized> {
    match accounts.verify(token) {
        Err(VerifyError::Unauthorized(why)) => Some(why),
        Ok(_) | Err(VerifyError::Accounts(_)) => None,
    }
}

/// The claims inside a token.
fn claims_of(accounts: &Accounts, token: &Token) -> Claims {
    accounts.key.read(token.expose()).expect("a token of these accounts")
}

#[path = "accounts_tokens_tests.rs"]
mod tokens;

#[test]
fn a_client_that_was_added_is_let_in_as_itself() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let token = accounts.add(&name("laptop"), Grant::FULL)?;
    accounts.add(&name("other"), Grant::FULL)?;
    assert_eq!(accounts.verify(token.expose())?, Caller { client: name("laptop"), access: Access::Full });
    Ok(())
}

#[test]
fn a_name_is_given_once_and_local_never() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    accounts.add(&name("laptop"), Grant::FULL)?;
    assert!(matches!(accounts.add(&name("laptop"), Grant::FULL), Err(AccountsError::Exists(_))));
    assert!(matches!(accounts.add(&name("local"), Grant::FULL), Err(AccountsError::Reserved(_))));
    assert_eq!(accounts.list()?.len(), 1);
    assert_eq!(accounts.list()?[0].tokens.len(), 1, "a refused client gets no token");
    Ok(())
}

#[test]
fn another_process_adds_and_revokes_while_this_one_runs() -> Result {
    let place = tempfile::tempdir()?;
    let (running, command) = (Accounts::open(place.path())?, Accounts::open(place.path())?);
    let token = command.add(&name("laptop"), Grant::FULL)?;
    running.verify(token.expose())?;
    command.revoke(&command.list()?[0].tokens[0].id)?;
    assert_eq!(refused(&running, token.expose()), Some(Unauthorized::Revoked));
    Ok(())
}

#[test]
fn revoking_one_token_leaves_the_others() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let first = accounts.add(&name("laptop"), Grant::FULL)?;
    let second = accounts.issue(&name("laptop"), READ_ONLY)?;
    let revoked = claims_of(&accounts, &first).jti;
    accounts.revoke(&revoked)?;
    let when = accounts.list()?[0].tokens.iter().find(|token| token.id == revoked).and_then(|token| token.revoked);
    accounts.revoke(&revoked)?;
    assert!(when.is_some());
    assert!(accounts.list()?[0].tokens.iter().any(|token| token.revoked == when), "the first time stands");
    assert_eq!(refused(&accounts, first.expose()), Some(Unauthorized::Revoked));
    assert_eq!(accounts.verify(second.expose())?.access, Access::ReadOnly);
    let unknown = TokenId("1".to_owned());
    assert!(matches!(accounts.revoke(&unknown), Err(AccountsError::UnknownToken(id)) if id == unknown));
    Ok(())
}

#[test]
fn nobody_gets_a_token_without_being_a_client() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let refused = accounts.issue(&name("nobody"), Grant::FULL);
    assert!(matches!(refused, Err(AccountsError::UnknownClient(_))));
    Ok(())
}

/// Everything, until so many seconds after 1970.
fn until(seconds: i64) -> Grant {
    Grant { access: Access::Full, expires: Some(Timestamp::from_parts(seconds, 0)) }
}

/// A clock that stands where it is put.
#[derive(Debug)]
pub(crate) struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::from_parts(seconds, 0))))
    }

    pub(crate) fn set(&self, seconds: i64) {
        *self.0.lock().expect("not poisoned") = Timestamp::from_parts(seconds, 0);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
    fn since_boot(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
    fn boot_id(&self) -> seams::clock::BootId {
        seams::clock::BootId([0; 16])
    }
    fn wait(&self, _: std::time::Duration) {}
}

#[test]
fn when_a_client_was_seen_is_known_to_the_minute() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let token = accounts.add(&name("laptop"), Grant::FULL)?;
    assert_eq!(accounts.show(&name("laptop"))?.last_seen, None);
    for (now, seen) in [(1_000, 1_000), (1_059, 1_000), (1_060, 1_060), (500, 500)] {
        clock.set(now);
        accounts.verify(token.expose())?;
        assert_eq!(accounts.show(&name("laptop"))?.last_seen, Some(Timestamp::from_parts(seen, 0)), "{now}");
    }
    Ok(())
}

#[test]
fn a_list_tells_how_each_token_stands() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    accounts.add(&name("laptop"), until(3_000))?;
    let at = |seconds| Timestamp::from_parts(seconds, 0);
    let state = |now| Ok::<_, AccountsError>(accounts.show(&name("laptop"))?.tokens[0].state(at(now)));
    assert_eq!((state(1_000)?, state(3_000)?), (TokenState::Ends(at(3_000)), TokenState::Expired));
    accounts.rotate(&name("laptop"), None, None, std::time::Duration::from_secs(500))?;
    let tokens = accounts.show(&name("laptop"))?.tokens;
    let old = tokens.iter().find(|token| token.grant.expires.is_some()).ok_or("the old one")?;
    assert_eq!((old.state(at(1_499)), old.state(at(1_500))), (TokenState::Ends(at(1_500)), TokenState::Revoked));
    Ok(())
}

#[test]
fn a_database_of_the_first_schema_is_brought_to_the_newest_with_all_that_is_in_it() -> Result {
    let place = tempfile::tempdir()?;
    let data = DataDir::open(place.path())?;
    let first = accounts_database::open_as_of(&data.own_part(), 1)?;
    first.execute_batch(
        "INSERT INTO client VALUES ('laptop', 5); INSERT INTO token VALUES ('1', 'laptop', 6, NULL, 'full', NULL);",
    )?;
    drop(first);
    let accounts = Accounts::open(place.path())?;
    let account = accounts.show(&name("laptop"))?;
    assert_eq!((account.last_seen, account.tokens.len(), account.invites.len()), (None, 1, 0));
    assert_eq!(account.tokens[0].grant, Grant::FULL);
    Ok(())
}

#[test]
fn a_token_ends_when_it_said_it_would() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    accounts.add(&name("laptop"), Grant::FULL)?;
    let token = accounts.issue(&name("laptop"), until(2_000))?;
    accounts.verify(token.expose())?;
    clock.set(2_000);
    assert_eq!(refused(&accounts, token.expose()), Some(Unauthorized::Expired));
    Ok(())
}

#[test]
fn the_local_secret_opens_only_the_process_that_made_it() -> Result {
    let place = tempfile::tempdir()?;
    let (mut mine, mut others) = (Accounts::open(place.path())?, Accounts::open(place.path())?);
    let former = mine.renew_local_secret();
    let secret = mine.renew_local_secret();
    assert_eq!(mine.verify(secret.expose())?.client, ClientName::local());
    assert_eq!(refused(&mine, former.expose()), Some(Unauthorized::Invalid));
    assert_eq!(refused(&mine, others.renew_local_secret().expose()), Some(Unauthorized::Invalid));
    Ok(())
}

#[test]
fn a_token_that_was_altered_or_made_elsewhere_opens_nothing() -> Result {
    let (place, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (accounts, other) = (Accounts::open(place.path())?, Accounts::open(elsewhere.path())?);
    let token = accounts.add(&name("laptop"), Grant::FULL)?;
    let claims = claims_of(&accounts, &token);
    for (what, forged) in forgeries(&accounts, &other, &token, &claims) {
        assert_eq!(refused(&accounts, &forged), Some(Unauthorized::Invalid), "{what}: {forged}");
    }
    Ok(())
}

/// Every way we know to make something that looks like a token.
fn forgeries(accounts: &Accounts, other: &Accounts, token: &Token, claims: &Claims) -> Vec<(&'static str, String)> {
    let with = |change: fn(&mut Claims)| {
        let mut claims = claims.clone();
        change(&mut claims);
        accounts.key.sign(&claims).expose().to_owned()
    };
    let real = token.expose();
    let (head, tail) = real.split_at(real.len() / 2);
    vec![
        ("empty", String::new()),
        ("prefix only", ACCOUNT_PREFIX.to_owned()),
        ("no prefix", real[ACCOUNT_PREFIX.len()..].to_owned()),
        ("cut", real[..real.len() - 1].to_owned()),
        ("longer", format!("{real}A")),
        ("changed in the middle", format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..])),
        ("far too long", format!("{ACCOUNT_PREFIX}{}", "A".repeat(1 << 20))),
        ("not text", "rmt_\u{0}\u{ffff}.\u{1}.\u{2}".to_owned()),
        ("another issuer", with(|claims| claims.iss = "somebody".to_owned())),
        ("another audience", for_another_audience(accounts, token)),
        ("another client", with(|claims| claims.sub = "local".to_owned())),
        ("an unknown number", with(|claims| claims.jti = TokenId("1".to_owned()))),
        ("another receiver's key", other.key.sign(claims).expose().to_owned()),
        ("no algorithm", without_algorithm(accounts, token)),
        ("HS256 with the public key", hs256_with_the_public_key(accounts, token)),
        ("a critical extension", with_critical_extension(accounts, claims)),
    ]
}

fn pkcs8(accounts: &Accounts) -> Vec<u8> {
    std::fs::read(accounts.data().own_part().join("signing.key")).expect("the key was made")
}

/// The claims of a token, in a token that nobody signed.
pub(crate) fn without_algorithm(accounts: &Accounts, token: &Token) -> String {
    let signed = accounts.key.sign(&claims_of(accounts, token));
    let claims = signed.expose().split('.').nth(1).expect("a token has three parts").to_owned();
    // {"alg":"none","typ":"JWT"}
    format!("{ACCOUNT_PREFIX}eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
}

/// The claims of a token, signed with what everybody may know.
pub(crate) fn hs256_with_the_public_key(accounts: &Accounts, token: &Token) -> String {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(&pkcs8(accounts)).expect("a key");
    let secret = EncodingKey::from_secret(pair.public_key().as_ref());
    let claims = claims_of(accounts, token);
    let jwt = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).expect("HS256 signs anything");
    format!("{ACCOUNT_PREFIX}{jwt}")
}

/// The claims of a token but for the audience, rightly signed.
pub(crate) fn for_another_audience(accounts: &Accounts, token: &Token) -> String {
    let claims = Claims { aud: "00".repeat(16), ..claims_of(accounts, token) };
    accounts.key.sign(&claims).expose().to_owned()
}

fn with_critical_extension(accounts: &Accounts, claims: &Claims) -> String {
    let header = Header { crit: Some(vec!["x".to_owned()]), ..Header::new(Algorithm::EdDSA) };
    let key = EncodingKey::from_ed_der(&pkcs8(accounts));
    format!("{ACCOUNT_PREFIX}{}", jsonwebtoken::encode(&header, claims, &key).expect("the key signs"))
}

#[test]
fn many_who_open_new_accounts_at_once_share_one_key() -> Result {
    let place = tempfile::tempdir()?;
    let start = Barrier::new(4);
    let open = |number: usize| {
        start.wait();
        let accounts = Accounts::open(place.path())?;
        let token = accounts.add(&name(&format!("client-{number}")), Grant::FULL)?;
        Ok::<_, AccountsError>((accounts, token))
    };
    let open = &open;
    let opened: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || open(number))).collect();
        threads.into_iter().map(|one| one.join().expect("opening does not panic")).collect::<Result<_, _>>()
    })?;
    for (_, token) in &opened {
        for (accounts, _) in &opened {
            accounts.verify(token.expose())?;
        }
    }
    Ok(())
}

#[test]
fn a_newer_programs_database_is_refused_by_name() -> Result {
    let place = tempfile::tempdir()?;
    drop(Accounts::open(place.path())?);
    let path = place.path().join(".roundsman/accounts.db");
    Connection::open(&path)?.execute("UPDATE refinery_schema_history SET version = 99 WHERE version = 1", [])?;
    assert!(matches!(Accounts::open(place.path()), Err(AccountsError::Newer { found: 99, .. })));
    Ok(())
}

#[test]
fn no_secret_shows_in_debug_output() -> Result {
    let place = tempfile::tempdir()?;
    let mut accounts = Accounts::open(place.path())?;
    let (token, local) = (accounts.add(&name("laptop"), Grant::FULL)?, accounts.renew_local_secret());
    let shown = format!("{accounts:?} {token:?} {local:?}");
    for secret in [token.expose(), local.expose()] {
        assert!(!shown.contains(&secret[4..12]), "{shown}");
    }
    Ok(())
}
