//! Roles: shown, made, changed, assigned and taken away. Nobody gives by a role what they do not hold themselves.

use std::collections::BTreeSet;

use access::{Action, Caller, Object, Table};
use eventlog::subject;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use names::{AccountId, GroupId, Login, RoleId, RoleLevels, RoleName, Subject};
use proto::event::v1::AccountKind;
use runtime::{Code, Failure};

use super::lookup::account_of;
use super::outcome::{unexecuted, unread};
use super::{App, Changed};
use crate::call::Call;
use crate::domain::role::{self, Command, Event, Roles};
use crate::receipt::Change;

/// Accounts read at a time for one answer.
const READS_AT_A_TIME: usize = 16;

/// A role as it is listed.
#[derive(Debug, Clone)]
pub struct ShownRole {
    /// None have the shipped ones.
    pub id: Option<RoleId>,
    pub name: String,
    pub description: String,
    /// What it gives everywhere.
    pub levels: RoleLevels,
    pub accounts: usize,
    pub groups: usize,
}

/// Who holds a role.
#[derive(Debug, Clone)]
pub enum Holder {
    Account { id: AccountId, login: String },
    Group { id: GroupId, organisation: String, name: String },
}

/// Whom a role is given to or taken from.
#[derive(Debug, Clone)]
pub enum Whom {
    Account(Login),
    Group(Login, String),
}

/// What of a role is to change.
#[derive(Debug, Clone, Default)]
pub struct RoleChanges {
    pub name: Option<RoleName>,
    pub description: Option<String>,
    pub levels: Option<RoleLevels>,
}

/// A role that is given and taken.
#[derive(Debug, Clone, Copy)]
enum Which {
    Admin,
    Custom(RoleId),
}

impl App {
    /// All roles, the shipped ones first.
    pub fn list_roles(&self, call: &Call) -> Result<Vec<ShownRole>, Failure> {
        self.allow(call, Action::RoleView, &Object::Server)?;
        let mut custom: Vec<_> =
            self.view.read(|table| table.roles().map(|role| shown(table, role)).collect());
        custom.sort_by_key(|role| role.name.to_ascii_lowercase());
        Ok(self.shipped().into_iter().chain(custom).collect())
    }

    /// One role with those who hold it; of everyone and author, that is nobody in particular.
    pub async fn show_role(&self, call: &Call, name: &str) -> Result<(ShownRole, Vec<Holder>), Failure> {
        self.allow(call, Action::RoleView, &Object::Server)?;
        let shipped = self.shipped().into_iter().find(|role| role.name.eq_ignore_ascii_case(name));
        let found = self.view.read(|table| match shipped {
            Some(role) if role.name == RoleName::ADMIN => {
                Some((role, admins(table).map(Subject::Account).collect::<Vec<_>>()))
            }
            Some(role) => Some((role, Vec::new())),
            None => {
                let role = named(table, name)?;
                Some((shown(table, role), role.holders.iter().copied().collect()))
            }
        });
        let (role, holders) = found.ok_or_else(|| no_such(name))?;
        let holders = stream::iter(holders).map(|holder| self.holder(holder)).buffered(READS_AT_A_TIME);
        let holders: Vec<_> = holders.try_collect().await?;
        Ok((role, holders.into_iter().flatten().collect()))
    }

    /// The roles that an account holds, by name: author too, which whoever is signed in has.
    pub(super) fn roles_of(&self, account: AccountId) -> Vec<String> {
        self.view.read(|table| {
            let admin = table.account(account).is_some_and(|account| account.admin);
            let mut custom: Vec<String> = table.roles_of(account).map(|role| role.name.to_string()).collect();
            custom.sort();
            let shipped = [Some(RoleName::AUTHOR), admin.then_some(RoleName::ADMIN)].into_iter().flatten();
            shipped.map(ToOwned::to_owned).chain(custom).collect()
        })
    }

    /// Makes a role that nobody holds yet.
    pub async fn create_role(
        &self,
        call: &Call,
        name: RoleName,
        description: String,
        levels: RoleLevels,
    ) -> Result<Changed<ShownRole>, Failure> {
        let id = RoleId(self.ambient.ids.uuid());
        let command = |caller: &Caller, _: Option<&Roles>| {
            self.within_own(caller, &levels)?;
            let (name, description) = (name.clone(), description.clone());
            Ok(Command::Create { id, name, description, levels })
        };
        self.change_role(call, Which::Custom(id), command).await
    }

    /// Changes what is given. Where somebody may do less afterwards, it returns like a revocation.
    pub async fn edit_role(
        &self,
        call: &Call,
        which: &str,
        changes: RoleChanges,
    ) -> Result<Changed<ShownRole>, Failure> {
        let id = self.custom(call, which)?;
        let command = |caller: &Caller, _: Option<&Roles>| {
            self.within_own(caller, &changes.levels.unwrap_or_default())?;
            let RoleChanges { name, description, levels } = changes.clone();
            Ok(Command::Change { id, name, description, levels })
        };
        self.change_role(call, Which::Custom(id), command).await
    }

    /// It is gone from all who hold it, everywhere, when this returns.
    pub async fn delete_role(&self, call: &Call, which: &str) -> Result<Changed<ShownRole>, Failure> {
        let id = self.custom(call, which)?;
        self.change_role(call, Which::Custom(id), |_, _| Ok(Command::Delete { id })).await
    }

    /// Gives a role to an account or to the members of a group.
    pub async fn assign_role(
        &self,
        call: &Call,
        which: &str,
        to: Whom,
    ) -> Result<Changed<ShownRole>, Failure> {
        let which = self.assignable(call, which)?;
        let holder = self.holder_named(&to).await?;
        let command = |caller: &Caller, roles: Option<&Roles>| match which {
            Which::Admin => self.appointment(caller, holder),
            Which::Custom(id) => {
                self.can_sign_in(holder)?;
                let role = roles.and_then(|roles| roles.get(id)).ok_or(role::Refusal::Gone)?;
                self.within_own(caller, &role.levels)?;
                Ok(Command::Assign { id, holder })
            }
        };
        self.change_role(call, which, command).await
    }

    /// Takes a role away; it is without effect everywhere when this returns.
    pub async fn unassign_role(
        &self,
        call: &Call,
        which: &str,
        from: Whom,
    ) -> Result<Changed<ShownRole>, Failure> {
        let which = self.assignable(call, which)?;
        let holder = self.holder_named(&from).await?;
        let command = |caller: &Caller, _: Option<&Roles>| match (which, holder) {
            (Which::Custom(id), holder) => Ok(Command::Unassign { id, holder }),
            (Which::Admin, Subject::Account(account)) => {
                self.administers(caller)?;
                let able = self.view.read(|table| admins(table).collect());
                Ok(Command::Dismiss { account, able })
            }
            (Which::Admin, Subject::Group(_)) => Err(people_only()),
        };
        self.change_role(call, which, command).await
    }

    async fn change_role(
        &self,
        call: &Call,
        which: Which,
        command: impl Fn(&Caller, Option<&Roles>) -> Result<Command, Failure> + Send + Sync,
    ) -> Result<Changed<ShownRole>, Failure> {
        let caller = self.allow(call, Action::RoleEdit, &Object::Server)?;
        let meta = self.meta_of(call, &caller);
        let mut restricts = false;
        let decide = |roles: Option<&Roles>| {
            let caller = self.allow(call, Action::RoleEdit, &Object::Server)?;
            let command = command(&caller, roles)?;
            let widens =
                matches!(command, Command::Create { .. } | Command::Assign { .. } | Command::Appoint { .. });
            let events = role::decide(roles, command)?;
            // A repeat finds its effect present, and its first try may never have got its receipt.
            restricts = events.is_empty() && !widens || events.iter().any(Event::restricts);
            Ok::<_, Failure>(events)
        };
        let done = self.roles.execute(&subject::roles(), &meta, decide).await.map_err(unexecuted)?;
        let change = if restricts { Change::Restricts } else { Change::Widens };
        let changed = self.settle(call, done.seq, change, ()).await;
        let shown = match which {
            Which::Admin => self.shipped().into_iter().find(|role| role.name == RoleName::ADMIN),
            Which::Custom(id) => done.state.and_then(|roles| Some(decided(roles.any(id)?))),
        };
        let shown = shown.ok_or_else(|| Failure::from(role::Refusal::Gone))?;
        Ok(Changed { seq: changed.seq, receipt: changed.receipt, shown })
    }

    /// Only an administrator makes another one.
    fn appointment(&self, caller: &Caller, holder: Subject) -> Result<Command, Failure> {
        self.administers(caller)?;
        let Subject::Account(account) = holder else { return Err(people_only()) };
        let found = self.view.read(|table| table.account(account).cloned());
        match found {
            Some(found) if found.kind != AccountKind::Person => Err(people_only()),
            Some(found) if found.disabled => {
                Err(Failure::new(Code::Conflict, "this account is disabled: enable it first"))
            }
            Some(found) => Ok(Command::Appoint { account, is_admin: found.admin }),
            None => Err(Failure::new(Code::NotFound, "there is no such account")),
        }
    }

    fn administers(&self, caller: &Caller) -> Result<(), Failure> {
        let account = account_of(caller);
        let admin = self.view.read(|table| admins(table).any(|admin| Some(admin) == account));
        let refused = || Failure::new(Code::Forbidden, "only administrators give and take the role admin");
        admin.then_some(()).ok_or_else(refused)
    }

    /// Nobody gives what they do not hold.
    fn within_own(&self, caller: &Caller, levels: &RoleLevels) -> Result<(), Failure> {
        let own = account_of(caller).map(|account| self.view.read(|table| table.everywhere(account)));
        let own = own.unwrap_or_default();
        let beyond = levels.given().find(|(category, level)| own.get(*category) < Some(*level));
        match beyond {
            None => Ok(()),
            Some((category, level)) => Err(Failure::new(
                Code::Forbidden,
                format!(
                    "nobody gives by a role what they do not hold everywhere themselves: this needs {category}={level}, \
                     and you hold {category}={}",
                    own.get(category).map_or("none", names::Level::as_str)
                ),
            )),
        }
    }

    /// An organisation has no way to sign in, so a role would be lost on it.
    fn can_sign_in(&self, holder: Subject) -> Result<(), Failure> {
        let Subject::Account(account) = holder else { return Ok(()) };
        let kind = self.view.read(|table| table.account(account).map(|account| account.kind));
        match kind {
            Some(AccountKind::Organisation) => Err(Failure::new(
                Code::Invalid,
                "an organisation does not sign in: assign the role to a person, a service account or one of its groups",
            )),
            Some(AccountKind::Person | AccountKind::ServiceAccount | AccountKind::Unspecified) | None => {
                Ok(())
            }
        }
    }

    /// A custom role by its name or id.
    fn custom(&self, call: &Call, which: &str) -> Result<RoleId, Failure> {
        self.allow(call, Action::RoleEdit, &Object::Server)?;
        if RoleName::is_shipped(which) {
            let words = format!("the role {which} comes with the server and stays as it is");
            return Err(Failure::new(Code::Conflict, words));
        }
        self.view.read(|table| named(table, which).map(|role| role.id)).ok_or_else(|| no_such(which))
    }

    /// A role that is given and taken.
    fn assignable(&self, call: &Call, which: &str) -> Result<Which, Failure> {
        self.allow(call, Action::RoleEdit, &Object::Server)?;
        if which.eq_ignore_ascii_case(RoleName::ADMIN) {
            return Ok(Which::Admin);
        }
        if RoleName::is_shipped(which) {
            let words =
                format!("the role {which} is nobody's to give: all have it who ask or who are signed in");
            return Err(Failure::new(Code::Conflict, words));
        }
        self.custom(call, which).map(Which::Custom)
    }

    async fn holder_named(&self, whom: &Whom) -> Result<Subject, Failure> {
        let (Whom::Account(login) | Whom::Group(login, _)) = whom;
        let absent = || Failure::new(Code::NotFound, format!("there is no account {login}"));
        let account = self.account_named(login).await?.ok_or_else(absent)?;
        let Whom::Group(_, group) = whom else { return Ok(Subject::Account(account)) };
        let found = self.view.read(|table| table.group_named(account, group).map(|group| group.id));
        let absent = || Failure::new(Code::NotFound, format!("{login} has no group called {group}"));
        found.map(Subject::Group).ok_or_else(absent)
    }

    /// A deleted group is nobody.
    async fn holder(&self, holder: Subject) -> Result<Option<Holder>, Failure> {
        match holder {
            Subject::Account(id) => Ok(Some(Holder::Account { id, login: self.login_known(id).await? })),
            Subject::Group(id) => {
                let group = self.view.read(|table| table.group(id).cloned());
                let Some(group) = group else { return Ok(None) };
                let organisation = self.login_known(group.organisation).await?;
                Ok(Some(Holder::Group { id, organisation, name: group.name.into() }))
            }
        }
    }

    /// Empty once it was erased.
    async fn login_known(&self, id: AccountId) -> Result<String, Failure> {
        let (_, account) = self.accounts.load(&subject::owner(id)).await.map_err(unread)?;
        match account {
            Some(account) => self.login_of(&account).await,
            None => Ok(String::new()),
        }
    }

    /// The roles that come with the server.
    fn shipped(&self) -> [ShownRole; 3] {
        let role = |name: &str, description: &str, levels, accounts| ShownRole {
            id: None,
            name: name.to_owned(),
            description: description.to_owned(),
            levels,
            accounts,
            groups: 0,
        };
        let admins = self.view.read(|table| admins(table).count());
        [
            role(
                RoleName::EVERYONE,
                "whoever asks, signed in or not: reads what is public",
                RoleLevels::default(),
                0,
            ),
            role(
                RoleName::AUTHOR,
                "whoever is signed in: makes channels, and manages what is theirs",
                RoleLevels::default(),
                0,
            ),
            role(
                RoleName::ADMIN,
                "manages everything, accounts and their tokens too",
                RoleLevels::all(),
                admins,
            ),
        ]
    }
}

/// The administrators that are not disabled.
fn admins(table: &Table) -> impl Iterator<Item = AccountId> + '_ {
    table.accounts().filter(|account| account.admin && !account.disabled).map(|account| account.id)
}

fn named<'a>(table: &'a Table, which: &str) -> Option<&'a access::Role> {
    match which.parse::<RoleId>() {
        Ok(id) => table.role(id),
        Err(_) => table.role_named(which),
    }
}

fn no_such(which: &str) -> Failure {
    Failure::new(Code::NotFound, format!("there is no role {which}"))
}

fn people_only() -> Failure {
    let words =
        "only people hold the role admin: what a group holds, its organisation's owners could hand on";
    Failure::new(Code::Invalid, words)
}

fn shown(table: &Table, role: &access::Role) -> ShownRole {
    let there = role.holders.iter().filter(|holder| match holder {
        Subject::Account(_) => true,
        Subject::Group(id) => table.group(*id).is_some(),
    });
    let groups = there.filter(|holder| matches!(holder, Subject::Group(_))).count();
    ShownRole {
        id: Some(role.id),
        name: role.name.to_string(),
        description: role.description.to_string(),
        levels: role.levels,
        accounts: accounts(&role.holders),
        groups,
    }
}

fn decided(role: &role::Role) -> ShownRole {
    let accounts = accounts(&role.holders);
    ShownRole {
        id: Some(role.id),
        name: role.name.to_string(),
        description: role.description.clone(),
        levels: role.levels,
        accounts,
        groups: role.holders.len() - accounts,
    }
}

fn accounts(holders: &BTreeSet<Subject>) -> usize {
    holders.iter().filter(|holder| matches!(holder, Subject::Account(_))).count()
}
