//! Joining over HTTP: named refusals, nothing that helps to guess, and no secret in an answer.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::ClientName;
use protocol::wire::{InviteSecret, JOIN_ROUTE};

use super::*;
use crate::account::Grant;
use crate::accounts::Accounts;
use crate::application::Application;
use crate::application_running::Running;
use crate::application_settings::Settings;
use crate::caller::{Access, Caller};
use crate::http_test_client::{Answer, Connection, head};
use crate::service_test_store::TestStore;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

struct Receiver {
    place: tempfile::TempDir,
    address: SocketAddr,
    _running: Running,
}

impl Receiver {
    fn start() -> Result<Self> {
        Self::start_with_wait(Duration::from_millis(1))
    }

    fn start_with_wait(guess_wait: Duration) -> Result<Self> {
        let place = tempfile::tempdir()?;
        let mut settings = Settings { workers: 1, ..Settings::embedded(place.path()) };
        settings.limits.guess_wait = guess_wait;
        let application = Application::build_with(&settings, |_| Ok(Arc::new(TestStore::default())))?;
        Ok(Self { address: application.address(), place, _running: application.spawn()? })
    }

    fn invite(&self, within: Duration) -> Result<InviteSecret> {
        let accounts = Accounts::open(self.place.path())?;
        Ok(accounts.invite(&ClientName::parse("laptop")?, Grant::FULL, within)?.secret)
    }

    fn join(&self, secret: &InviteSecret) -> Answer {
        self.post(&Join { secret: secret.clone() }.encode())
    }

    fn post(&self, body: &[u8]) -> Answer {
        let mut connection = Connection::open(self.address);
        connection.post(JOIN_ROUTE, "", body)
    }
}

#[test]
fn an_invite_made_while_it_runs_is_traded_for_a_token_that_opens_it() -> Result {
    let receiver = Receiver::start()?;
    let answer = receiver.join(&receiver.invite(Duration::from_secs(60))?);
    assert_eq!(answer.status, 200);
    let joined = Joined::decode(&answer.body)?;
    assert_eq!(joined.client, "laptop");
    let caller = Caller { client: ClientName::parse("laptop")?, access: Access::Full };
    assert_eq!(Accounts::open(receiver.place.path())?.verify(&joined.token)?, caller);
    Ok(())
}

#[test]
fn a_used_an_expired_and_a_forged_invite_are_refused_each_by_its_name() -> Result {
    let receiver = Receiver::start()?;
    let used = receiver.invite(Duration::from_secs(60))?;
    assert_eq!(receiver.join(&used).status, 200);
    let expired = receiver.invite(Duration::ZERO)?;
    let forged = InviteSecret::from_bytes([9; 32]);
    for (secret, code) in [(used, "invite_used"), (expired, "invite_expired"), (forged, "invite_unknown")] {
        let answer = receiver.join(&secret);
        assert_eq!((answer.status, answer.code().as_str()), (403, code));
    }
    assert_eq!(Accounts::open(receiver.place.path())?.list()?[0].tokens.len(), 1);
    Ok(())
}

#[test]
fn the_answer_to_a_wrong_secret_waits_longer_each_time() -> Result {
    let wait = Duration::from_millis(50);
    let receiver = Receiver::start_with_wait(wait)?;
    for doubled in [1, 2, 4] {
        let began = std::time::Instant::now();
        assert_eq!(receiver.join(&InviteSecret::from_bytes([9; 32])).status, 403);
        assert!(began.elapsed() >= wait * doubled, "{:?}", began.elapsed());
    }
    Ok(())
}

#[test]
fn what_is_no_join_is_malformed_and_repeated_nowhere() -> Result {
    let receiver = Receiver::start()?;
    let whole = Join { secret: InviteSecret::from_bytes([0x41; 32]) }.encode();
    for cut in 0..whole.len() {
        let answer = receiver.post(&whole[..cut]);
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed"), "cut at {cut}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("AAAA"));
    }
    let mut connection = Connection::open(receiver.address);
    connection.send(&head(JOIN_ROUTE, "", MAX_JOIN_BYTES + 1));
    assert_eq!(connection.answer().status, 413);
    Ok(())
}
