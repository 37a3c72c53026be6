//! Subject `evt.access.package.<channel id>.<kind>.<name>`.

use names::{Level, PackageId, Privacy};
use proto::event::v1 as stored;
use proto::event::v1::access_changed;
use proto::event::v1::event::Event as Stored;

use super::{
    access_level, access_privacy, channel_id, kind_from_stored, kind_to_stored, known, level_access,
    package_id, privacy_access, subject_from_stored, subject_to_stored,
};
use crate::domain::package::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created { id, channel, kind, name, private } => {
            Stored::PackageCreated(stored::PackageCreated {
                package_id: id.to_bytes(),
                channel_id: channel.to_bytes(),
                kind: kind_to_stored(*kind).into(),
                name: name.clone(),
                private: *private,
            })
        }
        Event::PrivacyChanged { id, private } => {
            let everyone = access_changed::Subject::Everyone(stored::Everyone {});
            changed(*id, everyone, privacy_access(open(!*private)), privacy_access(open(*private)))
        }
        Event::LevelChanged { id, subject, before, after } => {
            changed(*id, subject_to_stored(*subject), level_access(*before), level_access(*after))
        }
        Event::Deleted { id } => Stored::PackageDeleted(stored::PackageDeleted { package_id: id.to_bytes() }),
    };
    stored::Event { event: Some(event) }
}

/// A package's two privacies: its own, or its channel's.
fn open(private: bool) -> Privacy {
    if private { Privacy::Private } else { Privacy::Public }
}

fn changed(
    id: PackageId,
    subject: access_changed::Subject,
    before: stored::Access,
    after: stored::Access,
) -> Stored {
    Stored::AccessChanged(stored::AccessChanged {
        object: Some(access_changed::Object::PackageId(id.to_bytes())),
        subject: Some(subject),
        before: Some(before),
        after: Some(after),
    })
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not about a package cannot stand here")]
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = match known(event)? {
        Stored::PackageCreated(event) => Event::Created {
            id: package_id(&event.package_id)?,
            channel: channel_id(&event.channel_id)?,
            kind: kind_from_stored(event.kind()).ok_or("a package of no kind")?,
            name: event.name.clone(),
            private: event.private,
        },
        Stored::AccessChanged(event) => read_change(event)?,
        Stored::PackageDeleted(event) => Event::Deleted { id: package_id(&event.package_id)? },
        _ => return Err("an event that is not about a package".into()),
    };
    Ok(Some(event))
}

fn read_change(event: &stored::AccessChanged) -> Result<Event, String> {
    let Some(access_changed::Object::PackageId(id)) = &event.object else {
        return Err("a change of access to something that is no package".into());
    };
    let id = package_id(id)?;
    let subject = event.subject.as_ref().ok_or("a change of access for nobody")?;
    match subject_from_stored(subject)? {
        None => {
            let after = access_privacy(event.after.as_ref());
            let after = after.ok_or("a change of access for everyone without a privacy")?;
            Ok(Event::PrivacyChanged { id, private: after == Privacy::Private })
        }
        Some(subject) => {
            let missing = "a change of access for somebody without a level";
            let level = |access: Option<&stored::Access>| -> Result<Option<Level>, String> {
                Ok(access_level(access).ok_or(missing)?)
            };
            let (before, after) = (level(event.before.as_ref())?, level(event.after.as_ref())?);
            Ok(Event::LevelChanged { id, subject, before, after })
        }
    }
}
