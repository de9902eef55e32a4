//! `roundsman client list` and `show`: a table of all clients, a page of one.

use indicatif::{BinaryBytes, HumanCount};
use protocol::{ClientName, Timestamp, escape};
use receiver::{Account, Accounts, overview};

use super::account::{ClientTold, MirrorTold, TokenTold};
use super::refused;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::status::subject;

/// The columns of the table.
const HEAD: [&str; 7] = ["CLIENT", "LAST SEEN", "TOKENS", "MIRROR", "REVISION", "FILES", "BYTES"];

/// Every client with its mirrors. One whose catalog cannot be read hides no other.
pub(super) fn list(accounts: &Accounts, now: Timestamp, output: &Output) -> Result<Exit, Failure> {
    let (mut exit, mut clients) = (Exit::Done, Vec::new());
    for account in accounts.list().map_err(refused)? {
        match told(accounts, &account, now) {
            Ok(client) => clients.push(client),
            Err(failure) => {
                output.failure(&failure);
                exit = failure.exit;
            }
        }
    }
    if output.is_for_programs() {
        clients.iter().for_each(|client| output.answer("", client));
    } else if clients.is_empty() {
        output.message("there are no clients; `roundsman client add NAME` or `invite NAME` makes one");
    } else {
        output.answer(&table(&clients, now), &());
    }
    Ok(exit)
}

/// One client.
pub(super) fn show(accounts: &Accounts, client: &ClientName, now: Timestamp, output: &Output) -> Result<Exit, Failure> {
    let told = told(accounts, &accounts.show(client).map_err(refused)?, now)?;
    output.answer(&page(&told, now), &told);
    Ok(Exit::Done)
}

fn told(accounts: &Accounts, account: &Account, now: Timestamp) -> Result<ClientTold, Failure> {
    let overview = overview(accounts.data(), &account.client)?.unwrap_or_default();
    Ok(ClientTold::of(account, overview, now))
}

/// A line for each mirror; one for a client without any.
fn table(clients: &[ClientTold], now: Timestamp) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for client in clients {
        let mirrors = client.mirrors.iter().map(Some);
        let mirrors: Vec<_> = if client.mirrors.is_empty() { vec![None] } else { mirrors.collect() };
        rows.extend(mirrors.into_iter().map(|mirror| row(client, mirror, now)));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let line = |row: &[String; HEAD.len()]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(client: &ClientTold, mirror: Option<&MirrorTold>, now: Timestamp) -> [String; HEAD.len()] {
    let seen = client.last_seen.map_or_else(|| "never".to_owned(), |seen| rough(&seen.told(now)));
    let [name, revision, files, bytes] = mirror.map_or_else(
        || ["-", "-", "-", "-"].map(str::to_owned),
        |mirror| {
            let counts = (HumanCount(mirror.files), BinaryBytes(mirror.bytes));
            [mirror.mirror.clone(), mirror.revision.to_string(), counts.0.to_string(), counts.1.to_string()]
        },
    );
    [client.client.clone(), seen, kinds(&client.tokens), name, revision, files, bytes]
}

/// What is told of a moment, without its exact time.
fn rough(told: &str) -> String {
    told.split(" (").next().unwrap_or(told).to_owned()
}

/// What the valid tokens allow, each once.
fn kinds(tokens: &[TokenTold]) -> String {
    let mut kinds: Vec<&str> = tokens.iter().filter(|token| token.is_valid()).map(|token| token.access).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
}

fn page(client: &ClientTold, now: Timestamp) -> String {
    let seen = client.last_seen.map_or_else(|| "never".to_owned(), |seen| seen.told(now));
    let mut text = format!("{}\n", client.client);
    let mut say = |label: &str, lines: Vec<String>| text.push_str(&subject(label, lines));
    say("added", vec![client.created.told(now)]);
    say("last seen", vec![seen]);
    say("tokens", client.tokens.iter().map(|token| token_line(token, now)).collect());
    let invites = client.invites.iter();
    say(
        "invites",
        invites.map(|invite| format!("{}, good until {}", invite.access, invite.expires.told(now))).collect(),
    );
    say("mirrors", client.mirrors.iter().map(|mirror| mirror_line(mirror, now)).collect());
    say("old versions", vec![BinaryBytes(client.history_bytes).to_string()]);
    text
}

fn token_line(token: &TokenTold, now: Timestamp) -> String {
    let ends = token.ends.map_or_else(String::new, |end| match token.is_valid() {
        true => format!(", ends {}", end.told(now)),
        false => format!(" {}", end.told(now)),
    });
    format!("{}  {}, {}{ends}", token.id, token.access, token.state)
}

fn mirror_line(mirror: &MirrorTold, now: Timestamp) -> String {
    let MirrorTold { files, bytes, revision, .. } = mirror;
    let source = mirror.source.as_ref().map_or_else(|| "unknown source".to_owned(), |path| escape(&path.0));
    let host = escape(mirror.host.as_bytes());
    format!(
        "{}: {} files, {}, revision {revision} {}; {source} on {host}",
        mirror.mirror,
        HumanCount(*files),
        BinaryBytes(*bytes),
        mirror.committed.told(now)
    )
}
