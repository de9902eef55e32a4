//! [`Address`]: where a receiver is, checked once.

use std::fmt;

use reqwest::Url;
use thiserror::Error;

/// Why a URL is no address of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    /// Not a URL at all.
    #[error("`{url}` is not a URL: {reason}; write it like `https://host:port`")]
    NotAUrl {
        /// What was given.
        url: String,
        /// The parser's words.
        reason: String,
    },
    /// Another scheme, or no host.
    #[error("`{0}` is not the URL of a receiver; it begins with `https://` or, on this machine, `http://`")]
    Scheme(String),
    /// User name, password, query or fragment: a token belongs into its file.
    #[error("the URL of `{0}` may hold host, port and path only; the token belongs into the token file")]
    Extras(String),
    /// Unencrypted to another machine.
    #[error("`http://{0}` would send the token and all contents unencrypted; use https, or allow plaintext explicitly")]
    Plaintext(String),
}

/// The URL of a receiver: `https` anywhere, `http` on this machine only (or where plaintext is allowed).
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Checks a URL.
    ///
    /// # Errors
    /// What is not the URL of a receiver, and plaintext to another machine unless `allow_plaintext`.
    pub fn parse(text: &str, allow_plaintext: bool) -> Result<Self, InvalidAddress> {
        let not_a_url = |e: &dyn fmt::Display| InvalidAddress::NotAUrl { url: text.to_owned(), reason: e.to_string() };
        let url = Url::parse(text).map_err(|e| not_a_url(&e))?;
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(InvalidAddress::Scheme(text.to_owned()));
        };
        let extras = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
        if extras || url.fragment().is_some() {
            return Err(InvalidAddress::Extras(host.to_owned()));
        }
        let address = Self(url.clone());
        if address.is_plaintext() && !address.is_loopback() && !allow_plaintext {
            return Err(InvalidAddress::Plaintext(address.authority()));
        }
        Ok(address)
    }

    /// Whether it is this machine by its loopback interface.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<std::net::IpAddr>() {
            Ok(ip) => ip.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Host, and the port where it is not the scheme's own: the `host` header.
    pub(crate) fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Where requests of a route are posted.
    pub(crate) fn route(&self, route: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/v1/{route}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text, true).expect("a valid address")
    }

    #[test]
    fn plaintext_goes_to_this_machine_only() {
        for near in ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:80", "http://localhost:8", "https://far"] {
            assert!(Address::parse(near, false).is_ok(), "{near}");
        }
        for far in ["http://far:1", "http://10.0.0.1", "http://localhost.far", "http://[2001:db8::1]"] {
            assert!(matches!(Address::parse(far, false), Err(InvalidAddress::Plaintext(_))), "{far}");
            assert!(Address::parse(far, true).is_ok(), "{far}");
        }
    }

    #[test]
    fn what_is_no_receivers_url_is_refused_by_its_reason() {
        assert!(matches!(Address::parse("far:80/x y", true), Err(InvalidAddress::Scheme(_))));
        assert!(matches!(Address::parse("nothing", true), Err(InvalidAddress::NotAUrl { .. })));
        assert!(matches!(Address::parse("ftp://far", true), Err(InvalidAddress::Scheme(_))));
        for extras in ["https://me:secret@far", "https://far/?token=secret", "https://far/#x"] {
            let refused = Address::parse(extras, true).expect_err("must be refused");
            assert_eq!(refused, InvalidAddress::Extras("far".to_owned()));
            assert!(!refused.to_string().contains("secret"));
        }
    }

    #[test]
    fn routes_lie_below_the_urls_own_path() {
        assert_eq!(address("https://far/sub/").route("hello").as_str(), "https://far/sub/v1/hello");
        assert_eq!(address("http://[::1]:99").route("hello").as_str(), "http://[::1]:99/v1/hello");
        assert_eq!(address("http://[::1]:99").authority(), "[::1]:99");
        assert_eq!(address("https://far:443").authority(), "far");
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        for near in ["http://127.0.0.1", "https://[::1]", "http://LOCALHOST", "http://[::ffff:127.0.0.1]"] {
            assert!(address(near).is_loopback(), "{near}");
        }
        assert!(!address("https://128.0.0.1").is_loopback());
    }
}
