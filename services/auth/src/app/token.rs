//! Issuing, showing and revoking tokens.

use access::{Action, Caller, Object, Table};
use eventlog::subject;
use names::{AccountId, ChannelId, Level, Login, Scope, TokenId, TokenName};
use runtime::{Code, Failure, Secret};
use time::OffsetDateTime;

use super::change::letter;
use super::lookup::account_of;
use super::outcome::{unexecuted, unread};
use super::{App, Changed, ShownToken};
use crate::call::Call;
use crate::domain::account::{self, Account, Command};
use crate::domain::token::{self, Grant, Reach};
use crate::events::time_of;
use crate::receipt::Change;
use crate::secret;

/// A token to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: TokenName,
    pub description: String,
    pub expires_at: Option<OffsetDateTime>,
    /// Channels by name.
    pub grants: Vec<(String, Level)>,
    /// Never together with grants.
    pub scopes: Vec<Scope>,
    /// An organisation or service account, for its owners; none is the caller's own account.
    pub owner: Option<Login>,
}

/// A token and the only copy of its string.
pub struct Issued {
    pub shown: ShownToken,
    pub secret: Secret,
}

impl App {
    /// Issues a token with grants or with scopes.
    pub async fn issue_token(&self, call: &Call, new: NewToken) -> Result<Changed<Issued>, Failure> {
        let owner = self.target(call, new.owner.as_ref(), Action::TokenEdit).await?;
        let caller = self.allow(call, Action::TokenEdit, &Object::Account(owner))?;
        let kind = if new.scopes.is_empty() { token::Kind::Resource } else { token::Kind::Scoped };
        let (secret, hash) = secret::mint(letter(kind), &*self.ambient.ids);
        let id = TokenId(self.ambient.ids.uuid());
        let issued_at = time_of(id.0);
        let expires_at = match (new.expires_at, self.reach(&caller)) {
            (Some(asked), _) => asked,
            (None, Reach::Full) => issued_at + self.lifetimes.token,
            (None, Reach::Within { expires_at, .. }) => expires_at.min(issued_at + self.lifetimes.token),
        };
        let issued = token::Issued {
            token: id,
            owner,
            kind,
            name: new.name,
            description: new.description,
            issued_at,
            expires_at,
            secrets: vec![token::Secret { sha256: hash.0, ends_at: expires_at }],
            grants: vec![],
            scopes: new.scopes,
            maker: caller.token(),
            from: self.from(call, owner).await?,
        };
        let decide = |account: Option<&Account>| {
            let caller = self.allow(call, Action::TokenEdit, &Object::Account(owner))?;
            let grants = self.view.read(|table| grants(table, owner, &new.grants))?;
            let issued = token::Issued { grants, ..issued.clone() };
            let command = token::Command::Issue(issued, self.bounds(&caller));
            Ok(account::decide(account, Command::Token(command), self.now())?)
        };
        let meta = self.meta_of(call, &caller);
        let done = self.accounts.execute(&subject::owner(owner), &meta, decide).await.map_err(unexecuted)?;
        let account = done.state.expect("a token has just been issued");
        let token = account.tokens.by_id(id).expect("a token has just been issued");
        let shown = self.show_token(token, &self.login_of(&account).await?);
        Ok(self.settle(call, done.seq, Change::Widens, Issued { shown, secret }).await)
    }

    /// One token, by id or name.
    pub async fn show(&self, call: &Call, which: &str, owner: Option<&Login>) -> Result<ShownToken, Failure> {
        let owner = self.token_owner(call, which, owner, Action::TokenView).await?;
        let account = self.account(owner).await?.ok_or_else(no_such)?;
        let token = account.tokens.find(which, self.now()).ok_or_else(no_such)?;
        let shown = self.show_token(token, &self.login_of(&account).await?);
        self.with_uses(vec![shown]).await.pop().ok_or_else(no_such)
    }

    /// Revokes a token, by id or name; with neither, the one that asks. It returns when every follower has applied it.
    pub async fn revoke_token(
        &self,
        call: &Call,
        which: &str,
        owner: Option<&Login>,
        reason: &str,
    ) -> Result<Changed<ShownToken>, Failure> {
        let caller = self.view.read(|table| table.caller(self.now(), &call.credential));
        let own = caller.token().map(|token| token.to_string()).unwrap_or_default();
        let which = if which.is_empty() { &own } else { which };
        if let Some(done) = self.ended_itself(&caller, which).await? {
            return self.revoked(call, done.0, &done.1, done.2).await;
        }
        let revoke = |token, from, _| token::Command::Revoke { token, reason: reason.to_owned(), from };
        let (seq, account, token) = self.change_token(call, which, owner, revoke).await?;
        self.revoked(call, seq, &account, token).await
    }

    /// A session that has revoked itself and lost the answer asks again: it is dead, but may learn that it is.
    async fn ended_itself(
        &self,
        caller: &Caller,
        which: &str,
    ) -> Result<Option<(u64, std::sync::Arc<Account>, TokenId)>, Failure> {
        let (Caller::Revoked { token, .. }, Some(owner)) = (caller, account_of(caller)) else {
            return Ok(None);
        };
        if which != token.to_string() {
            return Ok(None);
        }
        let (seq, account) = self.accounts.fresh(&subject::owner(owner)).await.map_err(unread)?;
        let known = account.filter(|account| account.tokens.by_id(*token).is_some());
        Ok(known.map(|account| (seq, account, *token)))
    }

    /// R1 to R3 for a token that was taken something at `seq` or before.
    pub(super) async fn revoked(
        &self,
        call: &Call,
        seq: u64,
        account: &Account,
        token: TokenId,
    ) -> Result<Changed<ShownToken>, Failure> {
        let changed = self.settle(call, seq, Change::Restricts, ()).await;
        let token = account.tokens.by_id(token).ok_or_else(no_such)?;
        let shown = self.show_token(token, &self.login_of(account).await?);
        Ok(Changed { seq: changed.seq, receipt: changed.receipt, shown })
    }
}

/// The grants by id, if the owner holds now what is to be given. Whether the channel exists is not told.
fn grants(table: &Table, owner: AccountId, wanted: &[(String, Level)]) -> Result<Vec<Grant>, Failure> {
    let held = |name: &str, level: Level| -> Option<ChannelId> {
        let channel = table.channel_named(name)?.id;
        // Who holds something on single packages gives no more than that with the channel's name.
        let most = table.account_level(owner, channel).max(table.account_part(owner, channel));
        most.filter(|held| *held >= level).map(|_| channel)
    };
    let grant = |(name, level): &(String, Level)| {
        let refused = || {
            let message =
                format!("a token cannot be given {level} on channel {name}: its owner does not hold that");
            Failure::new(Code::Forbidden, message)
        };
        Ok(Grant { channel: held(name, *level).ok_or_else(refused)?, level: *level })
    };
    wanted.iter().map(grant).collect()
}

pub(super) fn no_such() -> Failure {
    account::Refusal::from(token::Refusal::NotFound).into()
}
