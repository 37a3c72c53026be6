//! Custom roles, who holds them, and who is an administrator.

use std::collections::BTreeSet;

use names::{AccountId, GroupId, RoleCategory, RoleId, RoleLevels};
use proto::event::v1 as stored;

use super::{Folded, level, text};
use crate::snapshot::stored_level;
use crate::table::Table;
use crate::{Role, Subject};

impl Table {
    pub(crate) fn fold_role(
        &mut self,
        event: &stored::RoleCreated,
        holders: BTreeSet<Subject>,
    ) -> Folded<()> {
        let role = Role {
            id: RoleId::from_bytes(&event.role_id).map_err(text)?,
            name: event.name.as_str().into(),
            description: event.description.as_str().into(),
            levels: levels(&event.levels)?,
            holders,
        };
        if self.role(role.id).is_none() {
            self.put_role(role);
        }
        Ok(())
    }

    pub(super) fn fold_role_changed(&mut self, event: &stored::RoleChanged) -> Folded<()> {
        let levels = levels(&event.after)?;
        self.change_role(RoleId::from_bytes(&event.role_id).map_err(text)?, |role| {
            role.name = event.name.as_str().into();
            role.description = event.description.as_str().into();
            role.levels = levels;
        });
        Ok(())
    }

    pub(super) fn fold_role_held(
        &mut self,
        id: &[u8],
        holder: Option<&stored::RoleHolder>,
        held: bool,
    ) -> Folded<()> {
        let holder = role_holder(holder)?;
        match (RoleId::from_bytes(id).map_err(text)?, holder) {
            (RoleId::ADMIN, Subject::Account(account)) => {
                let account =
                    self.accounts.get_mut(&account).ok_or("an account administers that was never made")?;
                account.admin = held;
            }
            (id, holder) => self.change_role(id, |role| {
                match held {
                    true => role.holders.insert(holder),
                    false => role.holders.remove(&holder),
                };
            }),
        }
        Ok(())
    }

    pub(super) fn fold_role_deleted(&mut self, id: &[u8]) -> Folded<()> {
        self.remove_role(RoleId::from_bytes(id).map_err(text)?);
        Ok(())
    }
}

/// Who holds a role.
pub(crate) fn role_holder(holder: Option<&stored::RoleHolder>) -> Folded<Subject> {
    match holder.and_then(|holder| holder.holder.as_ref()) {
        Some(stored::role_holder::Holder::AccountId(id)) => {
            AccountId::from_bytes(id).map(Subject::Account).map_err(text)
        }
        Some(stored::role_holder::Holder::GroupId(id)) => {
            GroupId::from_bytes(id).map(Subject::Group).map_err(text)
        }
        None => Err("a role that is held by nobody this version knows".into()),
    }
}

/// What a role gives. A category unknown to this version would give too little, so the fold stops.
fn levels(stored: &[stored::RoleLevel]) -> Folded<RoleLevels> {
    stored.iter().try_fold(RoleLevels::default(), |levels, it| {
        let level = if it.level == i32::from(stored::Level::None) { None } else { Some(level(it.level)?) };
        Ok(levels.with(category(it.category())?, level))
    })
}

fn category(stored: stored::RoleCategory) -> Folded<RoleCategory> {
    Ok(match stored {
        stored::RoleCategory::Channels => RoleCategory::Channels,
        stored::RoleCategory::ChannelGroups => RoleCategory::ChannelGroups,
        stored::RoleCategory::Subchannels => RoleCategory::Subchannels,
        stored::RoleCategory::SubchannelGroups => RoleCategory::SubchannelGroups,
        stored::RoleCategory::Artifacts => RoleCategory::Artifacts,
        stored::RoleCategory::AuditLog => RoleCategory::AuditLog,
        stored::RoleCategory::Roles => RoleCategory::Roles,
        stored::RoleCategory::Unspecified => {
            return Err("a role with a category unknown to this version; update before going on".into());
        }
    })
}

/// What a role gives, as it is stored.
pub(crate) fn levels_to_stored(levels: &RoleLevels) -> Vec<stored::RoleLevel> {
    let category = |category| match category {
        RoleCategory::Channels => stored::RoleCategory::Channels,
        RoleCategory::ChannelGroups => stored::RoleCategory::ChannelGroups,
        RoleCategory::Subchannels => stored::RoleCategory::Subchannels,
        RoleCategory::SubchannelGroups => stored::RoleCategory::SubchannelGroups,
        RoleCategory::Artifacts => stored::RoleCategory::Artifacts,
        RoleCategory::AuditLog => stored::RoleCategory::AuditLog,
        RoleCategory::Roles => stored::RoleCategory::Roles,
    };
    let given = |(of, level)| stored::RoleLevel { category: category(of).into(), level: stored_level(level) };
    levels.given().map(given).collect()
}
