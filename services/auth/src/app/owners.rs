//! Who owns an organisation or a service account.

use access::Action;
use names::{AccountId, Login};
use proto::event::v1::AccountKind;
use runtime::{Code, Failure};

use super::{App, Changed, ShownAccount};
use crate::call::Call;
use crate::domain::account::{Command, MAX_OWNERS, Refusal};
use crate::receipt::Change;

impl App {
    /// Replaces the owners. Whoever is no longer among them loses what they held through it, everywhere, when this
    /// returns.
    pub async fn set_owners(
        &self,
        call: &Call,
        login: &Login,
        owners: &[Login],
    ) -> Result<Changed<ShownAccount>, Failure> {
        let target = self.target(call, Some(login), Action::AccountOwners).await?;
        let owners = self.people(owners).await?;
        let command = Command::SetOwners { owners };
        self.change(call, target, Action::AccountOwners, command, Change::Restricts).await
    }

    /// The people with these logins.
    pub(super) async fn people(&self, logins: &[Login]) -> Result<Vec<AccountId>, Failure> {
        if logins.len() > MAX_OWNERS {
            return Err(Refusal::TooManyOwners.into());
        }
        let mut people = Vec::with_capacity(logins.len());
        for login in logins {
            let found = self.account_named(login).await?;
            let id =
                found.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no account {login}")))?;
            let kind = self.view.read(|table| table.account(id).map(|account| account.kind));
            if kind != Some(AccountKind::Person) {
                let message =
                    format!("{login} is no person: only people own organisations and service accounts");
                return Err(Failure::new(Code::Invalid, message));
            }
            people.push(id);
        }
        Ok(people)
    }
}
