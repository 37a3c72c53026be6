//! Auth over real gRPC and a real nats-server.
#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test")]

#[path = "service/access.rs"]
mod access;
#[path = "service/account.rs"]
mod account;
#[path = "service/audit.rs"]
mod audit;
#[path = "service/authorize.rs"]
mod authorize;
#[path = "service/default_channel.rs"]
mod default_channel;
#[path = "service/follow.rs"]
mod follow;
#[path = "service/lab.rs"]
mod lab;
#[path = "service/owners.rs"]
mod owners;
#[path = "service/put_back.rs"]
mod put_back;
#[path = "service/reissue.rs"]
mod reissue;
#[path = "service/replicas.rs"]
mod replicas;
#[path = "service/restart.rs"]
mod restart;
#[path = "service/revoke.rs"]
mod revoke;
#[path = "service/roles.rs"]
mod roles;
#[path = "service/scope_table.rs"]
mod scope_table;
#[path = "service/scopes.rs"]
mod scopes;
#[path = "service/token.rs"]
mod token;
#[path = "service/void.rs"]
mod void;
#[path = "service/warn.rs"]
mod warn;
