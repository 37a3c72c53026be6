//! Levels on a channel, given to accounts.

use access::{Action, Object, Subject};
use eventlog::subject;
use names::{AccountId, Level, Login};
use runtime::{Code, Failure};

use super::{Asker, Catalog, ChannelChange, failures};
use crate::domain::channel::{self, Command};

/// Whose level it is.
#[derive(Debug, Clone)]
pub enum Grantee {
    Id(AccountId),
    Login(Login),
}

impl Catalog {
    /// Gives an account a level, or takes it away. Where less is left, it returns when every gateway knows, or says who
    /// does not.
    pub async fn grant_channel(
        &self,
        asker: &Asker,
        name: &str,
        grantee: Grantee,
        level: Option<Level>,
    ) -> Result<ChannelChange, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::GrantEdit, name)?;
        let account = self.account_of(&grantee, level.is_some()).await?;
        let mut restricting = false;
        let decide = |channel: Option<&channel::Channel>| {
            self.check(&asker.credential, Action::GrantEdit, &Object::Channel(id))?;
            let events =
                channel::decide(channel, Command::Grant { subject: Subject::Account(account), level })?;
            // A repeat finds its effect present, and its first try may never have got its receipt.
            restricting = events.is_empty() && level != Some(Level::Manage)
                || events.iter().any(channel::Event::restricts);
            Ok::<_, Failure>(events)
        };
        let done = self.channels.execute(&subject::channel(id), &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let state = done.state.ok_or_else(|| Failure::from(channel::Refusal::Gone))?;
        let receipt = self.access_receipt(done.seq, restricting, asker).await;
        Ok(ChannelChange { channel: self.seen(&state, &caller), authz_seq: done.seq, receipt })
    }

    /// A level can be taken from an account whatever became of it.
    async fn account_of(&self, grantee: &Grantee, giving: bool) -> Result<AccountId, Failure> {
        let id = match grantee {
            Grantee::Id(id) => Some(*id),
            Grantee::Login(login) => {
                let name = self.names.fresh(&subject::name(login.as_str())).await;
                name.map_err(failures::of_log)?.1.and_then(|name| name.account)
            }
        };
        let id = id.ok_or_else(|| Failure::new(Code::NotFound, "there is no account with this login"))?;
        let disabled = self.parts.access.read(|table| table.account(id).map(|account| account.disabled));
        match disabled {
            None if giving => Err(Failure::new(Code::NotFound, "there is no account with this id")),
            Some(true) if giving => {
                Err(Failure::new(Code::Conflict, "this account is disabled: enable it first"))
            }
            Some(_) | None => Ok(id),
        }
    }
}
