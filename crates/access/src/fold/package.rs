//! Packages: who may see one is a fact from before its first file on.

use std::sync::Arc;

use names::{ChannelId, PackageId, Privacy};
use proto::event::v1::PackageCreated;

use super::{Folded, channel::Change, kind, text};
use crate::shelf::{Package, Place};
use crate::{given, table::Table};

impl Table {
    pub(crate) fn fold_package(&mut self, event: &PackageCreated) -> Folded<()> {
        let channel = ChannelId::from_bytes(&event.channel_id).map_err(text)?;
        let id = PackageId::from_bytes(&event.package_id).map_err(text)?;
        let place: Place = (kind(event.kind)?, event.name.as_str().into());
        // A channel deleted meanwhile takes no packages.
        if !self.channels.contains_key(&channel) {
            return Ok(());
        }
        let package = Package { id, private: event.private, grants: Arc::default() };
        let shelf = self.shelves.entry(channel).or_default();
        if let Some(before) = shelf.put(place.clone(), Some(package), self.at) {
            self.package_places.remove(&before.id);
        }
        self.package_places.insert(id, (channel, place));
        Ok(())
    }

    pub(super) fn fold_package_deleted(&mut self, id: &[u8]) -> Folded<()> {
        let id = PackageId::from_bytes(id).map_err(text)?;
        if let Some((channel, place)) = self.package_places.remove(&id)
            && let Some(shelf) = self.shelves.get_mut(&channel)
        {
            shelf.put(place, None, self.at);
        }
        Ok(())
    }

    pub(super) fn fold_package_access(&mut self, id: &[u8], change: Change) -> Folded<()> {
        let id = PackageId::from_bytes(id).map_err(text)?;
        if let Some(change) = self.still(change) {
            self.change_package(id, |package| match change {
                Change::Openness(after) => package.private = after == Privacy::Private,
                Change::Given(subject, after) => {
                    let mut grants = package.grants.to_vec();
                    given::set(&mut grants, subject, after);
                    package.grants = grants.into();
                }
            });
        }
        Ok(())
    }

    /// Changes a package if it is still there.
    pub(crate) fn change_package(&mut self, id: PackageId, change: impl FnOnce(&mut Package)) {
        let Some((channel, place)) = self.package_places.get(&id).cloned() else { return };
        let Some(shelf) = self.shelves.get_mut(&channel) else { return };
        let Some(mut package) = shelf.get(place.0, &place.1).cloned() else { return };
        change(&mut package);
        shelf.put(place, Some(package), self.at);
    }
}
