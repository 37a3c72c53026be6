//! Channels, subchannels, and who was given what on them.

use std::sync::Arc;

use names::{AccountId, ChannelId, GroupId, Level, Privacy};
use proto::event::v1::{self as stored, Access, AccessChanged, access, access_changed};

use super::{Folded, level, privacy, text};
use crate::table::{Channel, Table};
use crate::{Subject, given};

impl Table {
    pub(crate) fn fold_channel(&mut self, event: &stored::ChannelCreated) -> Folded<()> {
        let id = ChannelId::from_bytes(&event.channel_id).map_err(text)?;
        let parent = match event.parent_id.as_slice() {
            [] => None,
            parent => Some(ChannelId::from_bytes(parent).map_err(text)?),
        };
        let name: Arc<str> = match parent.map(|parent| self.channels.get_mut(&parent)) {
            None => event.name.as_str().into(),
            // A channel deleted meanwhile takes no subchannels.
            Some(None) => return Ok(()),
            Some(Some(above)) => {
                let place = above.subchannels.binary_search_by(|(it, _)| (**it).cmp(&event.name));
                if let Err(place) = place {
                    above.subchannels.insert(place, (event.name.as_str().into(), id));
                }
                format!("{}/{}", above.name, event.name).into()
            }
        };
        let channel = Channel {
            id,
            name: name.clone(),
            parent,
            owner: AccountId::from_bytes(&event.owner_id).map_err(text)?,
            privacy: privacy(event.privacy)?,
            description: event.description.as_str().into(),
            grants: Vec::new(),
            subchannels: Vec::new(),
            locked_labels: Vec::new(),
            frozen: false,
        };
        self.channels.entry(id).or_insert(channel);
        self.channel_names.insert(name, id);
        Ok(())
    }

    pub(super) fn fold_described(&mut self, event: &stored::ChannelDescribed) -> Folded<()> {
        let id = ChannelId::from_bytes(&event.channel_id).map_err(text)?;
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.description = event.description.as_str().into();
        }
        Ok(())
    }

    pub(super) fn fold_indexing(&mut self, event: &stored::IndexingChanged) -> Folded<()> {
        let id = ChannelId::from_bytes(&event.channel_id).map_err(text)?;
        let after = stored::Indexing::try_from(event.after).map_err(text)?;
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.frozen = after == stored::Indexing::Frozen;
        }
        Ok(())
    }

    pub(super) fn fold_deleted(&mut self, id: &[u8]) -> Folded<()> {
        let id = ChannelId::from_bytes(id).map_err(text)?;
        if let Some(above) = self.channel(id).and_then(|channel| channel.parent)
            && let Some(above) = self.channels.get_mut(&above)
        {
            above.subchannels.retain(|(_, below)| *below != id);
        }
        self.remove_channel(id);
        Ok(())
    }

    fn remove_channel(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.remove(&id) else { return };
        self.channel_names.remove(&*channel.name);
        if let Some(shelf) = self.shelves.remove(&id) {
            for (_, _, package) in shelf.iter() {
                self.package_places.remove(&package.id);
            }
        }
        for (_, below) in channel.subchannels {
            self.remove_channel(below);
        }
    }

    pub(super) fn fold_access(&mut self, event: &AccessChanged) -> Folded<()> {
        let change = Change::of(event)?;
        match &event.object {
            Some(access_changed::Object::ChannelId(id)) => {
                let id = ChannelId::from_bytes(id).map_err(text)?;
                let change = self.still(change);
                match (change, self.channels.get_mut(&id)) {
                    (Some(Change::Openness(after)), Some(channel)) => channel.privacy = after,
                    (Some(Change::Given(subject, after)), Some(channel)) => {
                        given::set(&mut channel.grants, subject, after);
                    }
                    (None, _) | (_, None) => {}
                }
                Ok(())
            }
            Some(access_changed::Object::PackageId(id)) => self.fold_package_access(id, change),
            None => Err("access changed on an object unknown to this version".into()),
        }
    }

    /// A change that has a meaning: a group that is gone is given nothing.
    pub(super) fn still(&self, change: Change) -> Option<Change> {
        match change {
            Change::Given(Subject::Group(group), Some(_)) if self.group(group).is_none() => None,
            Change::Openness(_) | Change::Given(..) => Some(change),
        }
    }
}

/// What an [`AccessChanged`] changes.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Openness(Privacy),
    Given(Subject, Option<Level>),
}

impl Change {
    fn of(event: &AccessChanged) -> Folded<Self> {
        use access_changed::Subject as Stored;
        let subject = match &event.subject {
            Some(Stored::Everyone(_)) => None,
            Some(Stored::AccountId(id)) => Some(Subject::Account(AccountId::from_bytes(id).map_err(text)?)),
            Some(Stored::GroupId(id)) => Some(Subject::Group(GroupId::from_bytes(id).map_err(text)?)),
            None => return Err("access changed for a subject unknown to this version".into()),
        };
        match (subject, event.after) {
            (None, Some(Access { access: Some(access::Access::Privacy(after)) })) => {
                Ok(Self::Openness(privacy(after)?))
            }
            (Some(subject), Some(Access { access: Some(access::Access::Level(after)) })) => {
                let none = after == stored::Level::None as i32;
                let after = if none { None } else { Some(level(after)?) };
                Ok(Self::Given(subject, after))
            }
            (_, _) => Err("access changed in a way unknown to this version".into()),
        }
    }
}
