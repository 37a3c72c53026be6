//! The content feed's source: what changed in which channel, from the log's CATALOG stream.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::{Log, LogError, Record, Stream};
use feed::server::{Snapshot, Source, Step};
use futures::StreamExt;
use futures::stream::BoxStream;
use names::{ChannelId, PackageKind};
use proto::event::v1::artifact_published::Detail;
use proto::event::v1::event::Event;
use proto::feed::v1::{ContentChange, feed_item::Item};
use tonic::Status;

use crate::events::kind_to_stored;

/// The CATALOG stream as gateways hear of it.
pub struct Content(pub Arc<dyn Log>);

#[async_trait]
impl Source for Content {
    fn epoch(&self) -> String {
        self.0.epoch(Stream::Catalog)
    }

    /// A new follower starts with nothing rendered, so all it needs is a position that nothing acknowledged is behind.
    async fn snapshot(&self, _at_least: u64) -> Result<Arc<Snapshot>, Status> {
        let seq = self.0.barrier(Stream::Catalog).await.map_err(|error| unavailable(&error))?;
        Ok(Arc::new(Snapshot { seq, ..Snapshot::default() }))
    }

    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>> {
        let steps = self.0.tail(Stream::Catalog, from).map(|record| match record {
            Ok(record) => step(&record),
            // A forged message says nothing: the projector parks its aggregate, and nothing is shown otherwise for it.
            Err(LogError::BadSignature { seq, .. }) => Ok(Step { seq, items: Vec::new(), anew: false }),
            Err(error) => Err(unavailable(&error)),
        });
        steps.boxed()
    }

    async fn reach(&self, seq: u64, limit: Duration) -> bool {
        match tokio::time::timeout(limit, self.0.barrier(Stream::Catalog)).await {
            Ok(Ok(barrier)) => barrier >= seq,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the log cannot say how far it is");
                false
            }
            Err(_) => false,
        }
    }
}

fn unavailable(error: &LogError) -> Status {
    tracing::warn!(%error, "the content feed's log cannot be read");
    Status::unavailable("the event log cannot be read here; connect again")
}

/// What followers hear of one decision: each subdir of the package once.
fn step(record: &Record) -> Result<Step, Status> {
    if record.is_barrier() {
        return Ok(Step { seq: record.seq, items: Vec::new(), anew: false });
    }
    let (channel, kind, name) = parts(&record.subject).ok_or_else(|| {
        Status::internal(format!("message {} stands on a subject of no package", record.seq))
    })?;
    let mut subdirs: Vec<String> =
        record.envelope.events.iter().filter_map(|event| subdir(event.event.as_ref()?)).collect();
    subdirs.sort_unstable();
    subdirs.dedup();
    let change = |subdir: String| {
        Item::ContentChange(ContentChange {
            seq: record.seq,
            channel_id: channel.to_bytes(),
            kind: kind_to_stored(kind).into(),
            subdir,
            name: name.clone(),
            authz_seq: record.envelope.authz_seq,
        })
    };
    Ok(Step { seq: record.seq, items: subdirs.into_iter().map(change).collect(), anew: false })
}

fn subdir(event: &Event) -> Option<String> {
    match event {
        Event::ArtifactPublished(published) => Some(match &published.detail {
            Some(Detail::Conda(conda)) => conda.subdir.clone(),
            Some(Detail::Plain(plain)) => format!("{}/{}", plain.name, plain.version),
            Some(Detail::Python(_)) | None => String::new(),
        }),
        Event::ArtifactRemoved(removed) => Some(removed.subdir.clone()),
        Event::LabelsChanged(changed) => Some(changed.subdir.clone()),
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
        | Event::NameTaken(_)
        | Event::NameReleased(_)
        | Event::ChannelCreated(_)
        | Event::ChannelDescribed(_)
        | Event::ChannelDeleted(_)
        | Event::AccessChanged(_)
        | Event::LabelLockChanged(_)
        | Event::IndexingChanged(_)
        | Event::RoleCreated(_)
        | Event::RoleChanged(_)
        | Event::RoleAssigned(_)
        | Event::RoleUnassigned(_)
        | Event::RoleDeleted(_)
        | Event::PackageCreated(_)
        | Event::PackageDeleted(_)
        | Event::GroupCreated(_)
        | Event::GroupChanged(_)
        | Event::GroupMembersChanged(_)
        | Event::GroupDeleted(_) => None,
    }
}

/// `evt.catalog.<channel id>.<kind>.<escaped name>`.
fn parts(subject: &str) -> Option<(ChannelId, PackageKind, String)> {
    let mut parts = subject.strip_prefix("evt.catalog.")?.splitn(3, '.');
    let channel = parts.next()?.parse().ok()?;
    let kind = parts.next()?.parse().ok()?;
    Some((channel, kind, unescape(parts.next()?)?))
}

/// The inverse of [`names::escape`].
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.extend(hex::decode(digits).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_subject_is_read_as_it_was_written(name in ".{0,40}", id: u128) {
            let channel = ChannelId(uuid::Uuid::from_u128(id));
            let subject = eventlog::subject::artifacts(channel, PackageKind::Pypi, &name);
            prop_assert_eq!(parts(&subject), Some((channel, PackageKind::Pypi, name)));
        }
    }

    #[test]
    fn other_subjects_are_none_of_ours() {
        for subject in ["evt.catalog.x.conda.a", "evt.auth.owner.1", "evt.catalog.barrier"] {
            assert_eq!(parts(subject), None);
        }
    }
}
