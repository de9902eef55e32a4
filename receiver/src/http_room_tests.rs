//! Whoever uploads over a slow line keeps nobody else's commit waiting.

use super::*;

/// Less than one frame needs: a single upload takes all there is for large requests.
const ONE_UPLOAD: usize = 8 * 1024 * 1024;

/// A client besides the first.
fn other(receiver: &Receiver) -> Result<Token> {
    Ok(receiver.accounts()?.add(&ClientName::parse("other")?, Grant::FULL)?)
}

/// An upload of the first client that stalls in its body; returns once it holds all memory for large requests.
fn stalled_upload(receiver: &Receiver, other: &Token) -> Connection {
    let mut upload = receiver.connect();
    upload.send(&head("fill", receiver.token.expose(), MAX_FILL_BYTES));
    upload.send(&[0; 1000]);
    // Another's large requests are read until the upload's head was.
    while receiver.connect().post("propose", other.expose(), &[0; 256 * 1024]).status != 429 {}
    upload
}

#[test]
fn a_commit_does_not_wait_for_an_upload_that_stalls_in_its_body() -> Result {
    let receiver = Receiver::start_with(|limits| {
        limits.body_memory = ONE_UPLOAD;
        limits.body_memory_wait = Duration::from_millis(100);
    })?;
    let other = other(&receiver)?;
    let mut upload = stalled_upload(&receiver, &other);
    for token in [&other, &receiver.token] {
        assert_eq!(receiver.connect().ask(token.expose(), &commit()).status, 200);
    }
    upload.send(&vec![0; MAX_FILL_BYTES - 1000]);
    assert_eq!(upload.answer().status, 400, "it was there all the time");
    Ok(())
}
