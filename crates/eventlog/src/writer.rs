//! Who may sign what. Each service has a key of its own, and a reader believes it only about that service's facts: a
//! stolen key of catalog makes no tokens.

use std::{collections::BTreeSet, fmt, str::FromStr};

use proto::event::v1::{Envelope, event::Event};

use crate::Stream;

/// Who appends to the log: a service, or a person who repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Writer {
    /// Accounts, tokens, logins and leases.
    Auth,
    /// Channels, packages, groups, files and labels.
    Catalog,
    /// Nothing but barriers.
    Projector,
    /// What stood in the log before and is put back; no program has its key.
    Operator,
}

impl Writer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Catalog, Self::Projector, Self::Operator];

    /// As it stands in a key ring.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Catalog => "catalog",
            Self::Projector => "projector",
            Self::Operator => "operator",
        }
    }

    fn owns(self, subject: &str) -> bool {
        let prefixes: &[&str] = match self {
            Self::Auth => &["evt.auth.", "evt.access.name."],
            Self::Catalog => &["evt.access.", "evt.catalog."],
            Self::Projector | Self::Operator => &[],
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
            | Event::OwnersChanged(_)
            | Event::DefaultChannelChanged(_)
            | Event::RoleCreated(_)
            | Event::RoleChanged(_)
            | Event::RoleAssigned(_)
            | Event::RoleUnassigned(_)
            | Event::RoleDeleted(_) => self == Self::Auth,
            Event::NameTaken(_) | Event::NameReleased(_) => matches!(self, Self::Auth | Self::Catalog),
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
            | Event::IndexingChanged(_)
            | Event::ArtifactPublished(_)
            | Event::ArtifactRemoved(_) => self == Self::Catalog,
        }
    }
}

/// Whether one who is all of these writers may have said this there.
///
/// An event that this version does not know is judged by its subject alone; the fold refuses it anyway.
pub(crate) fn may_sign(writers: &BTreeSet<Writer>, subject: &str, envelope: &Envelope) -> bool {
    if envelope.events.is_empty() {
        let is_auths = subject == Stream::Authz.barrier_subject() && writers.contains(&Writer::Auth);
        return is_auths || (is_barrier(subject, envelope) && !writers.is_empty());
    }
    if envelope.original_seq.is_some() && writers.contains(&Writer::Operator) {
        return true;
    }
    let says = |event: Option<&Event>| writers.iter().any(|writer| writer.says(event));
    writers.iter().any(|writer| writer.owns(subject))
        && envelope.events.iter().all(|event| says(event.event.as_ref()))
}

/// A barrier says nothing at all; a lease does, without an event.
fn is_barrier(subject: &str, envelope: &Envelope) -> bool {
    let bare =
        Envelope { event_id: envelope.event_id.clone(), time_us: envelope.time_us, ..Envelope::default() };
    *envelope == bare && Stream::ALL.iter().any(|stream| stream.barrier_subject() == subject)
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
        found.ok_or_else(|| format!("{text:?} signs nothing: expected auth, catalog, projector or operator"))
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
        use Writer::{Auth, Catalog, Operator, Projector};
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
            ("evt.lease", vec![], &[Auth, Catalog, Projector, Operator]),
            ("evt.catalog.barrier", vec![], &[Auth, Catalog, Projector, Operator]),
            ("evt.lease", vec![issued()], &[]),
        ];
        for (subject, events, writers) in table {
            for writer in Writer::ALL {
                let may = may_sign(&BTreeSet::from([writer]), subject, &envelope(events.clone()));
                assert_eq!(may, writers.contains(&writer), "{writer} on {subject}");
            }
        }
    }

    #[test]
    fn only_the_operator_puts_back() {
        let lost = envelope([Event::TokenIssued(TokenIssued::default())]);
        let put_back = Envelope { original_seq: Some(7), ..lost.clone() };
        for (envelope, writer) in
            [(&lost, Writer::Auth), (&put_back, Writer::Auth), (&put_back, Writer::Operator)]
        {
            assert!(may_sign(&BTreeSet::from([writer]), "evt.auth.owner.x", envelope), "{writer}");
        }
        for (envelope, writer) in [(&lost, Writer::Operator), (&put_back, Writer::Projector)] {
            assert!(!may_sign(&BTreeSet::from([writer]), "evt.auth.owner.x", envelope), "{writer}");
        }
    }

    #[test]
    fn what_says_more_than_a_barrier_is_auths() {
        let more = Envelope { authz_seq: 1, ..Envelope::default() };
        for writer in Writer::ALL {
            let may = may_sign(&BTreeSet::from([writer]), "evt.lease", &more);
            assert_eq!(may, writer == Writer::Auth, "{writer}");
            assert!(!may_sign(&BTreeSet::from([writer]), "evt.catalog.barrier", &more), "{writer}");
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
