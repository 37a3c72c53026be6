//! Channels and who may read them. A deleted channel stays as a row: its id is never used again.

use std::collections::BTreeMap;

use names::{AccountId, ChannelId, Level, PackageId, Privacy};
use proto::event::v1::{
    self as stored, Access, AccessChanged, ChannelCreated, ChannelDeleted, ChannelDescribed,
    LabelLockChanged,
    access::Access as Kind,
    access_changed::{Object, Subject},
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
    let channel = ChannelRow {
        name: text(&event.name),
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
    let for_everyone = matches!(event.subject, Some(Subject::Everyone(_)));
    let (id, package) = match &event.object {
        Some(Object::ChannelId(id)) => {
            let id = channel_id(id)?;
            if let (Some(channel), Some(after), true) = (rows.channels.get_mut(&id), after, for_everyone) {
                channel.privacy = after;
            }
            give(rows, id, event)?;
            (id, None)
        }
        Some(Object::PackageId(id)) => {
            let package_id = PackageId::from_bytes(id).map_err(|error| error.to_string())?;
            let Some(package) = rows.packages.get_mut(&package_id) else { return Ok(()) };
            if let (Some(after), true) = (after, for_everyone) {
                package.private = after == Privacy::Private;
            }
            (package.channel_id, Some(package_id))
        }
        None => return Err("access changed for an object that this release does not know".into()),
    };
    let summary = access_summary(event, package)?;
    rows.history.push(context.history(id, part, "access_changed", &summary));
    Ok(())
}

/// Gives an account a level in a channel, or takes it away.
fn give(rows: &mut Rows, channel: ChannelId, event: &AccessChanged) -> Folded<()> {
    let after = event.after.as_ref().and_then(|after| after.access);
    let (Some(Subject::AccountId(account)), Some(Kind::Level(after))) = (&event.subject, after) else {
        return Ok(());
    };
    let account = AccountId::from_bytes(account).map_err(|error| error.to_string())?;
    let Some(channel) = rows.channels.get_mut(&channel) else { return Ok(()) };
    match stored::Level::try_from(after).map_err(|error| error.to_string())? {
        stored::Level::None => channel.grants.remove(&account),
        stored::Level::Read => channel.grants.insert(account, Level::Read),
        stored::Level::Write => channel.grants.insert(account, Level::Write),
        stored::Level::Manage => channel.grants.insert(account, Level::Manage),
    };
    Ok(())
}

fn access_summary(event: &AccessChanged, package: Option<PackageId>) -> Folded<Value> {
    let mut summary = serde_json::Map::new();
    if let Some(Subject::AccountId(id)) = &event.subject {
        let account = AccountId::from_bytes(id).map_err(|error| error.to_string())?;
        summary.insert("account_id".into(), json!(account.to_string()));
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
