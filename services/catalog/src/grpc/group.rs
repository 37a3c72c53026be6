//! Groups between the contract and the use cases.

use names::{GroupName, Level, Login};
use proto::catalog::v1 as api;
use proto::event::v1 as stored;
use runtime::Failure;

use super::invalid;
use crate::app::{GroupChange, GroupChanges, GroupRef, NewGroup};
use crate::events::{level_from_stored, level_to_stored};

pub(super) fn which(group: Option<&api::GroupRequest>) -> Result<GroupRef, Failure> {
    let group = group.ok_or_else(|| invalid("say which group: its organisation's login and its name"))?;
    Ok(GroupRef {
        organisation: Login::parse(&group.organisation).map_err(invalid)?,
        name: GroupName::parse(&group.group).map_err(invalid)?,
    })
}

pub(super) fn new(request: api::CreateGroupRequest) -> Result<NewGroup, Failure> {
    let level = level_from_stored(request.level()).unwrap_or(Level::Read);
    Ok(NewGroup { which: which(request.group.as_ref())?, description: request.description, level })
}

pub(super) fn changes(request: api::SetGroupRequest) -> Result<(GroupRef, GroupChanges), Failure> {
    let level = |number| {
        let level = stored::Level::try_from(number).ok().and_then(level_from_stored);
        level.ok_or_else(|| invalid("a group's level is read, write or manage"))
    };
    let changes = GroupChanges {
        name: request.name.map(|name| GroupName::parse(&name).map_err(invalid)).transpose()?,
        description: request.description,
        level: request.level.map(level).transpose()?,
    };
    Ok((which(request.group.as_ref())?, changes))
}

pub(super) fn members(
    request: api::ChangeMembersRequest,
) -> Result<(GroupRef, Vec<Login>, Vec<Login>), Failure> {
    let logins = |logins: &[String]| -> Result<Vec<Login>, Failure> {
        logins.iter().map(|login| Login::parse(login).map_err(invalid)).collect()
    };
    Ok((which(request.group.as_ref())?, logins(&request.add)?, logins(&request.remove)?))
}

pub(super) fn reply(change: GroupChange) -> api::GroupReply {
    let group = change.group;
    let group = api::Group {
        id: group.id.to_string(),
        organisation_id: group.organisation.to_string(),
        name: group.name.to_string(),
        description: group.description,
        level: level_to_stored(Some(group.level)).into(),
        member_ids: group.members.iter().map(ToString::to_string).collect(),
    };
    api::GroupReply { group: Some(group), authz_seq: change.authz_seq, receipt: Some(change.receipt) }
}
