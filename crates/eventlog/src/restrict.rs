//! Which decisions only take something away. A stream that is nearly full still takes these.

use proto::event::v1::{Access, Envelope, Privacy, access::Access as Kind, event::Event};

/// True if no event of the envelope gives anybody anything, as in a barrier.
pub fn restricts(envelope: &Envelope) -> bool {
    envelope.events.iter().all(|event| match &event.event {
        Some(
            Event::TokenRevoked(_)
            | Event::AccountDisabled(_)
            | Event::ChannelDeleted(_)
            | Event::ArtifactRemoved(_)
            | Event::NameReleased(_),
        ) => true,
        Some(Event::AccessChanged(change)) => {
            match (rank(change.before.as_ref()), rank(change.after.as_ref())) {
                (Some(before), Some(after)) => after < before,
                (None, _) | (_, None) => false,
            }
        }
        Some(
            Event::AccountCreated(_)
            | Event::PasswordChanged(_)
            | Event::AccountEnabled(_)
            | Event::TokenIssued(_)
            | Event::NameTaken(_)
            | Event::ChannelCreated(_)
            | Event::ChannelDescribed(_)
            | Event::PackageCreated(_)
            | Event::ArtifactPublished(_),
        )
        | None => false,
    })
}

/// How much an access gives; comparable only with another of its kind, which both sides of a change are.
fn rank(access: Option<&Access>) -> Option<i32> {
    match access?.access? {
        Kind::Level(level) => Some(level),
        Kind::Privacy(privacy) => match Privacy::try_from(privacy) {
            Ok(Privacy::Private) => Some(0),
            Ok(Privacy::Authenticated) => Some(1),
            Ok(Privacy::Public) => Some(2),
            Ok(Privacy::Unspecified) | Err(_) => None,
        },
    }
}
