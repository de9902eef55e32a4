//! Every route, by every method, with every kind of token: made from the router's own table, so that no route is forgotten.
//! Nothing that is refused changes or tells anything.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{Check, InviteSecret, Join};
use protocol::{ClientName, MirrorName, Timestamp};
use rusqlite::Connection as Database;
use rusqlite::types::Value;
use seams::clock::SystemClock;
use seams::disk::Disk;

use super::*;
use crate::account::Grant;
use crate::accounts::{Accounts, tests as forged};
use crate::application::Application;
use crate::application_running::Running;
use crate::application_settings::Settings;
use crate::caller::Access;
use crate::http_test_client::{Answer, Connection};
use crate::service_test_store::samples;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, modify};
use crate::token::Token;
use crate::tree_store::{Catalogs, TreeStore};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
/// In the names and contents of the one client; no other may be told.
const CANARY: &str = "canary";

/// What may come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// 401: nobody is let in.
    Unauthorized,
    /// 403: this is not allowed.
    Forbidden,
    /// Whatever the request means, but for 401 and 403.
    LetIn,
}

/// A token and whose it is.
struct Shown {
    what: &'static str,
    token: Option<String>,
    access: Option<Access>,
    /// Whether it is of the client whose mirror the requests are about.
    is_own: bool,
}

struct Receiver {
    place: tempfile::TempDir,
    address: SocketAddr,
    _running: Running,
}

impl Receiver {
    /// A receiver on a real store. The client `laptop` has a mirror `docs` with a history, which is what every sample
    /// request is about; `other` has nothing.
    fn start() -> Result<Self> {
        let place = tempfile::tempdir()?;
        let accounts = Accounts::open(place.path())?;
        for client in ["laptop", "other"] {
            accounts.invite(&ClientName::parse(client)?, Grant::FULL, Duration::ZERO)?;
        }
        deliver(place.path(), &accounts)?;
        let mut settings = Settings { workers: 1, ..Settings::embedded(place.path()) };
        settings.limits.guess_wait = Duration::ZERO;
        let application = Application::build(&settings)?;
        Ok(Self { address: application.address(), place, _running: application.spawn()? })
    }

    fn ask(&self, route: &Route, method: &str, token: Option<&str>, body: &[u8]) -> Answer {
        let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: test\r\nContent-Type: application/cbor\r\nConnection: close\r\n\
             {authorization}Content-Length: {}\r\n\r\n",
            route.path(),
            body.len()
        );
        let mut connection = Connection::open(self.address);
        connection.send(&[head.as_bytes(), body].concat());
        if method == "HEAD" { connection.answer_without_body() } else { connection.answer() }
    }

    fn state(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut state = BTreeMap::new();
        note_files(self.place.path(), &mut state)?;
        let folder = self.place.path().join("laptop/.roundsman/catalog.db");
        state.insert(folder.clone(), rows(&folder)?);
        // But for the moment at which somebody was let in.
        let accounts = Accounts::open(self.place.path())?.list()?;
        let tokens =
            accounts.iter().map(|account| format!("{} {:?} {:?}", account.client, account.tokens, account.invites));
        state.insert("accounts".into(), tokens.collect::<String>().into_bytes());
        Ok(state)
    }
}

fn deliver(place: &Path, accounts: &Accounts) -> Result {
    let clock = Arc::new(SystemClock::new());
    let store = TreeStore::open(&Disk, place, accounts.data().store(), Catalogs::OnDisk, clock)?;
    let mut peer = Peer::stranger(&store);
    peer.mirror = MirrorName::parse(b"docs")?;
    store.claim(&peer.client, &peer.claim(&format!("/{CANARY}"), None)).map_err(|problem| problem.detail)?;
    let (old, new) = (peer.file(format!("{CANARY} 1")), peer.file(format!("{CANARY} 2")));
    peer.deliver(&[create("f", old.clone()), create(CANARY, old)]);
    peer.deliver(&[modify(CANARY, new)]);
    Ok(())
}

/// Every file but those of databases, with its content.
fn note_files(directory: &Path, state: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            state.insert(path.clone(), Vec::new());
            note_files(&path, state)?;
        } else if !path.to_string_lossy().contains(".db") {
            state.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(())
}

/// Every row of a database.
fn rows(path: &Path) -> Result<Vec<u8>> {
    let database = Database::open(path)?;
    let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut all = String::new();
    for table in tables {
        let mut select = database.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<Value>> = (0..columns).map(|column| row.get(column)).collect();
            all.push_str(&format!("{table} {:?}\n", values?));
        }
    }
    Ok(all.into_bytes())
}

/// Every kind of token. What is wrong with it is all that is wrong.
fn tokens(place: &Path) -> Result<Vec<Shown>> {
    let accounts = Accounts::open(place)?;
    let laptop = ClientName::parse("laptop")?;
    let good = accounts.issue(&laptop, Grant::FULL)?;
    let revoked = accounts.issue(&laptop, Grant::FULL)?;
    accounts.revoke(&accounts.key.read(revoked.expose())?.jti)?;
    let expired = accounts.issue(&laptop, Grant { expires: Some(Timestamp::from_parts(1, 0)), ..Grant::FULL })?;
    let of = |client: &ClientName, access| accounts.issue(client, Grant { access, expires: None });
    let bad = |what, token: String| Shown { what, token: Some(token), access: None, is_own: true };
    let text = |token: &Token| token.expose().to_owned();
    let let_in =
        |what, token: Token, access, is_own| Shown { what, token: Some(text(&token)), access: Some(access), is_own };
    Ok(vec![
        Shown { what: "no token", token: None, access: None, is_own: true },
        bad("garbage", "rmt_garbage".to_owned()),
        bad("expired", text(&expired)),
        bad("revoked", text(&revoked)),
        bad("for another audience", forged::for_another_audience(&accounts, &good)),
        bad("no algorithm", forged::without_algorithm(&accounts, &good)),
        bad("HS256 with the public key", forged::hs256_with_the_public_key(&accounts, &good)),
        let_in("read-only", of(&laptop, Access::ReadOnly)?, Access::ReadOnly, true),
        let_in("another client's", of(&ClientName::parse("other")?, Access::Full)?, Access::Full, false),
        let_in("append-only", of(&laptop, Access::AppendOnly)?, Access::AppendOnly, true),
        let_in("full", good, Access::Full, true),
    ])
}

/// What is posted to a route: for each request of the protocol its sample, and those that ask for more.
fn bodies(route: &Route) -> Vec<(Vec<u8>, bool)> {
    if route.needs != Needs::Token {
        return vec![(Join { secret: InviteSecret::from_bytes([1; 32]) }.encode(), false)];
    }
    let sample = samples().into_iter().find(|sample| sample.route() == route.name).expect("each has one");
    let mut all = vec![(sample.encode(), WRITING.contains(&route.name))];
    if let Request::Check(check) = sample {
        all.push((Request::Check(Check { mend: true, ..check }).encode(), true));
    }
    all
}

/// The routes that change something: said here once more, apart from the code that decides.
const WRITING: [&str; 6] = ["claim", "takeover", "propose", "fill", "commit", "mend"];

fn expected(route: &Route, method: &str, shown: &Shown, writes: bool) -> Expected {
    match (route.needs, shown.access) {
        (Needs::Nothing, _) => Expected::LetIn,
        (Needs::Invite, _) if method == route.method => Expected::Forbidden,
        (Needs::Invite, _) => Expected::LetIn,
        (Needs::Token, None) => Expected::Unauthorized,
        (Needs::Token, Some(Access::ReadOnly)) if writes && method == route.method => Expected::Forbidden,
        (Needs::Token, Some(_)) => Expected::LetIn,
    }
}

fn met(expected: Expected, status: u16) -> bool {
    match expected {
        Expected::Unauthorized => status == 401,
        Expected::Forbidden => status == 403,
        Expected::LetIn => status != 401 && status != 403 && status < 500,
    }
}

#[test]
fn every_route_by_every_method_with_every_kind_of_token_lets_in_only_whom_it_should_and_changes_nothing_else() -> Result
{
    let receiver = Receiver::start()?;
    let shown = tokens(receiver.place.path())?;
    let before = receiver.state()?;
    let mut tried = 0;
    for shown in shown.iter().filter(|shown| !may_write(shown)) {
        for route in Route::all() {
            for (method, (body, writes)) in
                METHODS.iter().flat_map(|method| bodies(&route).into_iter().map(move |body| (method, body)))
            {
                let answer = receiver.ask(&route, method, shown.token.as_deref(), &body);
                let (status, what) = (answer.status, shown.what);
                let wanted = expected(&route, method, shown, writes);
                assert!(met(wanted, status), "{method} {} with {what}: {status}, not {wanted:?}", route.path());
                if method != &route.method {
                    assert_ne!(status, 200, "{method} {} with {what}", route.path());
                }
                if wanted != Expected::LetIn || !shown.is_own {
                    assert!(
                        !String::from_utf8_lossy(&answer.body).contains(CANARY),
                        "{method} {} with {what}",
                        route.path()
                    );
                }
                tried += 1;
            }
        }
        changed_nothing(&before, &receiver.state()?, shown);
    }
    assert!(tried >= 9 * METHODS.len() * (Request::ROUTES.len() + 2), "{tried}");
    for shown in shown.iter().filter(|shown| may_write(shown)) {
        for route in Route::all().filter(|route| route.needs == Needs::Token) {
            for (body, writes) in bodies(&route) {
                let answer = receiver.ask(&route, route.method, shown.token.as_deref(), &body);
                let wanted = expected(&route, route.method, shown, writes);
                assert!(met(wanted, answer.status), "{} with {}: {}", route.path(), shown.what, answer.status);
            }
        }
    }
    Ok(())
}

/// Whether it may change what the requests are about.
fn may_write(shown: &Shown) -> bool {
    shown.is_own && shown.access.is_some_and(Access::may_write)
}

/// Another client may make what is its own.
fn changed_nothing(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>, shown: &Shown) {
    let of_others = |path: &Path| path.components().any(|part| part.as_os_str() == "other");
    let kept = |state: &BTreeMap<PathBuf, Vec<u8>>| -> BTreeMap<PathBuf, Vec<u8>> {
        let all = state.iter().filter(|(path, _)| !of_others(path));
        all.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    };
    let (before, after) = (kept(before), kept(after));
    let different = before.iter().filter(|(path, bytes)| after.get(*path) != Some(bytes)).map(|(path, _)| path);
    let different: Vec<_> = different.chain(after.keys().filter(|path| !before.contains_key(*path))).collect();
    assert!(different.is_empty(), "{} changed {different:?}", shown.what);
}

#[test]
fn the_table_has_every_request_of_the_protocol_and_no_path_twice() {
    let mut paths: Vec<String> = Route::all().map(|route| route.path()).collect();
    let count = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), count);
    let asks = Route::all().filter(|route| route.needs == Needs::Token).map(|route| route.name);
    assert!(asks.eq(Request::ROUTES.iter().copied()));
    let open: Vec<String> =
        Route::all().filter(|route| route.needs == Needs::Nothing).map(|route| route.path()).collect();
    assert_eq!(open, ["/healthz"], "whoever opens another route to everybody says so here");
}
