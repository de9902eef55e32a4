//! [`Route`]: every route there is, with who may use it. The router is made of this table and of nothing else, and so is
//! the test that tries each route with every kind of token.

use protocol::wire::{JOIN_ROUTE, Request};

/// What a route needs before anything of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A valid token; what that allows is decided by the request.
    Token,
    /// The secret of an invite, in the body.
    Invite,
    /// Nothing: it tells nothing but that somebody is there.
    Nothing,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// What it begins with, up to its name.
    base: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// The only method that it takes.
    pub(crate) method: &'static str,
    /// What it needs.
    pub(crate) needs: Needs,
}

impl Route {
    /// Every route.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let token = |name: &&'static str| Self { base: "/v1/", name, method: "POST", needs: Needs::Token };
        let requests = Request::ROUTES.iter().map(token);
        requests.chain([
            Self { base: "/v1/", name: JOIN_ROUTE, method: "POST", needs: Needs::Invite },
            Self { base: "/", name: "healthz", method: "GET", needs: Needs::Nothing },
        ])
    }

    /// Its path.
    pub(crate) fn path(&self) -> String {
        format!("{}{}", self.base, self.name)
    }
}

#[cfg(test)]
#[path = "http_routes_tests.rs"]
mod tests;
