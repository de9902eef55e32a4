//! A client's folder at a glance, and its removal.

use std::error::Error;

use super::*;
use crate::account::Grant;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, modify};
use crate::tree_store::{Catalogs, TreeStore};
use seams::clock::SystemClock;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// A data directory with the clients `laptop`, who has a mirror with two files and a history, and `other`.
fn data() -> Result<tempfile::TempDir> {
    let place = tempfile::tempdir()?;
    let accounts = Accounts::open(place.path())?;
    for client in ["laptop", "other"] {
        accounts.add(&ClientName::parse(client)?, Grant::FULL)?;
    }
    let store = TreeStore::open(
        &Disk,
        place.path(),
        accounts.data().store(),
        Catalogs::OnDisk,
        std::sync::Arc::new(SystemClock::new()),
    )?;
    let mut peer = Peer::new(&store as &dyn Store);
    let (one, two, gone) = (peer.file("one"), peer.file("four"), peer.file("deep"));
    peer.deliver(&[create("d", directory()), create("d/gone", gone), create("e", directory()), create("e/f", one)]);
    peer.deliver(&[delete("d"), modify("e/f", two.clone()), create("g", two)]);
    Ok(place)
}

#[test]
fn a_glance_tells_what_a_client_has_now_and_in_its_history() -> Result {
    let place = data()?;
    let overview = |client: &str| {
        overview(&DataDir::open(place.path())?, &ClientName::parse(client)?).map_err(Box::<dyn Error>::from)
    };
    let Overview { mirrors, history_bytes } = overview("laptop")?.ok_or("it delivered")?;
    let [mirror] = &mirrors[..] else { panic!("one mirror: {mirrors:?}") };
    assert_eq!((mirror.mirror.as_str(), mirror.revision, mirror.files, mirror.bytes), ("Bücher", 2, 2, 8));
    assert_eq!((&mirror.source[..], mirror.host.as_str(), history_bytes), (&b"/source"[..], "host", 7));
    assert_eq!(overview("other")?, None);
    Ok(())
}

#[test]
fn a_client_is_removed_with_its_access_and_all_it_has_and_nobody_else_is() -> Result {
    let place = data()?;
    let (laptop, other) = (ClientName::parse("laptop")?, ClientName::parse("other")?);
    remove_client(place.path(), &laptop)?;
    assert!(!place.path().join("laptop").exists());
    assert_eq!(fs::read_dir(place.path().join(".roundsman/removed"))?.count(), 0);
    let left: Vec<_> = Accounts::open(place.path())?.list()?.into_iter().map(|account| account.client).collect();
    assert_eq!(left, [other]);
    let again = remove_client(place.path(), &laptop);
    assert!(matches!(again, Err(RemoveError::Accounts(AccountsError::UnknownClient(_)))), "{again:?}");
    Ok(())
}

#[test]
fn a_removal_that_was_cut_short_goes_on() -> Result {
    let place = data()?;
    let laptop = ClientName::parse("laptop")?;
    // The access is gone, the folder is not.
    Accounts::open(place.path())?.forget(&laptop)?;
    remove_client(place.path(), &laptop)?;
    assert!(!place.path().join("laptop").exists());
    // A folder was moved aside and not removed; it goes with the next removal.
    let aside = |of: &str| place.path().join(format!(".roundsman/removed/{of}-{:032x}", 1));
    for client in ["laptop", "laptop-2"] {
        fs::create_dir(aside(client))?;
        fs::write(aside(client).join("f"), "left")?;
    }
    remove_client(place.path(), &laptop)?;
    assert!(!aside("laptop").exists() && !aside("laptop-2").exists());
    assert!(remove_client(place.path(), &laptop).is_err(), "nothing is left of it");
    fs::create_dir(aside("laptop-2"))?;
    assert!(remove_client(place.path(), &laptop).is_err(), "that is of another client");
    Ok(())
}

#[test]
fn nobody_is_removed_while_a_receiver_works_in_the_folder() -> Result {
    let place = data()?;
    let _serving = DataDir::hold(place.path())?;
    let refused = remove_client(place.path(), &ClientName::parse("laptop")?);
    assert!(matches!(refused, Err(RemoveError::Hold(HoldError::Busy { .. }))), "{refused:?}");
    assert!(place.path().join("laptop").exists());
    assert_eq!(Accounts::open(place.path())?.list()?.len(), 2);
    Ok(())
}
