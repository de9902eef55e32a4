//! A TCP relay between clients and a receiver: it counts what clients send, to the byte, and stops at a byte that a
//! test names, so that a side can be killed right there.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::PATIENCE;

/// Bytes that are read at once: how exact the place is at which everything stops.
const PORTION: usize = 16 * 1024;

/// Stands in front of a receiver. Its threads end with the connections that they serve.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Where clients find it.
    pub(crate) url: String,
    flow: Arc<Flow>,
}

/// What all connections share.
#[derive(Debug)]
struct Flow {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// What clients sent in all.
    sent: u64,
    /// Once so much was sent, nothing is handed on.
    stop_at: u64,
}

impl Relay {
    /// A relay to the receiver at this address, and to whatever is started there after it. Nothing stops yet.
    pub(crate) fn to(receiver: &str) -> Self {
        let receiver: SocketAddr = receiver.parse().expect("a receiver says its address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("is bound"));
        let flow = Arc::new(Flow { state: Mutex::new(State { sent: 0, stop_at: u64::MAX }), changed: Condvar::new() });
        let shared = Arc::clone(&flow);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let flow = Arc::clone(&shared);
                // Where nobody listens, the client's connection ends as well.
                thread::spawn(move || {
                    TcpStream::connect(receiver).is_ok_and(|there| flow.join(&client, &there).is_ok())
                });
            }
        });
        Self { url, flow }
    }

    /// What clients sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.flow.state().sent
    }

    /// From here on everything stops once clients have sent so much in all.
    pub(crate) fn stop_at(&self, bytes: u64) {
        self.flow.state().stop_at = bytes;
        self.flow.changed.notify_all();
    }

    /// Nothing stops any more.
    pub(crate) fn run_free(&self) {
        self.stop_at(u64::MAX);
    }

    /// Waits until everything has stopped.
    #[track_caller]
    pub(crate) fn wait_for_stop(&self) {
        let is_on_its_way = |state: &mut State| state.sent < state.stop_at;
        let (state, timeout) =
            self.flow.changed.wait_timeout_while(self.flow.state(), PATIENCE, is_on_its_way).expect("not poisoned");
        assert!(!timeout.timed_out(), "nobody sends any more: {state:?}");
    }
}

impl Flow {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// Counts, then waits while everything is stopped.
    fn count(&self, bytes: u64) {
        let mut state = self.state();
        state.sent += bytes;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| state.sent >= state.stop_at).expect("not poisoned"));
    }

    /// Hands on what either side says until one of them ends.
    fn join(self: &Arc<Self>, client: &TcpStream, receiver: &TcpStream) -> io::Result<()> {
        let (to_client, from_receiver) = (client.try_clone()?, receiver.try_clone()?);
        let back = thread::spawn(move || {
            hand_on(&from_receiver, &to_client, |_| ());
            close(&to_client, &from_receiver);
        });
        hand_on(client, receiver, |bytes| self.count(bytes));
        // What came across and was not taken any more was sent nevertheless.
        self.count(rustix::io::ioctl_fionread(client)?);
        // What the client said last is on its way; it is for the receiver to end this.
        receiver.shutdown(Shutdown::Write).ok();
        back.join().expect("handing on does not panic");
        Ok(())
    }
}

fn hand_on(mut from: &TcpStream, mut to: &TcpStream, mut count: impl FnMut(u64)) {
    let mut portion = vec![0; PORTION];
    while let Ok(read @ 1..) = from.read(&mut portion) {
        count(read as u64);
        if to.write_all(&portion[..read]).is_err() {
            return;
        }
    }
}

fn close(one: &TcpStream, other: &TcpStream) {
    for end in [one, other] {
        // One that is closed already is fine.
        end.shutdown(Shutdown::Both).ok();
    }
}
