//! What was decided, as replies.

use names::{Level, Scope, ScopeFamily};
use proto::auth::v1 as api;
use proto::event::v1 as stored;
use readmodel::UseRow;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::app::{Changed, Issued, ShownAccount, ShownGrant, ShownToken, Uses};
use crate::domain::{account, token};

pub(super) fn issued(changed: Changed<Issued>) -> api::IssuedToken {
    api::IssuedToken {
        token: Some(token(changed.shown.shown)),
        secret: changed.shown.secret.expose().to_owned(),
        authz_seq: changed.seq,
        receipt: Some(changed.receipt),
    }
}

pub(super) fn scopes() -> api::ListScopesReply {
    let scope = |scope: Scope| api::Scope {
        name: scope.as_str().into(),
        opens: scope.opens().into(),
        family: match scope.family() {
            ScopeFamily::Server => "server",
            ScopeFamily::Repository => "repository",
            ScopeFamily::Latchkey => "latchkey",
        }
        .into(),
    };
    api::ListScopesReply { scopes: Scope::ALL.into_iter().map(scope).collect() }
}

pub(super) fn account(shown: ShownAccount) -> api::Account {
    api::Account {
        id: shown.id.to_string(),
        login: shown.login,
        kind: match shown.kind {
            account::Kind::Person => stored::AccountKind::Person,
            account::Kind::Organisation => stored::AccountKind::Organisation,
            account::Kind::ServiceAccount => stored::AccountKind::ServiceAccount,
        }
        .into(),
        admin: shown.admin,
        disabled: shown.disabled,
        created_at: time(shown.created_at),
        authz_seq: 0,
    }
}

pub(super) fn created(changed: Changed<ShownAccount>) -> api::Account {
    api::Account { authz_seq: changed.seq, ..account(changed.shown) }
}

pub(super) fn revoked(changed: Changed<ShownToken>) -> api::Revoked {
    api::Revoked { authz_seq: changed.seq, receipt: Some(changed.receipt), token: Some(token(changed.shown)) }
}

/// For changes of an account, where no one token is meant.
pub(super) fn confirmed(changed: Changed<ShownAccount>) -> api::Revoked {
    api::Revoked { authz_seq: changed.seq, receipt: Some(changed.receipt), token: None }
}

pub(super) fn token(shown: ShownToken) -> api::Token {
    let issued = shown.token.issued;
    api::Token {
        id: issued.token.to_string(),
        name: issued.name.to_string(),
        description: issued.description,
        kind: match issued.kind {
            token::Kind::Session => stored::TokenKind::Session,
            token::Kind::Resource => stored::TokenKind::Resource,
            token::Kind::Scoped => stored::TokenKind::Scoped,
        }
        .into(),
        owner: shown.owner_login,
        issued_at: time(issued.issued_at),
        expires_at: time(issued.expires_at),
        revoked_at: shown.revoked_at.map(time).unwrap_or_default(),
        state: shown.state.to_owned(),
        grants: shown.grants.into_iter().map(grant).collect(),
        scopes: issued.scopes.iter().map(|scope| scope.to_string()).collect(),
        overlap_ends_at: shown.overlap_ends_at.map(time).unwrap_or_default(),
        uses: shown.uses.map(uses),
    }
}

fn uses(uses: Uses) -> api::TokenUses {
    api::TokenUses { last: uses.last.map(used), older: uses.older.map(used), dead: uses.dead.map(used) }
}

fn used(row: UseRow) -> api::TokenUse {
    let UseRow { at, address, client, family, outcome, .. } = row;
    api::TokenUse { at: time(at), address, client, family, outcome }
}

fn grant(shown: ShownGrant) -> api::Grant {
    api::Grant {
        channel: shown.name,
        level: match shown.level {
            Level::Read => stored::Level::Read,
            Level::Write => stored::Level::Write,
            Level::Manage => stored::Level::Manage,
        }
        .into(),
        channel_id: shown.channel.to_string(),
    }
}

/// RFC 3339, UTC, whole seconds.
fn time(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC).replace_nanosecond(0).expect("zero nanoseconds are valid");
    time.format(&Rfc3339).expect("a UTC time before the year 10000 has an RFC 3339 form")
}
