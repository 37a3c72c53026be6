//! Follows and serves the access and content feeds.
