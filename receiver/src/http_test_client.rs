//! The barest HTTP client, which can also say what no good client would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use protocol::wire::Request;

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Connection(BufReader<TcpStream>);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_nodelay(true).expect("a socket has this option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        Self(BufReader::new(stream))
    }

    /// Sends bytes. Whoever was answered already may find nobody listening.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).ok();
    }

    /// Sends a whole request and takes its answer.
    pub(crate) fn post(&mut self, route: &str, token: &str, body: &[u8]) -> Answer {
        self.send(&head(route, token, body.len()));
        self.send(body);
        self.answer()
    }

    /// Sends a request of the protocol and takes its answer.
    pub(crate) fn ask(&mut self, token: &str, request: &Request) -> Answer {
        self.post(request.route(), token, &request.encode())
    }

    /// Takes one answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.answer_without_body();
        let length = answer.head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        answer.body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut answer.body).expect("a whole body");
        answer
    }

    /// Takes one answer to a request whose answers have no body.
    pub(crate) fn answer_without_body(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).expect("an answer comes") > 0, "closed within a head: {head:?}");
        }
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status line");
        Answer { status, head, body: Vec::new() }
    }

    /// Waits until the other side closes; whether it did so without another word.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 64]), Ok(0) | Err(_))
    }
}

impl Answer {
    /// A problem document.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        serde_json::from_slice(&self.body).expect("a problem document is JSON")
    }

    /// The code in it.
    pub(crate) fn code(&self) -> String {
        self.problem()["code"].as_str().expect("a problem has a code").to_owned()
    }
}

/// The head of a good request.
pub(crate) fn head(route: &str, token: &str, length: usize) -> Vec<u8> {
    format!(
        "POST /v1/{route} HTTP/1.1\r\nHost: test\r\nContent-Type: application/cbor\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}
