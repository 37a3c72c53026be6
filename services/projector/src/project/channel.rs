//! Channels and who may read them. A deleted channel stays as a row: its id is never used again.

use std::collections::BTreeMap;

use names::{AccountId, ChannelId, GroupId, Level, PackageId, Privacy, Subject};
use proto::event::v1::{
    self as stored, Access, AccessChanged, ChannelCreated, ChannelDeleted, ChannelDescribed, IndexingChanged,
    LabelLockChanged,
    access::Access as Kind,
    access_changed::{Object, Subject as To},
};
use readmodel::write::{ChannelRow, Rows};
use serde_json::{Value, json};

use super::{
    Context, Folded,
    context::{change, text},
};

pub(crate) fn created(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &ChannelCreated,
) -> Folded<()> {
    let id = channel_id(&event.channel_id)?;
    if rows.channels.contains_key(&id) {
        return Ok(());
    }
    let parent_id = match event.parent_id.as_slice() {
        [] => None,
        parent => Some(channel_id(parent)?),
    };
    let above = parent_id.and_then(|parent| rows.channels.get(&parent));
    let channel = ChannelRow {
        name: match above {
            Some(above) => format!("{}/{}", above.name, text(&event.name)),
            None => text(&event.name),
        },
        parent_id,
        owner_id: AccountId::from_bytes(&event.owner_id).map_err(|error| error.to_string())?,
        privacy: privacy(event.privacy)?,
        description: text(&event.description),
        grants: BTreeMap::new(),
        created_at: context.at,
        deleted_at: None,
        seq: context.seq,
    };
    let summary = change(None, Some(shown(&channel)));
    rows.history.push(context.history(id, part, "channel_created", &summary));
    rows.channels.insert(id, channel);
    Ok(())
}

pub(crate) fn described(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &ChannelDescribed,
) -> Folded<()> {
    let id = channel_id(&event.channel_id)?;
    if let Some(channel) = rows.channels.get_mut(&id) {
        let before = std::mem::replace(&mut channel.description, text(&event.description));
        let summary = change(
            Some(json!({ "description": before })),
            Some(json!({ "description": channel.description })),
        );
        rows.history.push(context.history(id, part, "channel_described", &summary));
    }
    Ok(())
}

pub(crate) fn deleted(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &ChannelDeleted,
) -> Folded<()> {
    let id = channel_id(&event.channel_id)?;
    if let Some(channel) = rows.channels.get_mut(&id).filter(|channel| channel.deleted_at.is_none()) {
        channel.deleted_at = Some(context.at);
        let summary = change(Some(shown(channel)), None);
        rows.history.push(context.history(id, part, "channel_deleted", &summary));
    }
    Ok(())
}

/// Locks decide what may be changed and not what is shown, so only the history holds them.
pub(crate) fn label_lock(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &LabelLockChanged,
) -> Folded<()> {
    let id = channel_id(&event.channel_id)?;
    if rows.channels.contains_key(&id) {
        let shown = |locked: bool| json!({ "label": text(&event.label), "locked": locked });
        let summary = change(Some(shown(!event.locked)), Some(shown(event.locked)));
        rows.history.push(context.history(id, part, "label_lock_changed", &summary));
    }
    Ok(())
}

/// Freezing decides what may be changed and not what is shown, so only the history holds it.
pub(crate) fn indexing(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &IndexingChanged,
) -> Folded<()> {
    let id = channel_id(&event.channel_id)?;
    if rows.channels.contains_key(&id) {
        let word = |indexing: stored::Indexing| match indexing {
            stored::Indexing::Default => "default",
            stored::Indexing::Frozen => "frozen",
        };
        let shown = |indexing| json!({ "indexing_behavior": word(indexing) });
        let summary = change(Some(shown(event.before())), Some(shown(event.after())));
        rows.history.push(context.history(id, part, "indexing_changed", &summary));
    }
    Ok(())
}

pub(crate) fn access_changed(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &AccessChanged,
) -> Folded<()> {
    let after = match event.after.as_ref().and_then(|after| after.access) {
        Some(Kind::Privacy(after)) => Some(privacy(after)?),
        Some(Kind::Level(_)) | None => None,
    };
    let for_everyone = matches!(event.subject, Some(To::Everyone(_)));
    let (id, package) = match &event.object {
        Some(Object::ChannelId(id)) => {
            let id = channel_id(id)?;
            if let (Some(channel), Some(after), true) = (rows.channels.get_mut(&id), after, for_everyone) {
                channel.privacy = after;
            }
            if let Some(channel) = rows.channels.get_mut(&id) {
                give(&mut channel.grants, event)?;
            }
            (id, None)
        }
        Some(Object::PackageId(id)) => {
            let package_id = PackageId::from_bytes(id).map_err(|error| error.to_string())?;
            let Some(package) = rows.packages.get_mut(&package_id) else { return Ok(()) };
            if let (Some(after), true) = (after, for_everyone) {
                package.private = after == Privacy::Private;
            }
            give(&mut package.grants, event)?;
            (package.channel_id, Some(package_id))
        }
        None => return Err("access changed for an object that this release does not know".into()),
    };
    let summary = access_summary(event, package)?;
    rows.history.push(context.history(id, part, "access_changed", &summary));
    Ok(())
}

/// Gives an account or a group a level, or takes it away.
fn give(grants: &mut BTreeMap<Subject, Level>, event: &AccessChanged) -> Folded<()> {
    let after = event.after.as_ref().and_then(|after| after.access);
    let (Some(subject), Some(Kind::Level(after))) = (subject(event)?, after) else { return Ok(()) };
    match stored::Level::try_from(after).map_err(|error| error.to_string())? {
        stored::Level::None => grants.remove(&subject),
        stored::Level::Read => grants.insert(subject, Level::Read),
        stored::Level::Write => grants.insert(subject, Level::Write),
        stored::Level::Manage => grants.insert(subject, Level::Manage),
    };
    Ok(())
}

/// Whom it is given to; nobody if it is for everyone.
fn subject(event: &AccessChanged) -> Folded<Option<Subject>> {
    match event.subject.as_ref() {
        Some(To::AccountId(id)) => {
            Ok(Some(Subject::Account(AccountId::from_bytes(id).map_err(|error| error.to_string())?)))
        }
        Some(To::GroupId(id)) => {
            Ok(Some(Subject::Group(GroupId::from_bytes(id).map_err(|error| error.to_string())?)))
        }
        Some(To::Everyone(_)) | None => Ok(None),
    }
}

fn access_summary(event: &AccessChanged, package: Option<PackageId>) -> Folded<Value> {
    let mut summary = serde_json::Map::new();
    match subject(event)? {
        Some(Subject::Account(id)) => drop(summary.insert("account_id".into(), json!(id.to_string()))),
        Some(Subject::Group(id)) => drop(summary.insert("group_id".into(), json!(id.to_string()))),
        None => {}
    }
    summary.insert("after".into(), access(event.after.as_ref())?);
    summary.insert("before".into(), access(event.before.as_ref())?);
    if let Some(package) = package {
        summary.insert("package_id".into(), json!(package.to_string()));
    }
    Ok(Value::Object(summary))
}

fn access(access: Option<&Access>) -> Folded<Value> {
    Ok(match access.and_then(|access| access.access) {
        Some(Kind::Privacy(found)) => json!({ "privacy": privacy(found)?.as_str() }),
        Some(Kind::Level(level)) => {
            let level = stored::Level::try_from(level).map_err(|error| error.to_string())?;
            json!({ "level": level.as_str_name().trim_start_matches("LEVEL_").to_lowercase() })
        }
        None => Value::Null,
    })
}

fn shown(channel: &ChannelRow) -> Value {
    json!({
        "description": channel.description,
        "name": channel.name,
        "owner_id": channel.owner_id.to_string(),
        "privacy": channel.privacy.as_str(),
    })
}

fn channel_id(bytes: &[u8]) -> Folded<ChannelId> {
    ChannelId::from_bytes(bytes).map_err(|error| error.to_string())
}

fn privacy(privacy: i32) -> Folded<Privacy> {
    match stored::Privacy::try_from(privacy).map_err(|error| error.to_string())? {
        stored::Privacy::Public => Ok(Privacy::Public),
        stored::Privacy::Authenticated => Ok(Privacy::Authenticated),
        stored::Privacy::Private => Ok(Privacy::Private),
        stored::Privacy::Unspecified => Err("a privacy that this release does not know".into()),
    }
}
