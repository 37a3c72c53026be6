//! Editing and reissuing tokens, and what every change of one needs.

use std::sync::Arc;

use access::{Action, Caller, Object, TokenKind, token_string};
use eventlog::subject;
use names::{AccountId, Login, Scope, TokenId, TokenName};
use runtime::{Failure, Secret};
use time::OffsetDateTime;

use super::outcome::unexecuted;
use super::token::no_such;
use super::{App, Changed, Issued, ShownToken};
use crate::call::Call;
use crate::domain::account::{self, Account, Command, Sealed};
use crate::domain::token::{self, Bounds, Edit, Overlap, Reach, Reissue};
use crate::personal::Field;
use crate::secret;

/// Which token, by id or name; empty is the one that asks.
#[derive(Debug, Clone)]
pub struct TokenEdit {
    pub token: String,
    pub owner: Option<Login>,
    pub name: Option<TokenName>,
    pub description: Option<String>,
    pub expires_at: Option<OffsetDateTime>,
}

/// A new string for a token, named like [`TokenEdit`] names it.
#[derive(Debug, Clone)]
pub struct TokenReissue {
    pub token: String,
    pub owner: Option<Login>,
    pub overlap: Overlap,
    pub expires_at: Option<OffsetDateTime>,
}

impl App {
    /// Changes name, description or end; the strings stay valid.
    pub async fn edit_token(&self, call: &Call, edit: TokenEdit) -> Result<Changed<ShownToken>, Failure> {
        let command = |token, from, bounds| {
            let (name, description) = (edit.name.clone(), edit.description.clone());
            token::Command::Edit(Edit { token, name, description, expires_at: edit.expires_at, from }, bounds)
        };
        let (seq, account, token) =
            self.change_token(call, &edit.token, edit.owner.as_ref(), command).await?;
        self.revoked(call, seq, &account, token).await
    }

    /// Makes a new string. It returns when every follower refuses what is dead of the older ones.
    pub async fn reissue_token(&self, call: &Call, wish: TokenReissue) -> Result<Changed<Issued>, Failure> {
        let which = self.own_or(call, &wish.token);
        let owner = self.token_owner(call, &which, wish.owner.as_ref(), Action::TokenEdit).await?;
        let known = self.account(owner).await?.ok_or_else(no_such)?;
        let found = known.tokens.find(&which, self.now()).ok_or_else(no_such)?;
        let (secret, hash) = secret::mint(letter(found.issued.kind), &*self.ambient.ids);
        let id = found.issued.token.to_string();
        let command = |token, from, bounds| {
            let (overlap, expires_at) = (wish.overlap, wish.expires_at);
            token::Command::Reissue(Reissue { token, sha256: hash.0, overlap, expires_at, from }, bounds)
        };
        let (seq, account, token) = self.change_token(call, &id, wish.owner.as_ref(), command).await?;
        let changed = self.revoked(call, seq, &account, token).await?;
        Ok(Changed { seq, receipt: changed.receipt, shown: Issued { shown: changed.shown, secret } })
    }

    /// Leaves only the newest string.
    pub async fn end_overlap(
        &self,
        call: &Call,
        which: &str,
        owner: Option<&Login>,
    ) -> Result<Changed<ShownToken>, Failure> {
        let command = |token, from, _| token::Command::EndOverlap { token, from };
        let (seq, account, token) = self.change_token(call, which, owner, command).await?;
        self.revoked(call, seq, &account, token).await
    }

    /// Decides a command about one token on the state in which it is found.
    pub(super) async fn change_token(
        &self,
        call: &Call,
        which: &str,
        owner: Option<&Login>,
        command: impl Fn(TokenId, Option<Sealed>, Bounds) -> token::Command + Send + Sync,
    ) -> Result<(u64, Arc<Account>, TokenId), Failure> {
        let which = self.own_or(call, which);
        let owner = self.token_owner(call, &which, owner, Action::TokenEdit).await?;
        let caller = self.allow(call, Action::TokenEdit, &Object::Account(owner))?;
        let from = self.from(call, owner).await?;
        let mut target = None;
        let decide = |account: Option<&Account>| {
            let caller = self.allow(call, Action::TokenEdit, &Object::Account(owner))?;
            let token = account.and_then(|account| account.tokens.find(&which, self.now()));
            let token = token.ok_or_else(no_such)?.issued.token;
            target = Some(token);
            let command = command(token, from.clone(), self.bounds(&caller));
            Ok(account::decide(account, Command::Token(command), self.now())?)
        };
        let meta = self.meta_of(call, &caller);
        let done = self.accounts.execute(&subject::owner(owner), &meta, decide).await.map_err(unexecuted)?;
        Ok((done.seq, done.state.ok_or_else(no_such)?, target.ok_or_else(no_such)?))
    }

    /// The id of the token that asks, if none is named.
    fn own_or(&self, call: &Call, which: &str) -> String {
        if !which.is_empty() {
            return which.to_owned();
        }
        let caller = self.view.read(|table| table.caller(self.now(), &call.credential));
        caller.token().map(|token| token.to_string()).unwrap_or_default()
    }

    /// The address that a request came from, sealed under its owner's key.
    pub(super) async fn from(&self, call: &Call, owner: AccountId) -> Result<Option<Sealed>, Failure> {
        let Some(address) = call.from else { return Ok(None) };
        let key = self.keys.read(owner).await?;
        Ok(key.map(|key| key.seal(Field::FromAddress, &Secret::new(address.to_string()))))
    }

    pub(super) fn bounds(&self, caller: &Caller) -> Bounds {
        Bounds { longest: self.lifetimes.token_longest, reach: self.reach(caller) }
    }

    /// How far the token that asks reaches, now.
    pub(super) fn reach(&self, caller: &Caller) -> Reach {
        self.view.read(|table| match caller.token().and_then(|token| table.token(token)) {
            Some(token) if token.kind == TokenKind::Session || token.scopes.contains(&Scope::All) => {
                Reach::Full
            }
            Some(token) => Reach::Within { scopes: token.scopes.to_vec(), expires_at: token.expires_at() },
            None => Reach::Within { scopes: vec![], expires_at: OffsetDateTime::UNIX_EPOCH },
        })
    }
}

/// The letter of a kind's strings.
pub(super) fn letter(kind: token::Kind) -> token_string::Kind {
    match kind {
        token::Kind::Session => token_string::Kind::Session,
        token::Kind::Resource | token::Kind::Scoped => token_string::Kind::Resource,
    }
}
