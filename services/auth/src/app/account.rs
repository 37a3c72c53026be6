//! People, organisations and service accounts: made, disabled, enabled, looked up.

use access::{Action, Object};
use eventlog::{execute_pair, subject};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use names::{AccountId, Login, TokenId};
use proto::event::v1::Actor;
use runtime::{Code, Failure, Secret};

use super::lookup::account_of;
use super::outcome::{unexecuted, unread};
use super::{App, Changed, ShownAccount, ShownToken, actor, system};
use crate::call::Call;
use crate::domain::account::{Command, Created, Kind};
use crate::domain::{account, name};
use crate::events::time_of;
use crate::personal::{AccountKey, Field};
use crate::receipt::Change;

/// Accounts described in one call, at most.
pub(super) const MAX_DESCRIBED: usize = 1_000;
/// Keys read at a time for one call.
const KEYS_AT_A_TIME: usize = 16;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub login: Login,
    pub kind: Kind,
    /// People only.
    pub password: Option<Secret>,
    pub admin: bool,
    /// Of organisations and service accounts; none means whoever makes it.
    pub owners: Vec<Login>,
}

/// What the caller is told of itself.
#[derive(Debug, Clone)]
pub struct Myself {
    pub account: ShownAccount,
    pub default_channel: String,
    pub roles: Vec<String>,
    pub token: Option<ShownToken>,
}

impl App {
    /// Makes an account. Where no owners are named, an organisation or service account belongs to whoever makes it.
    pub async fn create_account(
        &self,
        call: &Call,
        new: NewAccount,
    ) -> Result<Changed<ShownAccount>, Failure> {
        let caller = self.allow(call, Action::AccountCreate, &Object::Server)?;
        let owners = match (new.kind, new.owners.as_slice()) {
            (Kind::Organisation | Kind::ServiceAccount, []) => account_of(&caller).into_iter().collect(),
            (Kind::Person | Kind::Organisation | Kind::ServiceAccount, logins) => self.people(logins).await?,
        };
        let allowed = || self.allow(call, Action::AccountCreate, &Object::Server).map(drop);
        self.make_account(call, actor(&caller), new, owners, allowed).await
    }

    /// Makes the first administrator of an empty log. False if there is an account already.
    pub async fn bootstrap(&self, call: &Call, login: Login, password: Secret) -> Result<bool, Failure> {
        if !self.view.read(|table| table.has_no_accounts()) {
            return Ok(false);
        }
        let new =
            NewAccount { login, kind: Kind::Person, password: Some(password), admin: true, owners: vec![] };
        let allowed = || {
            let first = self.view.read(|table| table.has_no_accounts());
            let other = || Failure::new(Code::Exists, "another replica has made the first administrator");
            if first { Ok(()) } else { Err(other()) }
        };
        match self.make_account(call, system(), new, vec![], allowed).await {
            Ok(_) => Ok(true),
            // Replicas that start together all find the log empty.
            Err(failure) if failure.code == Code::Exists => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn make_account(
        &self,
        call: &Call,
        actor: Actor,
        new: NewAccount,
        owners: Vec<AccountId>,
        allowed: impl Fn() -> Result<(), Failure> + Send + Sync,
    ) -> Result<Changed<ShownAccount>, Failure> {
        let password = match new.password {
            Some(password) => Some(self.passwords.hash(password, &*self.ambient.ids).await?),
            None => None,
        };
        let id = AccountId(self.ambient.ids.uuid());
        let key = self.keys.create(id).await?;
        let created = Created {
            account: id,
            kind: new.kind,
            created_at: time_of(id.0),
            login: key.seal(Field::Login, &Secret::new(new.login.as_str())),
            password: password.map(|hash| key.seal(Field::PasswordHash, &hash)),
            admin: new.admin,
            owners,
        };
        let (name, owner) = (subject::name(new.login.as_str()), subject::owner(id));
        let decide = |name: Option<&name::Name>, account: Option<&account::Account>| {
            allowed()?;
            let reserved = name::decide(name, id)?;
            let made = account::decide(account, Command::Create(created.clone()), self.now())?;
            Ok((reserved, made))
        };
        let meta = self.meta(call, actor);
        match execute_pair((&self.names, &name), (&self.accounts, &owner), &meta, decide).await {
            Ok((_, done)) => {
                let account = done.state.expect("the account has just been made");
                let shown = self.show_account(&account).await?;
                Ok(self.settle(call, done.seq, Change::Widens, shown).await)
            }
            Err(error) => {
                self.forget_key(id, &error).await;
                Err(unexecuted(error))
            }
        }
    }

    /// Removes the key of an account that was surely not made. After an unclear answer it stays: an account without
    /// its key would be erased.
    async fn forget_key(&self, account: AccountId, error: &eventlog::ExecuteError<Failure>) {
        let eventlog::ExecuteError::Refused(_) = error else { return };
        if let Err(failure) = self.keys.erase(account).await {
            tracing::warn!(%account, ?failure, "the key of an account that was not made stays behind");
        }
    }

    /// Everything of the account stops working, everywhere.
    pub async fn disable_account(
        &self,
        call: &Call,
        login: &Login,
    ) -> Result<Changed<ShownAccount>, Failure> {
        let target = self.target(call, Some(login), Action::AccountDisable).await?;
        let caller = self.allow(call, Action::AccountDisable, &Object::Account(target))?;
        let by = account_of(&caller).unwrap_or(super::lookup::NO_ACCOUNT);
        let command = Command::Disable { by, reason: String::new() };
        self.change(call, target, Action::AccountDisable, command, Change::Hides).await
    }

    /// Everything of the account that is neither revoked nor expired works again.
    pub async fn enable_account(&self, call: &Call, login: &Login) -> Result<Changed<ShownAccount>, Failure> {
        let target = self.target(call, Some(login), Action::AccountDisable).await?;
        self.change(call, target, Action::AccountDisable, Command::Enable, Change::Widens).await
    }

    /// Sets a password and ends every session but the caller's.
    pub async fn change_password(
        &self,
        call: &Call,
        login: Option<&Login>,
        password: Secret,
    ) -> Result<Changed<ShownAccount>, Failure> {
        let target = self.target(call, login, Action::AccountPassword).await?;
        let caller = self.allow(call, Action::AccountPassword, &Object::Account(target))?;
        let hash = self.passwords.hash(password, &*self.ambient.ids).await?;
        let password = self.key_of(target).await?.seal(Field::PasswordHash, &hash);
        let command = Command::ChangePassword { password, keep: caller.token() };
        self.change(call, target, Action::AccountPassword, command, Change::Restricts).await
    }

    pub(super) async fn change(
        &self,
        call: &Call,
        target: AccountId,
        action: Action,
        command: Command,
        change: Change,
    ) -> Result<Changed<ShownAccount>, Failure> {
        let caller = self.allow(call, action, &Object::Account(target))?;
        let meta = self.meta_of(call, &caller);
        let decide = |account: Option<&account::Account>| {
            self.allow(call, action, &Object::Account(target))?;
            Ok(account::decide(account, command.clone(), self.now())?)
        };
        let done = self.accounts.execute(&subject::owner(target), &meta, decide).await.map_err(unexecuted)?;
        let account = done.state.ok_or_else(gone)?;
        let changed = self.settle(call, done.seq, change, ()).await;
        let shown = self.show_account(&account).await?;
        Ok(Changed { seq: changed.seq, receipt: changed.receipt, shown })
    }

    async fn key_of(&self, account: AccountId) -> Result<AccountKey, Failure> {
        let erased = || Failure::new(Code::Conflict, "the account's personal data was erased");
        self.keys.read(account).await?.ok_or_else(erased)
    }

    /// The account that has this login.
    pub async fn find_account(&self, call: &Call, login: &Login) -> Result<ShownAccount, Failure> {
        let id = self.target(call, Some(login), Action::AccountView).await?;
        let account = self.account(id).await?.ok_or_else(gone)?;
        self.show_account(&account).await
    }

    /// What is known of these accounts; ids without an account are left out.
    pub async fn describe_accounts(
        &self,
        call: &Call,
        ids: &[AccountId],
    ) -> Result<Vec<ShownAccount>, Failure> {
        self.allow(call, Action::AccountView, &Object::Server)?;
        if ids.len() > MAX_DESCRIBED {
            let message =
                format!("{} accounts are asked for, {MAX_DESCRIBED} are allowed at a time", ids.len());
            return Err(Failure::new(Code::Invalid, message));
        }
        let mut known = Vec::new();
        for id in ids {
            self.allow(call, Action::AccountView, &Object::Account(*id))?;
            // Accounts that the table does not know must not cost a read each.
            known.extend(self.view.read(|table| table.account(*id).map(|account| account.id)));
        }
        let shown = stream::iter(known).map(async |id| -> Result<_, Failure> {
            let (_, account) = self.accounts.load(&subject::owner(id)).await.map_err(unread)?;
            match account {
                Some(account) => Ok(Some(self.show_account(&account).await?)),
                None => Ok(None),
            }
        });
        let shown: Vec<_> = shown.buffered(KEYS_AT_A_TIME).try_collect().await?;
        Ok(shown.into_iter().flatten().collect())
    }

    /// The caller's account with its default channel and its roles, and the token.
    pub async fn who_am_i(&self, call: &Call) -> Result<Myself, Failure> {
        let caller = self.allow(call, Action::WhoAmI, &Object::Server)?;
        let (Some(id), Some(token)) = (account_of(&caller), caller.token()) else {
            return Err(Failure::new(Code::Invalid, "a service has no account"));
        };
        let (account, token) = self.account_with(id, token).await?;
        let token = self.with_uses(token.into_iter().collect()).await.pop();
        let account = self.show_account(&account).await?;
        let default_channel = self.default_channel(id, &account.login);
        Ok(Myself { account, default_channel, roles: self.roles_of(id), token })
    }

    async fn account_with(
        &self,
        id: AccountId,
        token: TokenId,
    ) -> Result<(std::sync::Arc<account::Account>, Option<ShownToken>), Failure> {
        let account = self.account(id).await?.ok_or_else(gone)?;
        let login = self.login_of(&account).await?;
        let token = account.tokens.by_id(token).map(|token| self.show_token(token, &login));
        Ok((account, token))
    }
}

fn gone() -> Failure {
    Failure::new(Code::NotFound, "there is no such account")
}
