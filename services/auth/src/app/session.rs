//! Signing in. An unknown login and a wrong password are one answer, after one time.

use std::time::Duration;

use access::{SecretHash, token_string};
use eventlog::subject;
use names::{AccountId, Login, TokenId, TokenName};
use proto::event::v1::Actor;
use runtime::{Code, Failure, Secret};

use super::lookup::NO_ACCOUNT;
use super::outcome::unexecuted;
use super::{App, Changed, Issued};
use crate::call::Call;
use crate::domain::account::{self, Account, Command, Sealed};
use crate::domain::token::{self, Bounds, Reach};
use crate::events::time_of;
use crate::personal::{AccountKey, Field};
use crate::receipt::Change;
use crate::secret;

/// Refusals come at whole multiples of this, so that their time says nothing of what was looked up.
const REFUSAL_STEP: Duration = Duration::from_millis(250);

/// A wish to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub login: String,
    pub password: Secret,
    /// The session's name in lists.
    pub name: TokenName,
}

impl App {
    /// A session for a login and its password.
    pub async fn sign_in(&self, call: &Call, sign_in: SignIn) -> Result<Changed<Issued>, Failure> {
        in_even_time(self.try_sign_in(call, sign_in)).await
    }

    async fn try_sign_in(&self, call: &Call, sign_in: SignIn) -> Result<Changed<Issued>, Failure> {
        let known = self.known(&sign_in.login, sign_in.password).await?;
        let (secret, hash) = secret::mint(token_string::Kind::Session, &*self.ambient.ids);
        let token = TokenId(self.ambient.ids.uuid());
        let mut issued = self.session(token, known.account, sign_in.name, hash);
        issued.from = self.from(call, known.account).await?;
        let decide = |account: Option<&Account>| {
            // The password was right for an earlier state; it must be the same one still.
            if account.and_then(|account| account.password.as_ref()) != Some(&known.sealed) {
                return Err(wrong());
            }
            let command = token::Command::Issue(issued.clone(), self.session_bounds());
            Ok(account::decide(account, Command::Token(command), self.now())?)
        };
        let meta = self.meta(call, Actor { account_id: known.account.to_bytes(), ..Actor::default() });
        let owner = subject::owner(known.account);
        let done = self.accounts.execute(&owner, &meta, decide).await.map_err(unexecuted)?;
        let account = done.state.expect("a session has just been issued");
        let token = account.tokens.by_id(token).expect("a session has just been issued");
        let shown = self.show_token(token, &self.login_of(&account).await?);
        Ok(self.settle(call, done.seq, Change::Widens, Issued { shown, secret }).await)
    }

    /// The account of a login whose password this is.
    pub(super) async fn known(&self, login: &str, password: Secret) -> Result<Known, Failure> {
        let place = self.passwords.enter()?;
        let found = self.password_of(login).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.clone());
        let right = self.passwords.verify(place, password, hash).await?;
        found.filter(|_| right).map(|(known, _)| known).ok_or_else(wrong)
    }

    pub(super) fn session_bounds(&self) -> Bounds {
        Bounds { longest: self.lifetimes.session, reach: Reach::Full }
    }

    pub(super) fn session(
        &self,
        token: TokenId,
        owner: AccountId,
        name: TokenName,
        hash: SecretHash,
    ) -> token::Issued {
        let issued_at = time_of(token.0);
        let expires_at = issued_at + self.lifetimes.session;
        token::Issued {
            token,
            owner,
            kind: token::Kind::Session,
            name,
            description: String::new(),
            issued_at,
            expires_at,
            secrets: vec![token::Secret { sha256: hash.0, ends_at: expires_at }],
            grants: vec![],
            scopes: vec![],
            maker: None,
            from: None,
        }
    }

    /// What the password of a login is checked against. Without such a login, the same reads are made of nothing.
    async fn password_of(&self, login: &str) -> Result<Option<(Known, Secret)>, Failure> {
        let id = match Login::parse(login) {
            Ok(login) => self.account_named(&login).await?,
            Err(_) => None,
        };
        let id = id.unwrap_or(NO_ACCOUNT);
        let (account, key) = (self.account(id).await?, self.keys.read(id).await?);
        let sealed = account.and_then(|account| account.password.clone());
        Ok(sealed.zip(key).and_then(|(sealed, key)| {
            let hash = key.open(Field::PasswordHash, &sealed)?;
            Some((Known { account: id, sealed, key }, hash))
        }))
    }
}

/// Whoever has shown their password.
pub(super) struct Known {
    pub(super) account: AccountId,
    /// The password as it stood in the log when it was checked.
    pub(super) sealed: Sealed,
    pub(super) key: AccountKey,
}

/// Keeps a refusal from telling by its time what was looked up.
pub(super) async fn in_even_time<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let start = tokio::time::Instant::now();
    let result = work.await;
    if matches!(&result, Err(failure) if failure.code == Code::Unauthenticated) {
        let steps = start.elapsed().as_micros() / REFUSAL_STEP.as_micros() + 1;
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        tokio::time::sleep_until(start + REFUSAL_STEP.saturating_mul(steps)).await;
    }
    result
}

fn wrong() -> Failure {
    Failure::new(Code::Unauthenticated, "login or password is wrong")
}
