//! Levels, given to accounts and to groups: on a channel here, on single packages beside it.

use access::{Action, Caller, Object};
use eventlog::subject;
use names::{AccountId, ChannelId, Level, Login, Subject};
use runtime::{Code, Failure};

use super::{Asker, Catalog, ChannelChange, GroupRef, caller::account, failures};
use crate::domain::channel::{self, Command};

/// Whose level it is.
#[derive(Debug, Clone)]
pub enum Grantee {
    Id(AccountId),
    Login(Login),
    Group(GroupRef),
}

impl Catalog {
    /// Gives an account or a group a level, or takes it away. Where less is left, it returns when every gateway knows,
    /// or says who does not.
    pub async fn grant_channel(
        &self,
        asker: &Asker,
        name: &str,
        grantee: Grantee,
        level: Option<Level>,
    ) -> Result<ChannelChange, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::GrantEdit, name)?;
        let subject = self.subject_of(&caller, id, &grantee, level.is_some()).await?;
        let mut restricting = false;
        let decide = |channel: Option<&channel::Channel>| {
            self.check(&asker.credential, Action::GrantEdit, &Object::Channel(id))?;
            let events = channel::decide(channel, Command::Grant { subject, level })?;
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

    /// Whom a level is given to, or taken from.
    pub(super) async fn subject_of(
        &self,
        caller: &Caller,
        channel: ChannelId,
        grantee: &Grantee,
        giving: bool,
    ) -> Result<Subject, Failure> {
        match grantee {
            Grantee::Id(id) => self.usable(Some(*id), giving).map(Subject::Account),
            Grantee::Login(login) => self.account_of(login, giving).await.map(Subject::Account),
            Grantee::Group(which) => self.group_of(caller, channel, which).await,
        }
    }

    /// A group of the channel's owner, or of an organisation whose groups the caller knows: of others, nothing is told.
    async fn group_of(
        &self,
        caller: &Caller,
        channel: ChannelId,
        which: &GroupRef,
    ) -> Result<Subject, Failure> {
        let organisation = self.account_named(&which.organisation).await?;
        let group = self.parts.access.read(|table| {
            let organisation = organisation?;
            let owns = table.channel(channel).is_some_and(|channel| channel.owner == organisation);
            let knows = account(caller).is_some_and(|account| table.knows_groups(account, organisation));
            let group = table.group_named(organisation, which.name.as_str());
            group.filter(|_| owns || knows).map(|group| Subject::Group(group.id))
        });
        group.ok_or_else(|| {
            let GroupRef { organisation, name } = which;
            Failure::new(
                Code::NotFound,
                format!("{organisation} has no group called {name} that you know of"),
            )
        })
    }

    /// The account that has this login, whoever asks.
    pub(super) async fn account_named(&self, login: &Login) -> Result<Option<AccountId>, Failure> {
        let name = self.names.fresh(&subject::name(login.as_str())).await;
        Ok(name.map_err(failures::of_log)?.1.and_then(|name| name.account))
    }

    /// The account that is to be given something, or to be taken something from.
    pub(super) async fn account_of(&self, login: &Login, giving: bool) -> Result<AccountId, Failure> {
        self.usable(self.account_named(login).await?, giving)
    }

    /// A level can be taken from an account whatever became of it.
    fn usable(&self, id: Option<AccountId>, giving: bool) -> Result<AccountId, Failure> {
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
