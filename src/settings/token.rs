//! The token file: where a client keeps the secret by which a receiver knows it. Only its owner may read it, and a
//! token never comes from anywhere else, least of all from a flag.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use uploader::{InvalidToken, Token};

use super::environment::Environment;
use crate::route::shown;

/// Longer files are no token files.
const MAX_BYTES: u64 = 16 * 1024;
/// What group and others may do with the file: nothing.
const OTHERS: u32 = 0o077;
/// What others may do with a credential: nothing. The service manager shows it to the service's group alone.
const OTHERS_OF_CREDENTIAL: u32 = 0o037;
/// The name of the credential that is looked for, and the variable that says where.
const CREDENTIAL: &str = "roundsman.token";
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Why a token file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TokenError {
    /// It cannot be opened or read.
    #[error("cannot read the token file {}", shown(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it, or write another token into it.
    #[error("the token file {} is open to others (mode {mode:04o})", shown(path))]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What it holds is no token.
    #[error("the token file {} holds no token", shown(path))]
    NoToken {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: InvalidToken,
    },
}

impl TokenError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Exposed { path, .. } => format!("chmod 600 {}", shown(path)),
            Self::Unreadable { .. } | Self::NoToken { .. } => {
                "`roundsman client add NAME --data DIR`, at the receiver, prints a token: \
                 keep it in a file of mode 600"
                    .to_owned()
            }
        }
    }
}

/// The token file that the service manager gave this service, by `LoadCredential=roundsman.token:...`.
pub(crate) fn credential(from: &Environment) -> Option<PathBuf> {
    from.get(CREDENTIALS).map(|directory| Path::new(directory).join(CREDENTIAL)).filter(|path| path.is_file())
}

/// Reads a token file.
///
/// # Errors
/// It cannot be read, others may read it, or it holds something else.
pub(crate) fn read(path: &Path) -> Result<Token, TokenError> {
    let is_credential = credential(&Environment::current()).is_some_and(|given| given == path);
    let text = read_private(path, if is_credential { OTHERS_OF_CREDENTIAL } else { OTHERS })?;
    Token::parse(&text).map_err(|source| TokenError::NoToken { path: path.to_owned(), source })
}

/// The mode is that of the open file, so that nothing can be swapped in between.
fn read_private(path: &Path, others: u32) -> Result<String, TokenError> {
    let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & others != 0 {
        return Err(TokenError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        fs::write(&path, text).expect("writes");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("sets the mode");
        (directory, path)
    }

    #[test]
    fn a_token_is_one_line_in_a_private_file_and_is_never_shown() {
        let (_directory, path) = written("abc.def.ghi\n", 0o600);
        let token = read(&path).expect("is a token");
        assert_eq!(token, Token::parse("abc.def.ghi").expect("is a token"));
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn a_token_that_others_may_read_or_change_is_refused_with_the_command_that_helps() {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let (_directory, path) = written("abc", mode);
            let error = read(&path).expect_err("is exposed");
            assert!(matches!(error, TokenError::Exposed { .. }), "{mode:o}");
            assert_eq!(error.hint(), format!("chmod 600 {}", shown(&path)));
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        for bad in ["", "\n", "two words", "two\nlines", "gr\u{fc}n", "\u{1b}[2J"] {
            let (_directory, path) = written(bad, 0o600);
            let error = read(&path).expect_err("is no token");
            assert!(matches!(error, TokenError::NoToken { .. }), "{bad:?}");
        }
    }
}
