//! The cluster with real clients.
