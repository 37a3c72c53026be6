//! Roles on the wire.

use std::collections::BTreeSet;

use names::{Login, RoleLevels, RoleName};
use proto::auth::v1 as api;
use proto::event::v1::{Level, RoleLevel};
use runtime::{Code, Failure};

use super::parse;
use crate::app::{Changed, Holder, RoleChanges, ShownRole, Whom};
use crate::events::role::{category, levels as read_levels, levels_to_stored};

pub(super) fn name(text: &str) -> Result<RoleName, Failure> {
    RoleName::parse(text).map_err(parse::invalid)
}

/// One level for each category, that its category has.
pub(super) fn levels(given: &[RoleLevel]) -> Result<RoleLevels, Failure> {
    let unknown = |_| parse::invalid("a role has none, read, write or manage in each category");
    let mut said = BTreeSet::new();
    for it in given {
        Level::try_from(it.level).map_err(unknown)?;
        let category = category(it.category())
            .ok_or_else(|| parse::invalid("a level of a role needs a category that this server knows"))?;
        if !said.insert(category) {
            return Err(parse::invalid(format!(
                "a role has one level for each category: {category} is given twice"
            )));
        }
    }
    let levels = read_levels(given).map_err(parse::invalid)?;
    let kept = levels_to_stored(&levels);
    match given.iter().find(|it| it.level() != Level::None && !kept.contains(it)) {
        None => Ok(levels),
        Some(_) => Err(parse::invalid("what happened is read and never changed: audit_log has read or none")),
    }
}

pub(super) fn changes(request: &api::ChangeRoleRequest) -> Result<RoleChanges, Failure> {
    Ok(RoleChanges {
        name: request.name.as_deref().map(name).transpose()?,
        description: request.description.clone(),
        levels: request.levels.as_ref().map(|levels| self::levels(&levels.levels)).transpose()?,
    })
}

pub(super) fn whom(request: &api::RoleHolderRequest) -> Result<Whom, Failure> {
    let login = |text: &str| Login::parse(text).map_err(parse::invalid);
    match (request.login.as_str(), request.organisation.as_str(), request.group.as_str()) {
        (name, "", "") if !name.is_empty() => Ok(Whom::Account(login(name)?)),
        ("", organisation, group) if !organisation.is_empty() && !group.is_empty() => {
            Ok(Whom::Group(login(organisation)?, group.to_owned()))
        }
        _ => {
            Err(Failure::new(Code::Invalid, "name either a login, or an organisation and one of its groups"))
        }
    }
}

pub(super) fn role(shown: ShownRole) -> api::Role {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    api::Role {
        id: shown.id.map(|id| id.to_string()).unwrap_or_default(),
        shipped: shown.id.is_none(),
        name: shown.name,
        description: shown.description,
        levels: levels_to_stored(&shown.levels),
        accounts: count(shown.accounts),
        groups: count(shown.groups),
        holders: Vec::new(),
    }
}

pub(super) fn with_holders((shown, holders): (ShownRole, Vec<Holder>)) -> api::Role {
    let holder = |holder| match holder {
        Holder::Account { id, login } => {
            api::Holder { account_id: id.to_string(), login, ..api::Holder::default() }
        }
        Holder::Group { id, organisation, name } => {
            api::Holder { group_id: id.to_string(), organisation, group: name, ..api::Holder::default() }
        }
    };
    api::Role { holders: holders.into_iter().map(holder).collect(), ..role(shown) }
}

pub(super) fn changed(changed: Changed<ShownRole>) -> api::RoleReply {
    api::RoleReply { role: Some(role(changed.shown)), authz_seq: changed.seq, receipt: Some(changed.receipt) }
}
