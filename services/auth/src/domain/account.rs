//! An account is a person, an organisation or a service account. It is one aggregate with its tokens, so that "disabled", "revoked" and
//! "issued" stand in one order.
//!
//! Personal fields pass through as ciphertext: nothing here can read them.

use std::collections::BTreeSet;

use names::{AccountId, ChannelId, TokenId};
use time::OffsetDateTime;

use super::token::{self, Tokens};

/// Owners that an organisation or service account may have.
pub const MAX_OWNERS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    /// Owned by people; it cannot sign in.
    Organisation,
    /// A name for a machine, owned by people and outliving each of them; it cannot sign in.
    ServiceAccount,
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
    /// The people who own an organisation or a service account, as they are now.
    pub owners: Vec<AccountId>,
}

/// What the events of one owner add up to. A subject without events is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub created: Created,
    pub password: Option<Sealed>,
    pub disabled: bool,
    /// Where uploads go that name no channel; none is the channel named after the account.
    pub default_channel: Option<ChannelId>,
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
    SetOwners {
        owners: Vec<AccountId>,
    },
    /// Whether the account may upload there is known to the access table.
    SetDefaultChannel {
        channel: Option<ChannelId>,
    },
    Token(token::Command),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created(Created),
    PasswordChanged { account: AccountId, password: Sealed },
    Disabled { account: AccountId, reason: String },
    Enabled { account: AccountId },
    OwnersChanged { account: AccountId, owners: Vec<AccountId> },
    DefaultChannelChanged { account: AccountId, before: Option<ChannelId>, after: Option<ChannelId> },
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
    #[error("only people have passwords: the owners of this account sign in as themselves")]
    PasswordOfNobody,
    #[error("an organisation or service account needs an owner: name who comes in place of the last one")]
    OwnerMissing,
    #[error("{MAX_OWNERS} owners are the most an account can have")]
    TooManyOwners,
    #[error("a person is owned by nobody")]
    OwnersOfPerson,
    #[error("only people administer the server")]
    AdminNotPerson,
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
            | Command::SetOwners { .. }
            | Command::SetDefaultChannel { .. }
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
        Command::SetOwners { owners } => set_owners(account, owners),
        Command::SetDefaultChannel { channel } if channel == account.default_channel => Ok(vec![]),
        Command::SetDefaultChannel { .. } if account.disabled => Err(Refusal::Disabled),
        Command::SetDefaultChannel { channel } => Ok(vec![Event::DefaultChannelChanged {
            account: account.created.account,
            before: account.default_channel,
            after: channel,
        }]),
        Command::Token(
            token::Command::Issue(..) | token::Command::Edit(..) | token::Command::Reissue(..),
        ) if account.disabled => Err(Refusal::Disabled),
        // Nothing of it works, so there is nothing to warn of.
        Command::Token(token::Command::Warn { .. }) if account.disabled => Ok(vec![]),
        Command::Token(command) => tokens(account, command, now),
    }
}

fn set_owners(account: &Account, owners: Vec<AccountId>) -> Result<Vec<Event>, Refusal> {
    let owners: BTreeSet<AccountId> = owners.into_iter().collect();
    match account.created.kind {
        Kind::Person => return Err(Refusal::OwnersOfPerson),
        Kind::Organisation | Kind::ServiceAccount => check_owners(owners.len())?,
    }
    if owners == account.created.owners.iter().copied().collect() {
        return Ok(vec![]);
    }
    let owners = owners.into_iter().collect();
    Ok(vec![Event::OwnersChanged { account: account.created.account, owners }])
}

fn check_owners(count: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::OwnerMissing),
        1..=MAX_OWNERS => Ok(()),
        _ => Err(Refusal::TooManyOwners),
    }
}

fn create(created: Created) -> Result<Vec<Event>, Refusal> {
    match (created.kind, &created.password) {
        (Kind::Person, None) => Err(Refusal::PasswordMissing),
        (Kind::Person, Some(_)) if !created.owners.is_empty() => Err(Refusal::OwnersOfPerson),
        (Kind::Person, Some(_)) => Ok(vec![Event::Created(created)]),
        (Kind::Organisation | Kind::ServiceAccount, Some(_)) => Err(Refusal::PasswordOfNobody),
        (Kind::Organisation | Kind::ServiceAccount, None) if created.admin => Err(Refusal::AdminNotPerson),
        (Kind::Organisation | Kind::ServiceAccount, None) => {
            check_owners(created.owners.len())?;
            Ok(vec![Event::Created(created)])
        }
    }
}

fn change_password(
    account: &Account,
    password: Sealed,
    keep: Option<TokenId>,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    if account.created.kind != Kind::Person {
        return Err(Refusal::PasswordOfNobody);
    }
    let ended = account.tokens.iter().filter(|token| {
        token.issued.kind == token::Kind::Session && token.lives(now) && Some(token.issued.token) != keep
    });
    let mut events = vec![Event::PasswordChanged { account: account.created.account, password }];
    for session in ended {
        let reason = "password changed".to_owned();
        events.push(Event::Token(token::Event::Revoked { token: session.issued.token, reason, from: None }));
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
            let tokens = Tokens::default();
            Some(Account { created, password, disabled: false, default_channel: None, tokens })
        }),
        Event::PasswordChanged { password, .. } => {
            account.map(|was| Account { password: Some(password), ..was })
        }
        Event::Disabled { .. } => account.map(|was| Account { disabled: true, ..was }),
        Event::Enabled { .. } => account.map(|was| Account { disabled: false, ..was }),
        Event::OwnersChanged { owners, .. } => {
            account.map(|was| Account { created: Created { owners, ..was.created }, ..was })
        }
        Event::DefaultChannelChanged { after, .. } => {
            account.map(|was| Account { default_channel: after, ..was })
        }
        Event::Token(event) => account.map(|was| Account { tokens: token::evolve(was.tokens, event), ..was }),
    }
}

#[cfg(test)]
#[path = "account/tests.rs"]
mod tests;
