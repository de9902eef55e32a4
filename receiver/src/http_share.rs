//! [`Shares`]: how many requests each client has in flight, so that none takes all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{ClientName, Problem, ProblemCode};

/// Counts requests in flight by client. Holds only clients that have one, hence no more than there are connections.
#[derive(Debug)]
pub(crate) struct Shares {
    most: u32,
    in_flight: Mutex<HashMap<ClientName, u32>>,
}

/// The right to one request; given back on drop.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    shares: &'a Shares,
    client: ClientName,
}

impl Shares {
    /// Each client may have so many.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, in_flight: Mutex::default() }
    }

    /// One more request of this client.
    pub(crate) fn take(&self, client: &ClientName) -> Result<Share<'_>, Problem> {
        let mut in_flight = self.lock();
        let count = in_flight.entry(client.clone()).or_default();
        if *count >= self.most {
            let detail = format!("{} requests of {client} are being answered already", self.most);
            return Err(Problem::new(ProblemCode::Busy, detail));
        }
        *count += 1;
        Ok(Share { shares: self, client: client.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientName, u32>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.shares.lock();
        if let Some(count) = in_flight.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_at_its_limit_waits_and_others_do_not() -> Result<(), Problem> {
        let (one, other) = (ClientName::local(), ClientName::parse("other").expect("a valid name"));
        let shares = Shares::new(2);
        let (first, _second) = (shares.take(&one)?, shares.take(&one)?);
        assert_eq!(shares.take(&one).expect_err("two are in flight").code, ProblemCode::Busy);
        drop(shares.take(&other)?);
        drop(first);
        shares.take(&one).map(drop)
    }

    #[test]
    fn clients_without_requests_are_forgotten() -> Result<(), Problem> {
        let shares = Shares::new(1);
        drop(shares.take(&ClientName::local())?);
        assert!(shares.lock().is_empty());
        Ok(())
    }
}
