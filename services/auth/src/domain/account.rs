//! An account is a person or an organisation. It is one aggregate with its tokens, so that "disabled", "revoked" and
//! "issued" stand in one order.
//!
//! Personal fields pass through as ciphertext: nothing here can read them.

use names::{AccountId, TokenId};
use time::OffsetDateTime;

use super::token::{self, Tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    /// Owned by people; it cannot sign in.
    Organisation,
}

/// A personal field under the account's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub account: AccountId,
    pub kind: Kind,
    /// As the id says.
    pub created_at: OffsetDateTime,
    pub login: Sealed,
    /// People only.
    pub password: Option<Sealed>,
    pub admin: bool,
    /// The people who own an organisation.
    pub owners: Vec<AccountId>,
}

/// What the events of one owner add up to. A subject without events is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub created: Created,
    pub password: Option<Sealed>,
    pub disabled: bool,
    pub tokens: Tokens,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Create(Created),
    /// Ends every session but `keep`: whoever knew the old password is out.
    ChangePassword {
        password: Sealed,
        keep: Option<TokenId>,
    },
    /// `by` is the account that asks.
    Disable {
        by: AccountId,
        reason: String,
    },
    Enable,
    Token(token::Command),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created(Created),
    PasswordChanged { account: AccountId, password: Sealed },
    Disabled { account: AccountId, reason: String },
    Enabled { account: AccountId },
    Token(token::Event),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this account exists already")]
    Exists,
    #[error("there is no such account")]
    NotFound,
    #[error("a person needs a password")]
    PasswordMissing,
    #[error("an organisation has no password: its owners sign in as themselves")]
    PasswordOfOrganisation,
    #[error("an organisation needs an owner")]
    OwnerMissing,
    #[error("an organisation cannot administer the server")]
    AdminOrganisation,
    #[error("an account cannot disable itself: ask another administrator")]
    OwnAccount,
    #[error("the account is disabled: an administrator can enable it")]
    Disabled,
    #[error(transparent)]
    Token(#[from] token::Refusal),
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(
    account: Option<&Account>,
    command: Command,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    let Some(account) = account else {
        return match command {
            Command::Create(created) => create(created),
            Command::ChangePassword { .. }
            | Command::Disable { .. }
            | Command::Enable
            | Command::Token(_) => Err(Refusal::NotFound),
        };
    };
    match command {
        Command::Create(_) => Err(Refusal::Exists),
        Command::ChangePassword { password, keep } => change_password(account, password, keep, now),
        Command::Disable { by, .. } if by == account.created.account => Err(Refusal::OwnAccount),
        Command::Disable { .. } if account.disabled => Ok(vec![]),
        Command::Disable { reason, .. } => {
            Ok(vec![Event::Disabled { account: account.created.account, reason }])
        }
        Command::Enable if account.disabled => Ok(vec![Event::Enabled { account: account.created.account }]),
        Command::Enable => Ok(vec![]),
        Command::Token(token::Command::Issue { .. }) if account.disabled => Err(Refusal::Disabled),
        Command::Token(command) => tokens(account, command, now),
    }
}

fn create(created: Created) -> Result<Vec<Event>, Refusal> {
    match (created.kind, &created.password) {
        (Kind::Person, None) => Err(Refusal::PasswordMissing),
        (Kind::Organisation, Some(_)) => Err(Refusal::PasswordOfOrganisation),
        (Kind::Organisation, None) if created.owners.is_empty() => Err(Refusal::OwnerMissing),
        (Kind::Organisation, None) if created.admin => Err(Refusal::AdminOrganisation),
        (Kind::Person, Some(_)) | (Kind::Organisation, None) => Ok(vec![Event::Created(created)]),
    }
}

fn change_password(
    account: &Account,
    password: Sealed,
    keep: Option<TokenId>,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    if account.created.kind == Kind::Organisation {
        return Err(Refusal::PasswordOfOrganisation);
    }
    let ended = account.tokens.iter().filter(|token| {
        token.issued.kind == token::Kind::Session && token.lives(now) && Some(token.issued.token) != keep
    });
    let mut events = vec![Event::PasswordChanged { account: account.created.account, password }];
    for session in ended {
        let reason = "password changed".to_owned();
        events.push(Event::Token(token::Event::Revoked { token: session.issued.token, reason }));
    }
    Ok(events)
}

fn tokens(account: &Account, command: token::Command, now: OffsetDateTime) -> Result<Vec<Event>, Refusal> {
    let events = token::decide(&account.tokens, command, now)?;
    Ok(events.into_iter().map(Event::Token).collect())
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(account: Option<Account>, event: Event) -> Option<Account> {
    match event {
        Event::Created(created) => account.or_else(|| {
            let password = created.password.clone();
            Some(Account { created, password, disabled: false, tokens: Tokens::default() })
        }),
        Event::PasswordChanged { password, .. } => {
            account.map(|was| Account { password: Some(password), ..was })
        }
        Event::Disabled { .. } => account.map(|was| Account { disabled: true, ..was }),
        Event::Enabled { .. } => account.map(|was| Account { disabled: false, ..was }),
        Event::Token(event) => account.map(|was| Account { tokens: token::evolve(was.tokens, event), ..was }),
    }
}

#[cfg(test)]
#[path = "account/tests.rs"]
mod tests;
