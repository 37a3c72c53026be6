//! Channels, packages, artifacts, the content feed.
