//! Who may sign what. Each service has a key of its own, and a reader believes it only about that service's facts: a
//! stolen key of catalog makes no tokens.

use std::{fmt, str::FromStr};

use proto::event::v1::{Envelope, event::Event};

use crate::Stream;

/// A service that appends to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Writer {
    /// Accounts, tokens, logins and leases.
    Auth,
    /// Channels, packages, groups, files and labels.
    Catalog,
    /// Nothing but barriers.
    Projector,
}

impl Writer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auth, Self::Catalog, Self::Projector];

    /// As it stands in a key ring.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Catalog => "catalog",
            Self::Projector => "projector",
        }
    }

    /// Whether this writer may have said this there.
    ///
    /// An event that this version does not know is judged by its subject alone; the fold refuses it anyway.
    pub(crate) fn may_sign(self, subject: &str, envelope: &Envelope) -> bool {
        let is_barrier = envelope.events.is_empty() && is_barrier_subject(subject);
        is_barrier
            || (self.owns(subject) && envelope.events.iter().all(|event| self.says(event.event.as_ref())))
    }

    fn owns(self, subject: &str) -> bool {
        let prefixes: &[&str] = match self {
            Self::Auth => &["evt.auth.", "evt.access.name."],
            Self::Catalog => &["evt.access.", "evt.catalog."],
            Self::Projector => &[],
        };
        prefixes.iter().any(|prefix| subject.starts_with(prefix))
    }

    fn says(self, event: Option<&Event>) -> bool {
        let Some(event) = event else { return true };
        match event {
            Event::AccountCreated(_)
            | Event::PasswordChanged(_)
            | Event::AccountDisabled(_)
            | Event::AccountEnabled(_)
            | Event::TokenIssued(_)
            | Event::TokenRevoked(_)
            | Event::TokenEdited(_)
            | Event::TokenReissued(_)
            | Event::TokenOverlapEnded(_)
            | Event::TokenExpiryWarned(_)
            | Event::OwnersChanged(_) => self == Self::Auth,
            Event::NameTaken(_) | Event::NameReleased(_) => self != Self::Projector,
            Event::ChannelCreated(_)
            | Event::ChannelDescribed(_)
            | Event::ChannelDeleted(_)
            | Event::AccessChanged(_)
            | Event::PackageCreated(_)
            | Event::PackageDeleted(_)
            | Event::GroupCreated(_)
            | Event::GroupChanged(_)
            | Event::GroupMembersChanged(_)
            | Event::GroupDeleted(_)
            | Event::LabelsChanged(_)
            | Event::LabelLockChanged(_)
            | Event::ArtifactPublished(_)
            | Event::ArtifactRemoved(_) => self == Self::Catalog,
        }
    }
}

fn is_barrier_subject(subject: &str) -> bool {
    Stream::ALL.iter().any(|stream| stream.barrier_subject() == subject)
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Writer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|writer| writer.as_str() == text);
        found.ok_or_else(|| format!("{text:?} signs nothing: expected auth, catalog or projector"))
    }
}

#[cfg(test)]
mod tests {
    use proto::event::v1::{ArtifactRemoved, ChannelDeleted, Event as Stored, NameTaken, TokenIssued};

    use super::*;

    fn envelope(events: impl IntoIterator<Item = Event>) -> Envelope {
        let events = events.into_iter().map(|event| Stored { event: Some(event) }).collect();
        Envelope { events, ..Envelope::default() }
    }

    #[test]
    fn each_writer_signs_its_own_facts_on_its_own_subjects() {
        use Writer::{Auth, Catalog, Projector};
        let issued = || Event::TokenIssued(TokenIssued::default());
        let deleted = || Event::ChannelDeleted(ChannelDeleted::default());
        let removed = || Event::ArtifactRemoved(ArtifactRemoved::default());
        let taken = || Event::NameTaken(NameTaken::default());
        let table: [(&str, Vec<Event>, &[Writer]); 11] = [
            ("evt.auth.owner.x", vec![issued()], &[Auth]),
            ("evt.access.channel.x", vec![deleted()], &[Catalog]),
            ("evt.access.name.x", vec![taken()], &[Auth, Catalog]),
            ("evt.catalog.x.conda.y", vec![removed()], &[Catalog]),
            // The subject is the writer's own, what it says is not.
            ("evt.access.channel.x", vec![deleted(), issued()], &[]),
            ("evt.auth.owner.x", vec![deleted()], &[]),
            ("evt.access.name.x", vec![issued()], &[Auth]),
            ("evt.access.name.x", vec![deleted()], &[Catalog]),
            ("evt.lease", vec![], &[Auth, Catalog, Projector]),
            ("evt.catalog.barrier", vec![], &[Auth, Catalog, Projector]),
            ("evt.lease", vec![issued()], &[]),
        ];
        for (subject, events, writers) in table {
            for writer in Writer::ALL {
                let may = writer.may_sign(subject, &envelope(events.clone()));
                assert_eq!(may, writers.contains(&writer), "{writer} on {subject}");
            }
        }
    }

    #[test]
    fn a_writer_is_read_as_it_is_written() {
        for writer in Writer::ALL {
            assert_eq!(writer.to_string().parse(), Ok(writer));
        }
        assert!("gateway".parse::<Writer>().unwrap_err().contains("expected auth"));
    }
}
