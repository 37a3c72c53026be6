//! The one list of names that are routes, so that no channel or login can stand in their way.

use crate::conda::SUBDIRS;

/// In order: they are searched for every request.
const ROUTES: [&str; 33] = [
    "+simple",
    "-",
    "_",
    "account",
    "api",
    "app",
    "auth",
    "conda",
    "docs",
    "favicon.ico",
    "files",
    "groups",
    "health",
    "healthz",
    "label",
    "labels",
    "legacy",
    "login",
    "logout",
    "metrics",
    "nolabel",
    "notices.json",
    "openapi.json",
    "package",
    "packages",
    "pypi",
    "readyz",
    "repo",
    "robots.txt",
    "settings",
    "simple",
    "static",
    "t",
];

/// Whether the name is a route's, or a subdir's: no channel and no login may have it.
pub fn is_reserved(name: &str) -> bool {
    ROUTES.binary_search(&name).is_ok() || SUBDIRS.contains(&name) || name == "channeldata.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found() {
        assert!(ROUTES.is_sorted() && ROUTES.iter().chain(&SUBDIRS).all(|name| is_reserved(name)));
        assert!(!is_reserved("acme") && !is_reserved(""));
    }
}
