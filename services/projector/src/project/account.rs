//! Accounts: what they are and whether they work. No login, no password, nothing personal.

use std::collections::BTreeSet;

use names::{AccountId, RoleId};
use proto::event::v1::{AccountCreated, AccountKind, OwnersChanged, RoleHolder, role_holder::Holder};
use readmodel::write::{AccountRow, Rows};

use super::{Context, Folded};

pub(crate) fn created(rows: &mut Rows, context: &Context<'_>, event: &AccountCreated) -> Folded<()> {
    let kind = match event.kind() {
        AccountKind::Person => "person",
        AccountKind::Organisation => "organisation",
        AccountKind::ServiceAccount => "service_account",
        AccountKind::Unspecified => return Err("an account of a kind that this release does not know".into()),
    };
    let account = AccountRow {
        kind: kind.into(),
        admin: event.admin,
        disabled: false,
        owners: ids(&event.owner_ids)?,
        created_at: context.at,
        seq: context.seq,
    };
    let id = AccountId::from_bytes(&event.account_id).map_err(|error| error.to_string())?;
    rows.accounts.entry(id).or_insert(account);
    Ok(())
}

pub(crate) fn owners(rows: &mut Rows, event: &OwnersChanged) -> Folded<()> {
    let id = AccountId::from_bytes(&event.account_id).map_err(|error| error.to_string())?;
    let account = rows.accounts.get_mut(&id).ok_or("the account was never made")?;
    account.owners = ids(&event.owner_ids)?;
    Ok(())
}

fn ids(owners: &[Vec<u8>]) -> Folded<BTreeSet<AccountId>> {
    owners.iter().map(|id| AccountId::from_bytes(id).map_err(|error| error.to_string())).collect()
}

pub(crate) fn disabled(rows: &mut Rows, id: &[u8], disabled: bool) -> Folded<()> {
    let id = AccountId::from_bytes(id).map_err(|error| error.to_string())?;
    let account = rows.accounts.get_mut(&id).ok_or("the account was never made")?;
    account.disabled = disabled;
    Ok(())
}

/// The account that is given the role admin, or from which it is taken; nobody, if it is another role.
pub(crate) fn appointed<'a>(role: &[u8], holder: Option<&'a RoleHolder>) -> Option<&'a [u8]> {
    match holder?.holder.as_ref()? {
        Holder::AccountId(id) if RoleId::from_bytes(role) == Ok(RoleId::ADMIN) => Some(id),
        Holder::AccountId(_) | Holder::GroupId(_) => None,
    }
}

pub(crate) fn role(rows: &mut Rows, role: &[u8], holder: Option<&RoleHolder>, held: bool) -> Folded<()> {
    let Some(id) = appointed(role, holder) else { return Ok(()) };
    let id = AccountId::from_bytes(id).map_err(|error| error.to_string())?;
    let account = rows.accounts.get_mut(&id).ok_or("the account was never made")?;
    account.admin = held;
    Ok(())
}
