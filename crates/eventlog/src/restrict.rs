//! Which decisions take something away. A stream that is nearly full still takes these.

use proto::event::v1::{Access, Envelope, Indexing, Privacy, access::Access as Kind, event::Event};

/// True if every event of the envelope takes something away, or may, as in a barrier.
pub fn restricts(envelope: &Envelope) -> bool {
    envelope.events.iter().all(|event| match &event.event {
        Some(
            Event::TokenRevoked(_)
            | Event::AccountDisabled(_)
            | Event::ChannelDeleted(_)
            | Event::ArtifactRemoved(_)
            | Event::NameReleased(_)
            | Event::PackageDeleted(_)
            | Event::GroupDeleted(_)
            | Event::TokenOverlapEnded(_)
            // The event does not say what was before, but each may shut somebody out, and that must not wait for room.
            | Event::TokenEdited(_)
            | Event::TokenReissued(_)
            | Event::OwnersChanged(_),
        ) => true,
        Some(Event::RoleUnassigned(_) | Event::RoleDeleted(_)) => true,
        Some(Event::RoleChanged(change)) => change.after.iter().all(|level| {
            let was = change.before.iter().find(|was| was.category == level.category);
            was.is_some_and(|was| level.level <= was.level)
        }),
        Some(Event::IndexingChanged(change)) => change.after() == Indexing::Frozen,
        Some(Event::GroupMembersChanged(change)) => change.added_ids.is_empty(),
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
            | Event::TokenExpiryWarned(_)
            | Event::DefaultChannelChanged(_)
            | Event::RoleCreated(_)
            | Event::RoleAssigned(_)
            | Event::NameTaken(_)
            | Event::ChannelCreated(_)
            | Event::ChannelDescribed(_)
            | Event::PackageCreated(_)
            | Event::GroupCreated(_)
            | Event::GroupChanged(_)
            | Event::ArtifactPublished(_)
            // What a label shows changes, and who may do what does not.
            | Event::LabelsChanged(_)
            | Event::LabelLockChanged(_),
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

#[cfg(test)]
mod tests {
    use proto::event::v1::{
        self, AccessChanged, DefaultChannelChanged, GroupDeleted, GroupMembersChanged, IndexingChanged,
        PackageDeleted, TokenExpiryWarned, TokenIssued, TokenOverlapEnded, TokenReissued, TokenRevoked,
    };

    use super::*;

    fn envelope(events: Vec<Event>) -> Envelope {
        let events = events.into_iter().map(|event| v1::Event { event: Some(event) }).collect();
        Envelope { events, ..Envelope::default() }
    }

    fn changed(before: Kind, after: Kind) -> Event {
        let access = |access| Some(Access { access: Some(access) });
        Event::AccessChanged(AccessChanged {
            before: access(before),
            after: access(after),
            ..AccessChanged::default()
        })
    }

    fn role_changed(before: &[(i32, i32)], after: &[(i32, i32)]) -> Event {
        let levels = |levels: &[(i32, i32)]| {
            levels
                .iter()
                .map(|(category, level)| v1::RoleLevel { category: *category, level: *level })
                .collect()
        };
        let (before, after) = (levels(before), levels(after));
        Event::RoleChanged(v1::RoleChanged { before, after, ..v1::RoleChanged::default() })
    }

    #[test]
    fn only_what_takes_something_away_restricts() {
        let privacy = |privacy: Privacy| Kind::Privacy(privacy.into());
        let level = |level: v1::Level| Kind::Level(level.into());
        for (event, expected) in [
            (Event::TokenRevoked(TokenRevoked::default()), true),
            (Event::TokenIssued(TokenIssued::default()), false),
            (Event::TokenReissued(TokenReissued::default()), true),
            (Event::TokenOverlapEnded(TokenOverlapEnded::default()), true),
            (Event::TokenExpiryWarned(TokenExpiryWarned::default()), false),
            (changed(privacy(Privacy::Public), privacy(Privacy::Private)), true),
            (changed(privacy(Privacy::Public), privacy(Privacy::Authenticated)), true),
            (changed(privacy(Privacy::Private), privacy(Privacy::Authenticated)), false),
            (changed(privacy(Privacy::Private), privacy(Privacy::Private)), false),
            (changed(level(v1::Level::Manage), level(v1::Level::None)), true),
            (changed(level(v1::Level::Read), level(v1::Level::Write)), false),
            (Event::AccessChanged(AccessChanged::default()), false),
            (Event::PackageDeleted(PackageDeleted::default()), true),
            (Event::GroupDeleted(GroupDeleted::default()), true),
            (
                Event::IndexingChanged(IndexingChanged {
                    after: Indexing::Frozen.into(),
                    ..IndexingChanged::default()
                }),
                true,
            ),
            (Event::IndexingChanged(IndexingChanged::default()), false),
            (Event::RoleAssigned(v1::RoleAssigned::default()), false),
            (Event::RoleUnassigned(v1::RoleUnassigned::default()), true),
            (Event::RoleDeleted(v1::RoleDeleted::default()), true),
            (role_changed(&[(1, 3), (5, 2)], &[(5, 1)]), true),
            (role_changed(&[(1, 3)], &[(1, 2), (5, 1)]), false),
            (role_changed(&[(1, 1)], &[(1, 2)]), false),
            (Event::DefaultChannelChanged(DefaultChannelChanged::default()), false),
            (
                Event::GroupMembersChanged(GroupMembersChanged {
                    removed_ids: vec![vec![1; 16]],
                    ..Default::default()
                }),
                true,
            ),
            (
                Event::GroupMembersChanged(GroupMembersChanged {
                    added_ids: vec![vec![1; 16]],
                    ..Default::default()
                }),
                false,
            ),
        ] {
            assert_eq!(restricts(&envelope(vec![event.clone()])), expected, "{event:?}");
        }
    }

    #[test]
    fn one_giving_event_spoils_a_decision_and_a_barrier_gives_nothing() {
        let revoked = Event::TokenRevoked(TokenRevoked::default());
        assert!(!restricts(&envelope(vec![revoked, Event::TokenIssued(TokenIssued::default())])));
        assert!(restricts(&envelope(vec![])));
    }
}
