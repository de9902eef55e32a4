//! Invites: traded once, in time, by who has the secret.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use seams::random::SystemRandom;

use super::*;
use crate::accounts::tests::StandingClock;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const HOUR: Duration = Duration::from_secs(3_600);

fn name(text: &str) -> ClientName {
    ClientName::parse(text).expect("a valid name")
}

#[test]
fn an_invite_is_traded_for_one_token_of_the_access_that_it_was_made_for() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let grant = Grant { access: Access::AppendOnly, expires: None };
    let invited = accounts.invite(&name("laptop"), grant, HOUR)?;
    assert_eq!(accounts.show(&name("laptop"))?.invites.len(), 1);
    let joined = accounts.join(&invited.secret)?;
    assert_eq!((joined.client, accounts.verify(joined.token.expose())?.access), (name("laptop"), Access::AppendOnly));
    assert!(matches!(accounts.join(&invited.secret), Err(JoinError::Used)));
    let account = accounts.show(&name("laptop"))?;
    assert_eq!((account.tokens.len(), account.invites.len()), (1, 0));
    Ok(())
}

#[test]
fn of_many_who_trade_one_invite_at_once_one_gets_a_token() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let secret = accounts.invite(&name("laptop"), Grant::FULL, HOUR)?.secret;
    let joined = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| accounts.join(&secret).is_ok())).collect();
        threads.into_iter().map(|one| one.join().expect("no panic")).filter(|ok| *ok).count()
    });
    assert_eq!((joined, accounts.show(&name("laptop"))?.tokens.len()), (1, 1));
    Ok(())
}

#[test]
fn an_invite_is_over_at_its_end_and_not_before() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let [early, late] = [(), ()].map(|()| accounts.invite(&name("laptop"), Grant::FULL, HOUR));
    clock.set(1_000 + 3_599);
    accounts.join(&early?.secret)?;
    clock.set(1_000 + 3_600);
    assert!(matches!(accounts.join(&late?.secret), Err(JoinError::Expired)));
    Ok(())
}

#[test]
fn an_invite_for_a_token_that_is_over_already_is_over_too() -> Result {
    let place = tempfile::tempdir()?;
    let clock = StandingClock::at(1_000);
    let accounts = Accounts::open_with(place.path(), clock.clone(), Arc::new(SystemRandom))?;
    let short = Grant { expires: Some(Timestamp::from_parts(1_060, 0)), ..Grant::FULL };
    let secret = accounts.invite(&name("laptop"), short, HOUR)?.secret;
    clock.set(1_060);
    assert!(matches!(accounts.join(&secret), Err(JoinError::Expired)));
    Ok(())
}

#[test]
fn a_secret_that_was_altered_or_made_elsewhere_is_unknown() -> Result {
    let (place, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (accounts, other) = (Accounts::open(place.path())?, Accounts::open(elsewhere.path())?);
    let secret = accounts.invite(&name("laptop"), Grant::FULL, HOUR)?.secret;
    let foreign = other.invite(&name("laptop"), Grant::FULL, HOUR)?.secret;
    for byte in 0..InviteSecret::BYTES {
        let mut bits = *secret.expose();
        bits[byte] ^= 1;
        assert!(matches!(accounts.join(&InviteSecret::from_bytes(bits)), Err(JoinError::Unknown)), "{byte}");
    }
    // What lies in the database is no secret that could be traded.
    assert!(matches!(accounts.join(&InviteSecret::from_bytes(hash(&secret))), Err(JoinError::Unknown)));
    assert!(matches!(accounts.join(&foreign), Err(JoinError::Unknown)));
    accounts.join(&secret)?;
    Ok(())
}

#[test]
fn the_secret_is_nowhere_in_the_data_directory() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let secret = accounts.invite(&name("laptop"), Grant::FULL, HOUR)?.secret;
    for entry in std::fs::read_dir(accounts.data().own_part())? {
        let bytes = std::fs::read(entry?.path())?;
        assert!(!bytes.windows(16).any(|part| part == &secret.expose()[..16]));
    }
    Ok(())
}

#[test]
fn an_open_invite_goes_with_the_access_that_is_revoked() -> Result {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    let secret = accounts.invite(&name("laptop"), Grant::FULL, HOUR)?.secret;
    accounts.revoke_all(&name("laptop"))?;
    assert!(matches!(accounts.join(&secret), Err(JoinError::Unknown)));
    assert!(matches!(accounts.invite(&name("local"), Grant::FULL, HOUR), Err(AccountsError::Reserved(_))));
    Ok(())
}
