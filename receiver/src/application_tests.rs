//! A receiver from start to stop, on a port of its own.

use std::error::Error;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::http_test_client::{Connection, head};
use crate::service_test_store::{TestStore, commit};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

fn build(settings: &Settings, store: &Arc<TestStore>) -> Result<Application, StartError> {
    Application::build_with(settings, |_| Ok(store.clone()))
}

fn settings(place: &tempfile::TempDir) -> Settings {
    Settings { workers: 1, ..Settings::embedded(place.path()) }
}

#[test]
fn an_embedded_receiver_serves_this_process_and_whoever_may_read_its_address() -> Result {
    let place = tempfile::tempdir()?;
    let running = build(&settings(&place), &Arc::default())?.spawn()?;
    let published = DataDir::published(place.path()).ok_or("published")?;
    assert_eq!((published.url.as_str(), &published.secret), (running.url(), running.local_secret()));
    let address = running.url().strip_prefix("http://").ok_or("http")?.parse()?;
    assert_eq!(Connection::open(address).ask(published.secret.expose(), &commit()).status, 200);
    Ok(())
}

#[test]
fn only_one_receiver_serves_a_data_directory_and_the_next_may_begin_when_it_ended() -> Result {
    let place = tempfile::tempdir()?;
    for _ in 0..5 {
        let running = build(&settings(&place), &Arc::default())?.spawn()?;
        assert!(matches!(build(&settings(&place), &Arc::default()), Err(StartError::Hold(HoldError::Busy { .. }))));
        running.stop()?;
        assert!(DataDir::published(place.path()).is_none());
    }
    Ok(())
}

#[test]
fn plain_http_is_for_this_machine_unless_someone_insists() -> Result {
    let place = tempfile::tempdir()?;
    let open = Settings { listen: "0.0.0.0:0".parse()?, ..settings(&place) };
    let error = build(&open, &Arc::default()).expect_err("others could listen in");
    assert!(matches!(error, StartError::Plaintext(_)));
    assert!(!place.path().join(".roundsman").exists(), "nothing was made");
    let insisted = Settings { allow_plaintext: true, ..open };
    assert!(build(&insisted, &Arc::default())?.url().starts_with("http://127.0.0.1:"));
    Ok(())
}

#[test]
fn a_receiver_that_cannot_start_leaves_the_directory_free() -> Result {
    let place = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let same = Settings { listen: taken.local_addr()?, ..settings(&place) };
    assert!(matches!(build(&same, &Arc::default()), Err(StartError::Listen { .. })));
    let broken = Application::build_with(&settings(&place), |data| {
        Err(TreeStoreError::Io { path: data.root().to_owned(), source: io::ErrorKind::StorageFull.into() })
    });
    assert!(matches!(broken, Err(StartError::Store(_))));
    build(&settings(&place), &Arc::default())?;
    Ok(())
}

/// A receiver with a commit in flight.
fn with_commit_in_flight(
    place: &tempfile::TempDir,
    settings: &Settings,
) -> Result<(Running, Connection, mpsc::Sender<()>)> {
    let store = Arc::new(TestStore::default());
    let (begun, end) = store.hold_next_commit();
    let application = build(settings, &store)?;
    let (address, secret) = (application.address(), application.local_secret().clone());
    let running = application.spawn()?;
    assert!(DataDir::published(place.path()).is_some());
    let mut connection = Connection::open(address);
    let body = commit().encode();
    connection.send(&head("commit", secret.expose(), body.len()));
    connection.send(&body);
    begun.recv()?;
    Ok((running, connection, end))
}

#[test]
fn stopping_lets_requests_in_flight_finish_and_takes_no_new_ones() -> Result {
    let place = tempfile::tempdir()?;
    let (running, mut connection, end) = with_commit_in_flight(&place, &settings(&place))?;
    let address: SocketAddr = running.url().strip_prefix("http://").ok_or("http")?.parse()?;
    running.handle().stop(true);
    while TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
    end.send(())?;
    assert_eq!(connection.answer().status, 200);
    running.stop()?;
    Ok(())
}

#[test]
fn connections_that_only_wait_do_not_delay_the_stop() -> Result {
    let place = tempfile::tempdir()?;
    let running = build(&settings(&place), &Arc::default())?.spawn()?;
    let address = running.url().strip_prefix("http://").ok_or("http")?.parse()?;
    let mut idle = Connection::open(address);
    assert_eq!(idle.ask(running.local_secret().expose(), &commit()).status, 200);
    let _silent = Connection::open(address);
    let began = Instant::now();
    running.stop()?;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    Ok(())
}

#[test]
fn a_second_stop_hastens_the_first_and_a_thread_still_at_work_keeps_the_directory() -> Result {
    let place = tempfile::tempdir()?;
    let mut settings = settings(&place);
    settings.limits.release = Duration::from_millis(50);
    let (running, _connection, end) = with_commit_in_flight(&place, &settings)?;
    running.handle().stop(true);
    running.handle().stop(false);
    running.stop()?;
    assert!(matches!(DataDir::hold(place.path()), Err(HoldError::Busy { .. })));
    end.send(())?;
    while DataDir::hold(place.path()).is_err() {
        thread::yield_now();
    }
    Ok(())
}

#[test]
fn the_real_store_is_served_with_the_data_directorys_id() -> Result {
    let place = tempfile::tempdir()?;
    let application = Application::build(&settings(&place))?;
    let (address, secret) = (application.address(), application.local_secret().clone());
    let _running = application.spawn()?;
    let hello = protocol::wire::Request::Hello(protocol::wire::Hello::new(1, 1));
    let answer = Connection::open(address).ask(secret.expose(), &hello);
    let Ok(protocol::wire::Response::Hello(reply)) = protocol::wire::Response::decode("hello", &answer.body) else {
        panic!("a hello is answered by a hello: {answer:?}");
    };
    assert_eq!((reply.store, reply.client.as_str()), (DataDir::open(place.path())?.store(), "local"));
    Ok(())
}
