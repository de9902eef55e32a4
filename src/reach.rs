//! The way to whoever keeps mirrors: a receiver at an address, or a data directory of this machine.

use std::path::Path;
use std::sync::Arc;

use receiver::Keeping;
use uploader::{HttpSettings, HttpTransport, Pace, Token, Transport};

use crate::commands::receive::refused;
use crate::destination::{LinkError, LocalTransport};
use crate::exit::Failure;
use crate::settings::token;
use crate::settings::value::To;

/// A transport to there. Where the receiver runs inside this command, it keeps what `keeping` says.
///
/// # Errors
/// The directory cannot be used; no token is named, or it cannot be read.
pub(crate) fn transport(
    to: &To,
    token_file: Option<&Path>,
    pace: Option<Arc<Pace>>,
    keeping: Keeping,
) -> Result<Arc<dyn Transport>, Failure> {
    match to {
        To::Directory(data) => match LocalTransport::open(data, pace, keeping) {
            Ok(transport) => Ok(Arc::new(transport)),
            Err(LinkError::Start(error)) => Err(refused(error)),
            Err(error) => Err(error.into()),
        },
        To::Url(address) => {
            let token = token_of(token_file)?;
            let http = HttpTransport::new(address.clone(), &token, HttpSettings::default())?;
            Ok(Arc::new(http.paced(pace)))
        }
    }
}

fn token_of(file: Option<&Path>) -> Result<Token, Failure> {
    match file {
        Some(path) => Ok(token::read(path)?),
        None => Err(Failure::usage("a receiver lets nobody in without a token")
            .hint("keep it in a file of mode 600 and name that: --token-file FILE")),
    }
}
