//! Who may serve a data directory, and who finds it served.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;

use super::*;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

fn secret() -> Token {
    Token::from("rml_secret".to_owned())
}

#[test]
fn the_receivers_own_part_is_for_its_owner_only() -> Result {
    let place = tempfile::tempdir()?;
    let root = place.path().join("deep/data");
    let mut held = DataDir::hold(&root)?;
    held.publish("http://127.0.0.1:1", &secret())?;
    let mode = |path: &Path| -> io::Result<u32> { Ok(fs::metadata(path)?.permissions().mode() & 0o777) };
    assert_eq!(mode(&root.join(".roundsman"))?, 0o700);
    for file in fs::read_dir(root.join(".roundsman"))? {
        assert_eq!(mode(&file?.path())?, 0o600);
    }
    Ok(())
}

#[test]
fn its_id_is_made_once() -> Result {
    let place = tempfile::tempdir()?;
    let first = DataDir::open(place.path())?.store();
    assert_eq!(DataDir::open(place.path())?.store(), first);
    assert_ne!(DataDir::open(&place.path().join("other"))?.store(), first);
    Ok(())
}

#[test]
fn of_many_who_want_to_serve_at_once_exactly_one_does() -> Result {
    let place = tempfile::tempdir()?;
    let start = Barrier::new(8);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let hold = || {
            start.wait();
            DataDir::hold(place.path())
        };
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(hold)).collect();
        tries.into_iter().map(|one| one.join().expect("holding does not panic")).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(HoldError::Busy { .. }))));
    Ok(())
}

#[test]
fn an_address_is_published_as_long_as_it_is_held() -> Result {
    let place = tempfile::tempdir()?;
    assert!(DataDir::published(place.path()).is_none());
    let mut held = DataDir::hold(place.path())?;
    assert!(DataDir::published(place.path()).is_none(), "held, but nobody listens yet");
    held.publish("http://127.0.0.1:1", &secret())?;
    held.publish("http://127.0.0.1:2", &secret())?;
    let published = DataDir::published(place.path()).ok_or("it is published")?;
    assert_eq!((published.url.as_str(), published.secret), ("http://127.0.0.1:2", secret()));
    assert_eq!(published.pid, std::process::id());
    drop(held);
    assert!(DataDir::published(place.path()).is_none());
    assert!(!place.path().join(".roundsman/address").exists());
    Ok(())
}

#[test]
fn asking_for_the_address_never_keeps_anybody_from_serving() -> Result {
    let place = tempfile::tempdir()?;
    let mut held = DataDir::hold(place.path())?;
    held.publish("http://127.0.0.1:1", &secret())?;
    let address = place.path().join(".roundsman/address");
    let left_behind = fs::read(&address)?;
    drop(held);
    fs::write(&address, left_behind)?;
    let asking = File::open(&address)?;
    asking.try_lock_shared()?;
    DataDir::hold(place.path())?.publish("http://127.0.0.1:2", &secret())?;
    Ok(())
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn the_process_that_is_killed() -> Result {
    let Some(root) = std::env::var_os("ROUNDSMAN_TEST_HOLD") else { return Ok(()) };
    let mut held = DataDir::hold(Path::new(&root))?;
    held.publish("http://127.0.0.1:1", &secret())?;
    eprintln!("holding");
    thread::park();
    Ok(())
}

fn holder_in_another_process(root: &Path) -> Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "data_dir::tests::the_process_that_is_killed", "--nocapture"])
        .env("ROUNDSMAN_TEST_HOLD", root)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = BufReader::new(child.stderr.take().ok_or("piped")?).lines();
    let held = said.map_while(std::result::Result::ok).any(|line| line == "holding");
    assert!(held, "the other process holds the directory");
    Ok(child)
}

#[test]
fn what_a_killed_process_leaves_behind_is_ignored() -> Result {
    let place = tempfile::tempdir()?;
    let mut other = holder_in_another_process(place.path())?;
    assert!(matches!(DataDir::hold(place.path()), Err(HoldError::Busy { .. })));
    assert_eq!(DataDir::published(place.path()).map(|published| published.pid), Some(other.id()));
    other.kill()?;
    other.wait()?;
    assert!(place.path().join(".roundsman/address").exists(), "a killed process tidies nothing");
    assert!(DataDir::published(place.path()).is_none());
    DataDir::hold(place.path())?;
    Ok(())
}

#[test]
fn a_newer_programs_directory_is_refused_by_name_and_left_alone() -> Result {
    let place = tempfile::tempdir()?;
    DataDir::open(place.path())?;
    fs::write(place.path().join(".roundsman/layout"), "2\n")?;
    let error = DataDir::hold(place.path()).expect_err("newer");
    assert!(matches!(error, HoldError::DataDir(DataDirError::Newer { found: 2, .. })));
    assert!(error.to_string().contains("newer roundsman"));
    assert!(!place.path().join(".roundsman/lock").exists());
    Ok(())
}

#[test]
fn a_damaged_file_is_named_and_not_made_anew() -> Result {
    let place = tempfile::tempdir()?;
    DataDir::open(place.path())?;
    let id = place.path().join(".roundsman/store-id");
    for damage in ["", "garbage\n", "00112233445566778899aabbccddeefg\n"] {
        fs::write(&id, damage)?;
        let error = DataDir::open(place.path()).expect_err("damaged");
        assert!(matches!(error, DataDirError::Damaged { path, .. } if path == id));
        assert_eq!(fs::read_to_string(&id)?, damage);
    }
    Ok(())
}

#[test]
fn a_data_directory_that_cannot_be_made_is_an_error_that_names_it() -> Result {
    let place = tempfile::tempdir()?;
    let root = place.path().join("file");
    fs::write(&root, "")?;
    let error = DataDir::hold(&root).expect_err("no directory");
    assert!(error.to_string().contains("file"), "{error}");
    Ok(())
}
