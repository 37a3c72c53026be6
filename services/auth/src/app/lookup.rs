//! Finding accounts: by login through the name's reservation, by token through the access table.

use std::sync::Arc;

use access::{Action, Caller, Object};
use eventlog::subject;
use names::{AccountId, Login, TokenId};
use runtime::{Code, Failure};
use uuid::Uuid;

use super::App;
use super::outcome::unread;
use crate::call::Call;
use crate::domain::account::Account;

/// Stands for an account that is not there, so that asking for it is decided like any other.
pub(super) const NO_ACCOUNT: AccountId = AccountId(Uuid::nil());

impl App {
    /// The account that has this login.
    pub(super) async fn account_named(&self, login: &Login) -> Result<Option<AccountId>, Failure> {
        let (_, name) = self.names.fresh(&subject::name(login.as_str())).await.map_err(unread)?;
        Ok(name.and_then(|name| name.account))
    }

    /// An account with everything that was acknowledged before.
    pub(super) async fn account(&self, id: AccountId) -> Result<Option<Arc<Account>>, Failure> {
        Ok(self.accounts.fresh(&subject::owner(id)).await.map_err(unread)?.1)
    }

    /// The account that a call is about: the one with this login, or the caller's own. Whoever may not know is told
    /// the same whether it exists or not.
    pub(super) async fn target(
        &self,
        call: &Call,
        login: Option<&Login>,
        action: Action,
    ) -> Result<AccountId, Failure> {
        let Some(login) = login else {
            let caller = self.allow(call, Action::WhoAmI, &Object::Server)?;
            let own = account_of(&caller).ok_or_else(|| {
                Failure::new(Code::Invalid, "a service has no account of its own: name an owner")
            })?;
            self.allow(call, action, &Object::Account(own))?;
            return Ok(own);
        };
        // Before the log is asked: whoever is not signed in must not make it work.
        self.allow(call, Action::WhoAmI, &Object::Server)?;
        let found = self.account_named(login).await?;
        self.allow(call, action, &Object::Account(found.unwrap_or(NO_ACCOUNT)))?;
        found.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no account {login}")))
    }

    /// The account whose token is meant. A token's id alone finds it, for those who may act there.
    pub(super) async fn token_owner(
        &self,
        call: &Call,
        token: &str,
        owner: Option<&Login>,
        action: Action,
    ) -> Result<AccountId, Failure> {
        if owner.is_none()
            && let Ok(id) = token.parse::<TokenId>()
            && let Some(owner) = self.view.read(|table| table.token(id).map(|token| token.owner))
            && self.allow(call, action, &Object::Account(owner)).is_ok()
        {
            return Ok(owner);
        }
        self.target(call, owner, action).await
    }
}

/// The account behind a caller, dead or alive.
pub(super) fn account_of(caller: &Caller) -> Option<AccountId> {
    match caller {
        Caller::Token { account, .. }
        | Caller::Expired { account, .. }
        | Caller::Revoked { account, .. }
        | Caller::Disabled { account, .. } => Some(*account),
        Caller::Nobody | Caller::Unknown | Caller::Service(_) => None,
    }
}
