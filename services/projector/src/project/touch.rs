//! Which rows an event reads or changes.

use names::{AccountId, ChannelId, PackageId, TokenId};
use proto::event::v1::{access_changed::Object, event::Event};
use readmodel::write::Keys;

use super::{Folded, artifact};

pub(crate) fn touch(keys: &mut Keys, subject: &str, event: &Event) -> Folded<()> {
    match event {
        Event::AccountCreated(event) => account(keys, &event.account_id),
        Event::AccountDisabled(event) => account(keys, &event.account_id),
        Event::AccountEnabled(event) => account(keys, &event.account_id),
        Event::TokenIssued(event) => token(keys, &event.token_id),
        Event::OwnersChanged(event) => account(keys, &event.account_id),
        Event::TokenRevoked(event) => token(keys, &event.token_id),
        Event::TokenEdited(event) => token(keys, &event.token_id),
        Event::TokenReissued(event) => token(keys, &event.token_id),
        Event::ChannelCreated(event) => {
            if !event.parent_id.is_empty() {
                channel(keys, &event.parent_id)?;
            }
            channel(keys, &event.channel_id)
        }
        Event::GroupCreated(event) => group(keys, &event.group_id),
        Event::GroupChanged(event) => group(keys, &event.group_id),
        Event::GroupMembersChanged(event) => group(keys, &event.group_id),
        Event::GroupDeleted(event) => group(keys, &event.group_id),
        Event::ChannelDescribed(event) => channel(keys, &event.channel_id),
        Event::ChannelDeleted(event) => channel(keys, &event.channel_id),
        Event::AccessChanged(event) => match &event.object {
            Some(Object::ChannelId(id)) => channel(keys, id),
            Some(Object::PackageId(id)) => package(keys, id),
            None => Ok(()),
        },
        Event::PackageCreated(event) => package(keys, &event.package_id),
        Event::PackageDeleted(event) => package(keys, &event.package_id),
        Event::ArtifactPublished(event) => {
            keys.files.insert(artifact::published_key(subject, event)?);
            Ok(())
        }
        Event::ArtifactRemoved(event) => {
            keys.files.insert(artifact::removed_key(subject, event)?);
            Ok(())
        }
        Event::LabelsChanged(event) => {
            keys.files.insert(artifact::labelled_key(subject, event)?);
            Ok(())
        }
        Event::LabelLockChanged(event) => channel(keys, &event.channel_id),
        Event::IndexingChanged(event) => channel(keys, &event.channel_id),
        Event::RoleAssigned(event) => {
            match super::account::appointed(&event.role_id, event.holder.as_ref()) {
                Some(id) => account(keys, id),
                None => Ok(()),
            }
        }
        Event::RoleUnassigned(event) => {
            match super::account::appointed(&event.role_id, event.holder.as_ref()) {
                Some(id) => account(keys, id),
                None => Ok(()),
            }
        }
        Event::PasswordChanged(_)
        | Event::RoleCreated(_)
        | Event::RoleChanged(_)
        | Event::RoleDeleted(_)
        | Event::DefaultChannelChanged(_)
        | Event::TokenOverlapEnded(_)
        | Event::TokenExpiryWarned(_)
        | Event::NameTaken(_)
        | Event::NameReleased(_) => Ok(()),
    }
}

fn account(keys: &mut Keys, id: &[u8]) -> Folded<()> {
    keys.accounts.insert(AccountId::from_bytes(id).map_err(|error| error.to_string())?);
    Ok(())
}

fn token(keys: &mut Keys, id: &[u8]) -> Folded<()> {
    keys.tokens.insert(TokenId::from_bytes(id).map_err(|error| error.to_string())?);
    Ok(())
}

fn channel(keys: &mut Keys, id: &[u8]) -> Folded<()> {
    keys.channels.insert(ChannelId::from_bytes(id).map_err(|error| error.to_string())?);
    Ok(())
}

fn group(keys: &mut Keys, id: &[u8]) -> Folded<()> {
    keys.groups.insert(super::group::group_id(id)?);
    Ok(())
}

fn package(keys: &mut Keys, id: &[u8]) -> Folded<()> {
    keys.packages.insert(PackageId::from_bytes(id).map_err(|error| error.to_string())?);
    Ok(())
}
