//! [`Invite`]: the one line by which a machine becomes a client. Two people, or one person twice, carry it from the
//! receiver's machine to the client's; what a slip of the hand changed in it is noticed before anything is sent.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};
use protocol::Timestamp;
use protocol::wire::InviteSecret;
use thiserror::Error;
use uploader::{Address, InvalidAddress};

/// What the line begins with, so that a leaked one is recognised as what it is.
const PREFIX: &str = "rmi_";
/// Longest line that is looked at, in bytes.
pub(crate) const MAX_LINE_BYTES: usize = 4_096;
/// Bytes of BLAKE3 at the end, against slips of the hand; who alters it on purpose is found out by the receiver.
const CHECK_BYTES: usize = 4;

/// Everything a machine needs to become a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invite {
    /// Where the receiver is.
    pub(crate) address: Address,
    /// The certificate that it must show, where that was said.
    pub(crate) pin: Option<Pin>,
    /// What is traded for a token.
    pub(crate) secret: InviteSecret,
    /// Until when, by the receiver's clock.
    pub(crate) expires: Timestamp,
}

/// Why a line is no invite. Never repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum InvalidInvite {
    /// Something else.
    #[error("this is no invite: one begins with `{PREFIX}` and has no spaces in it")]
    NotOne,
    /// Cut short, or a letter is another one.
    #[error("the invite is not whole, or something in it was changed on the way")]
    Damaged,
    /// The address in it will not do.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
}

/// The fingerprint of a certificate: SHA-256 of its DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Pin(#[cbor(with = "minicbor::bytes")] [u8; 32]);

/// What is in the line.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Carried {
    #[n(0)]
    address: String,
    #[n(1)]
    secret: InviteSecret,
    #[n(2)]
    expires: i64,
    #[n(3)]
    pin: Option<Pin>,
}

impl Invite {
    /// The line. A secret: for stdout, and never for logs or errors.
    pub(crate) fn expose(&self) -> String {
        let carried = Carried {
            address: self.address.to_string(),
            secret: self.secret.clone(),
            expires: self.expires.as_nanos(),
            pin: self.pin,
        };
        let mut bytes = minicbor::to_vec(carried).expect("encoding to memory cannot fail");
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a line; white space around it is dropped.
    ///
    /// # Errors
    /// What is no invite, or not a whole one; an address that everybody on the way could listen to, unless
    /// `allow_plaintext`.
    pub(crate) fn parse(line: &str, allow_plaintext: bool) -> Result<Self, InvalidInvite> {
        let text = line.trim();
        let packed = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_LINE_BYTES);
        let bytes = URL_SAFE_NO_PAD.decode(packed.ok_or(InvalidInvite::NotOne)?).map_err(|_| InvalidInvite::Damaged)?;
        let (body, end) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(InvalidInvite::Damaged)?;
        if check(body) != *end {
            return Err(InvalidInvite::Damaged);
        }
        let carried: Carried = minicbor::decode(body).map_err(|_| InvalidInvite::Damaged)?;
        Ok(Self {
            address: Address::parse(&carried.address, allow_plaintext)?,
            pin: carried.pin,
            secret: carried.secret,
            expires: Timestamp::from_nanos(carried.expires),
        })
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = protocol::ContentId::of(bytes);
    *hash.as_bytes().first_chunk().expect("a hash has more than four bytes")
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Pin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected `sha256:` and 64 hexadecimal digits";
        let digits = text.strip_prefix("sha256:").ok_or(wrong)?.replace(':', "").to_ascii_lowercase();
        protocol::ContentId::from_hex(&digits).map(|bytes| Self(*bytes.as_bytes())).ok_or(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(url: &str, pin: Option<&str>) -> Invite {
        Invite {
            address: Address::parse(url, true).expect("an address"),
            pin: pin.map(|pin| pin.parse().expect("a pin")),
            secret: InviteSecret::from_bytes([7; 32]),
            expires: Timestamp::from_parts(1_800_000_000, 0),
        }
    }

    #[test]
    fn a_line_carries_everything_and_has_no_space_in_it() {
        let pin = format!("sha256:{}", "5A:".repeat(31) + "5A");
        for one in [invite("https://backup.example:7373", Some(&pin)), invite("http://127.0.0.1:1/sub", None)] {
            let line = one.expose();
            assert!(line.bytes().all(|byte| byte.is_ascii_graphic()), "{line}");
            assert_eq!(Invite::parse(&format!(" {line}\n"), false), Ok(one));
        }
    }

    #[test]
    fn a_line_that_is_not_whole_or_has_another_letter_is_refused() {
        let line = invite("https://backup.example", None).expose();
        for cut in PREFIX.len()..line.len() {
            assert_eq!(Invite::parse(&line[..cut], false), Err(InvalidInvite::Damaged), "cut at {cut}");
        }
        for at in PREFIX.len()..line.len() - 1 {
            let other = if &line[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &line[..at], &line[at + 1..]);
            assert_eq!(Invite::parse(&changed, false), Err(InvalidInvite::Damaged), "changed at {at}");
        }
        for other in ["", "rmi", "rmt_abc", &"x".repeat(5_000)] {
            assert_eq!(Invite::parse(other, false), Err(InvalidInvite::NotOne));
        }
    }

    #[test]
    fn an_address_that_everybody_can_listen_to_is_refused_unless_somebody_insists() {
        let line = invite("http://backup.example:7373", None).expose();
        assert!(matches!(Invite::parse(&line, false), Err(InvalidInvite::Address(InvalidAddress::Plaintext(_)))));
        assert!(Invite::parse(&line, true).is_ok());
    }

    #[test]
    fn an_invite_never_shows_its_secret_by_accident() {
        let one = invite("https://backup.example", None);
        assert!(!format!("{one:?}").contains("7, 7"), "{one:?}");
    }
}
