//! `roundsman client`: who may send mirrors to a receiver. Works beside a running receiver.

use std::path::Path;

use protocol::ClientName;
use receiver::{Accounts, AccountsError};

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Adds a client; its token is all that is printed on stdout.
pub(crate) fn add(name: &str, data: &Path, output: &Output) -> Result<Exit, Failure> {
    let client = ClientName::parse(name).map_err(|error| {
        Failure::usage(format!("`{}` cannot be a client's name: {error}", protocol::escape(name.as_bytes())))
            .hint("use lower-case letters, digits, `-`, `_` and `.`, and begin with a letter or digit")
    })?;
    let token = Accounts::open(data)?.add(&client).map_err(|error| match error {
        AccountsError::Exists { .. } | AccountsError::Reserved { .. } => Failure::new(Exit::Usage, error),
        other => Failure::from(other),
    })?;
    output.data(format!("{}\n", token.expose()).as_bytes());
    Ok(Exit::Done)
}
