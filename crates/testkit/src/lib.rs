//! Test clusters on the real servers.
