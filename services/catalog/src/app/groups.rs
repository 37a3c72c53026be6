//! Groups of organisations: made, changed and deleted by their owners. What leaves a group holds nothing through it any
//! more: such a change returns like a revocation.

use std::collections::BTreeSet;

use access::{Action, Caller, Object};
use eventlog::subject;
use names::{AccountId, GroupId, GroupName, Level, Login};
use proto::event::v1::AccountKind;
use proto::feed::v1::Receipt;
use runtime::{Code, Failure};

use super::{Asker, Catalog, caller::account, failures};
use crate::domain::group::{self, Command, Event, Groups};

/// Which group is meant.
#[derive(Debug, Clone)]
pub struct GroupRef {
    pub organisation: Login,
    pub name: GroupName,
}

/// A group to be.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub which: GroupRef,
    pub description: String,
    pub level: Level,
}

/// What of a group is to change.
#[derive(Debug, Clone, Default)]
pub struct GroupChanges {
    pub name: Option<GroupName>,
    pub description: Option<String>,
    pub level: Option<Level>,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub struct GroupChange {
    pub group: group::Group,
    pub authz_seq: u64,
    pub receipt: Receipt,
}

impl Catalog {
    /// Makes a group in an organisation.
    pub async fn create_group(&self, asker: &Asker, new: NewGroup) -> Result<GroupChange, Failure> {
        let (caller, organisation) = self.organisation(asker, &new.which.organisation).await?;
        let id = GroupId(self.parts.ambient.ids.uuid());
        let command = |_: &Groups| {
            Ok(Command::Create {
                id,
                organisation,
                name: new.which.name.clone(),
                description: new.description.clone(),
                level: new.level,
            })
        };
        self.change_groups(asker, &caller, organisation, Some(id), command, false).await
    }

    /// Changes name, description or level of a group.
    pub async fn set_group(
        &self,
        asker: &Asker,
        which: &GroupRef,
        changes: GroupChanges,
    ) -> Result<GroupChange, Failure> {
        let (caller, organisation) = self.organisation(asker, &which.organisation).await?;
        let command = |groups: &Groups| {
            let id = groups.find(&which.name).ok_or_else(|| no_group(which))?;
            let GroupChanges { name, description, level } = changes.clone();
            Ok(Command::Change { id, name, description, level })
        };
        self.change_groups(asker, &caller, organisation, None, command, false).await
    }

    /// Puts accounts into a group and takes accounts out of it.
    pub async fn change_members(
        &self,
        asker: &Asker,
        which: &GroupRef,
        (add, remove): (&[Login], &[Login]),
    ) -> Result<GroupChange, Failure> {
        let (caller, organisation) = self.organisation(asker, &which.organisation).await?;
        if add.len() + remove.len() > group::MAX_CHANGED {
            return Err(group::Refusal::TooManyMembers.into());
        }
        let (add, remove) = (self.accounts_of(add, true).await?, self.accounts_of(remove, false).await?);
        let restricting = !remove.is_empty();
        let command = |groups: &Groups| {
            let id = groups.find(&which.name).ok_or_else(|| no_group(which))?;
            Ok(Command::Members { id, add: add.clone(), remove: remove.clone() })
        };
        self.change_groups(asker, &caller, organisation, None, command, restricting).await
    }

    /// Deletes a group: whatever it was given is given to nobody.
    pub async fn delete_group(&self, asker: &Asker, which: &GroupRef) -> Result<GroupChange, Failure> {
        let (caller, organisation) = self.organisation(asker, &which.organisation).await?;
        let command = |groups: &Groups| {
            // A repeat finds it gone.
            let id = groups.find(&which.name).or_else(|| groups.find_deleted(&which.name));
            Ok(Command::Delete { id: id.ok_or_else(|| no_group(which))? })
        };
        self.change_groups(asker, &caller, organisation, None, command, true).await
    }

    /// Lets a command be decided. `restricting`: a repeat that finds its effect present waits like the first try.
    async fn change_groups(
        &self,
        asker: &Asker,
        caller: &Caller,
        organisation: AccountId,
        new: Option<GroupId>,
        command: impl Fn(&Groups) -> Result<Command, Failure> + Sync,
        restricting: bool,
    ) -> Result<GroupChange, Failure> {
        let mut about = new;
        let mut restricts = false;
        let none = Groups::default();
        let decide = |groups: Option<&Groups>| {
            self.check(&asker.credential, Action::GroupEdit, &Object::Account(organisation))?;
            let command = command(groups.unwrap_or(&none))?;
            about = Some(command.group());
            let events = group::decide(groups, command)?;
            restricts = restricting && events.is_empty() || events.iter().any(Event::restricts);
            Ok::<_, Failure>(events)
        };
        let done = self.groups.execute(&subject::groups(organisation), &self.meta(caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let group = done.state.as_ref().zip(about).and_then(|(groups, id)| groups.any(id).cloned());
        let group = group.ok_or_else(|| Failure::from(group::Refusal::Gone))?;
        let receipt = self.access_receipt(done.seq, restricts, asker).await;
        Ok(GroupChange { group, authz_seq: done.seq, receipt })
    }

    /// The organisation, if the caller may change its groups. That there is none is told to those whose credential is
    /// good for changing groups at all; any of them can look a login up.
    async fn organisation(&self, asker: &Asker, login: &Login) -> Result<(Caller, AccountId), Failure> {
        let now = self.parts.ambient.clock.now();
        let own = self.parts.access.read(|table| account(&table.caller(now, &asker.credential)));
        let own = own.unwrap_or(AccountId(uuid::Uuid::nil()));
        self.check(&asker.credential, Action::GroupEdit, &Object::Account(own))?;
        let absent = || Failure::new(Code::NotFound, format!("there is no organisation called {login}"));
        let id = self.account_named(login).await?.ok_or_else(absent)?;
        let caller = self.check(&asker.credential, Action::GroupEdit, &Object::Account(id))?;
        let kind = self.parts.access.read(|table| table.account(id).map(|account| account.kind));
        match kind {
            Some(AccountKind::Organisation) => Ok((caller, id)),
            Some(_) | None => Err(absent()),
        }
    }

    async fn accounts_of(&self, logins: &[Login], joining: bool) -> Result<BTreeSet<AccountId>, Failure> {
        let mut accounts = BTreeSet::new();
        for login in logins {
            accounts.insert(self.account_of(login, joining).await?);
        }
        Ok(accounts)
    }
}

fn no_group(which: &GroupRef) -> Failure {
    let GroupRef { organisation, name } = which;
    Failure::new(Code::NotFound, format!("{organisation} has no group called {name}"))
}
