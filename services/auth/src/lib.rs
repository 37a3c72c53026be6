//! Accounts, tokens, the access feed.
