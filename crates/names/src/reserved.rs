//! The one list of names that are routes, so that no channel or login can stand in their way.

use crate::conda::SUBDIRS;

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
    ROUTES.contains(&name) || SUBDIRS.contains(&name) || name == "channeldata.json"
}
