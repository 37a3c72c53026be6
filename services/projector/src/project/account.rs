//! Accounts: what they are and whether they work. No login, no password, nothing personal.

use names::AccountId;
use proto::event::v1::{AccountCreated, AccountKind};
use readmodel::write::{AccountRow, Rows};

use super::{Context, Folded};

pub(crate) fn created(rows: &mut Rows, context: &Context<'_>, event: &AccountCreated) -> Folded<()> {
    let kind = match event.kind() {
        AccountKind::Person => "person",
        AccountKind::Organisation => "organisation",
        AccountKind::Unspecified => return Err("an account of a kind that this release does not know".into()),
    };
    let owners = event.owner_ids.iter().map(|id| AccountId::from_bytes(id)).collect::<Result<_, _>>();
    let account = AccountRow {
        kind: kind.into(),
        admin: event.admin,
        disabled: false,
        owners: owners.map_err(|error| error.to_string())?,
        created_at: context.at,
        seq: context.seq,
    };
    let id = AccountId::from_bytes(&event.account_id).map_err(|error| error.to_string())?;
    rows.accounts.entry(id).or_insert(account);
    Ok(())
}

pub(crate) fn disabled(rows: &mut Rows, id: &[u8], disabled: bool) -> Folded<()> {
    let id = AccountId::from_bytes(id).map_err(|error| error.to_string())?;
    let account = rows.accounts.get_mut(&id).ok_or("the account was never made")?;
    account.disabled = disabled;
    Ok(())
}
