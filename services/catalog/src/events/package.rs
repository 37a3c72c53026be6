//! Subject `evt.access.package.<channel id>.<kind>.<name>`.

use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;

use super::{channel_id, kind_from_stored, kind_to_stored, known, package_id};
use crate::domain::package::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let Event::Created { id, channel, kind, name, private } = event;
    let created = stored::PackageCreated {
        package_id: id.to_bytes(),
        channel_id: channel.to_bytes(),
        kind: kind_to_stored(*kind).into(),
        name: name.clone(),
        private: *private,
    };
    stored::Event { event: Some(Stored::PackageCreated(created)) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let Stored::PackageCreated(event) = known(event)? else {
        return Err("an event that is not about a package".into());
    };
    Ok(Some(Event::Created {
        id: package_id(&event.package_id)?,
        channel: channel_id(&event.channel_id)?,
        kind: kind_from_stored(event.kind()).ok_or("a package of no kind")?,
        name: event.name.clone(),
        private: event.private,
    }))
}
