//! Accounts and tokens as they are shown: with logins and channel names in place of ids.

use access::Table;
use names::{AccountId, ChannelId, Level};
use runtime::Failure;
use time::OffsetDateTime;

use super::{App, Uses};
use crate::domain::account::{Account, Created, Kind};
use crate::domain::token::{Grant, Token};
use crate::personal::Field;

#[derive(Debug, Clone)]
pub struct ShownAccount {
    pub id: AccountId,
    /// Empty once it was erased.
    pub login: String,
    pub kind: Kind,
    pub admin: bool,
    pub disabled: bool,
    pub created_at: OffsetDateTime,
}

#[derive(Debug, Clone)]
pub struct ShownToken {
    pub token: Token,
    pub owner_login: String,
    pub revoked_at: Option<OffsetDateTime>,
    /// live, expired or revoked.
    pub state: &'static str,
    pub grants: Vec<ShownGrant>,
    /// While an older string is valid beside the newest.
    pub overlap_ends_at: Option<OffsetDateTime>,
    /// Which of its strings is the newest, once the view knows it.
    pub newest_string_no: Option<u32>,
    /// Where they were asked for and are known.
    pub uses: Option<Uses>,
}

#[derive(Debug, Clone)]
pub struct ShownGrant {
    pub channel: ChannelId,
    /// Empty once the channel was deleted.
    pub name: String,
    pub level: Level,
}

impl App {
    /// The login of an account, empty once it was erased.
    pub(super) async fn login_of(&self, account: &Account) -> Result<String, Failure> {
        let key = self.keys.read(account.created.account).await?;
        let login = key.and_then(|key| key.open(Field::Login, &account.created.login));
        Ok(login.map(|login| login.expose().to_owned()).unwrap_or_default())
    }

    pub(super) async fn show_account(&self, account: &Account) -> Result<ShownAccount, Failure> {
        let created = &account.created;
        Ok(ShownAccount {
            id: created.account,
            login: self.login_of(account).await?,
            kind: created.kind,
            admin: self.is_admin(created),
            disabled: account.disabled,
            created_at: created.created_at,
        })
    }

    /// What it was created as, until a role said otherwise.
    fn is_admin(&self, created: &Created) -> bool {
        let known = self.view.read(|table| table.account(created.account).map(|account| account.admin));
        known.unwrap_or(created.admin)
    }

    /// A token of an account; the view must have applied the events that the token was folded from.
    pub(super) fn show_token(&self, token: &Token, owner_login: &str) -> ShownToken {
        let now = self.now();
        self.view.read(|table| ShownToken {
            token: token.clone(),
            owner_login: owner_login.to_owned(),
            revoked_at: table.token(token.issued.token).and_then(access::Token::revoked_at),
            state: match (token.revoked, token.issued.expires_at > now) {
                (true, _) => "revoked",
                (false, true) => "live",
                (false, false) => "expired",
            },
            overlap_ends_at: token.overlap_ends_at(now),
            grants: token.issued.grants.iter().map(|grant| show_grant(table, grant)).collect(),
            newest_string_no: table.token(token.issued.token).map(|token| token.strings().saturating_sub(1)),
            uses: None,
        })
    }
}

fn show_grant(table: &Table, grant: &Grant) -> ShownGrant {
    let name = table.channel(grant.channel).map(|channel| channel.name.to_string()).unwrap_or_default();
    ShownGrant { channel: grant.channel, name, level: grant.level }
}
