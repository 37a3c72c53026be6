//! Publishing: what is refused leaves nothing, what is answered is on the disk and in the log.
//!
//! The order matters. The package's existence is a fact of AUTHZ before its first file; the bytes are a blob before an
//! event names them; and the access check is made again after everything that took time.

use access::{Action, Caller, Object};
use bytes::Bytes;
use eventlog::subject;
use names::{ArtifactId, ChannelId, PackageId, PackageKind, Subdir};
use runtime::Failure;
use sha2::{Digest as _, Sha256};
use tracing::{Instrument, info_span};

use super::{Asker, Catalog, failures, receive::Digests};
use crate::domain::artifacts::{self, Artifacts, Detail, Event, File, Labels, Metadata, Place};
use crate::domain::package;
use crate::inspect::{Facts, Inspected};

/// A file ready to be decided on.
struct Described {
    file: File,
    version: String,
    /// A wheel's METADATA, to become a blob.
    metadata: Option<Bytes>,
}

/// A file that waits under a temporary key.
#[derive(Debug, Clone)]
pub struct Upload {
    pub channel: String,
    pub kind: PackageKind,
    pub key: String,
    pub filename: String,
    pub expected: Expected,
    /// Replaces a conda file of the same name.
    pub force: bool,
    pub subdir: Option<Subdir>,
    pub form_name: String,
    pub form_version: String,
    /// Whether the package is to be private on its own, if this makes it; unsaid, the server's setting counts.
    pub private: Option<bool>,
    /// None means `main`.
    pub labels: Labels,
}

/// What the sender says of the file; each that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    pub sha256: Option<[u8; 32]>,
    pub md5: Option<[u8; 16]>,
    pub blake2_256: Option<[u8; 32]>,
}

/// A published file.
#[derive(Debug, Clone)]
pub struct Published {
    pub id: ArtifactId,
    pub name: String,
    pub version: String,
    pub subdir: String,
    pub filename: String,
    pub sha256: [u8; 32],
    pub size_bytes: u64,
    pub catalog_seq: u64,
    pub authz_seq: u64,
    /// False when the same bytes were there already.
    pub created: bool,
    pub silent: Vec<String>,
    pub warnings: Vec<String>,
}

/// What is said of a private upload into a package that is there already.
const STAYS_OPEN: &str = "the package was there already and is not private: `latchkey package set CHANNEL NAME --private` hides it with all its files";

impl Catalog {
    /// Publishes the file. Whatever comes of it, nothing stays under the temporary key.
    pub async fn publish(&self, asker: &Asker, upload: Upload) -> Result<Published, Failure> {
        let published = Box::pin(self.take(asker, &upload)).await;
        if let Err(error) = self.parts.blobs.delete_tmp(&upload.key).await {
            tracing::warn!(%error, "an upload's temporary file stays until the sweep");
        }
        published
    }

    async fn take(&self, asker: &Asker, upload: &Upload) -> Result<Published, Failure> {
        let (caller, channel) =
            self.check_channel(&asker.credential, publishing(upload.kind), &upload.channel)?;
        let receiving = self.receive(&upload.key, &upload.expected).instrument(info_span!("catalog.receive"));
        let (copy, digests) = receiving.await?;
        let Inspected { facts, mut warnings } = self.inspect(copy, upload).await?;
        let name = match &facts {
            Facts::Conda(facts) => facts.name.to_string(),
            Facts::Python(facts) => facts.name.to_string(),
            Facts::Plain(facts) => facts.name.to_string(),
        };
        let place = (upload.kind, name.as_str());
        let (package, stays) = self.ensure_package(asker, &caller, channel, place, upload.private).await?;
        warnings.extend(stays.map(str::to_owned));
        let Described { file, version, metadata } = self.describe(channel, package, upload, digests, facts);
        let subject = subject::artifacts(channel, upload.kind, &name);
        let decide = |state: Option<&Artifacts>| {
            let package = Object::Package { channel, kind: upload.kind, name: &name };
            self.check(&asker.credential, publishing(upload.kind), &package)?;
            Ok::<_, Failure>(artifacts::publish(state, file.clone(), upload.force, &self.locked(channel))?)
        };
        if self.is_wanted(&subject, &decide).await? {
            let storing = self.store(&upload.key, &file.sha256, metadata);
            storing.instrument(info_span!("catalog.store")).await.map_err(failures::of_blobs)?;
        }
        let done = self.artifacts.execute(&subject, &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let outcome = if done.appended { "published" } else { "there already" };
        metrics::counter!("catalog_files_total", "kind" => upload.kind.as_str(), "outcome" => outcome)
            .increment(1);
        let id = done.state.and_then(|state| state.id(&file.place)).unwrap_or(file.id);
        let authz_seq = self.parts.access.seq();
        let silent = self.content_receipt(done.seq, asker).await;
        Ok(Published {
            id,
            name,
            version,
            subdir: file.place.subdir,
            filename: file.place.filename,
            sha256: file.sha256,
            size_bytes: file.size_bytes,
            catalog_seq: done.seq,
            authz_seq,
            created: done.appended,
            silent,
            warnings,
        })
    }

    async fn store(&self, key: &str, sha256: &[u8; 32], metadata: Option<Bytes>) -> Result<(), blobs::Error> {
        self.parts.blobs.commit(key, sha256).await?;
        if let Some(metadata) = metadata {
            self.parts.blobs.put_bytes(metadata).await?;
        }
        Ok(())
    }

    /// The package's id, made if this is its first file.
    pub(super) async fn ensure_package(
        &self,
        asker: &Asker,
        caller: &Caller,
        channel: ChannelId,
        (kind, name): (PackageKind, &str),
        private: Option<bool>,
    ) -> Result<(PackageId, Option<&'static str>), Failure> {
        // Before it is told whether the package is there.
        self.check(&asker.credential, publishing(kind), &Object::Package { channel, kind, name })?;
        let known = self
            .parts
            .access
            .read(|table| table.package(channel, kind, name).map(|package| (package.id, package.private)));
        if let Some((id, is_private)) = known {
            return Ok((id, (private == Some(true) && !is_private).then_some(STAYS_OPEN)));
        }
        let wanted = private;
        let private = private.unwrap_or(self.parts.packages_private);
        let new = PackageId(self.parts.ambient.ids.uuid());
        let decide = |state: Option<&package::Package>| {
            self.check(&asker.credential, publishing(kind), &Object::Package { channel, kind, name })?;
            let command = package::Command::Ensure { id: new, channel, kind, name: name.to_owned(), private };
            Ok::<_, Failure>(package::decide(state, command)?)
        };
        let done =
            self.packages.execute(&subject::package(channel, kind, name), &self.meta(caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        // What the file's envelope says of AUTHZ must include the package, whoever made it.
        self.known(done.seq).await?;
        let (id, is_private) = done.state.map_or((new, private), |package| (package.id, package.private));
        Ok((id, (wanted == Some(true) && !is_private).then_some(STAYS_OPEN)))
    }

    fn describe(
        &self,
        channel: ChannelId,
        package: PackageId,
        upload: &Upload,
        digests: Digests,
        facts: Facts,
    ) -> Described {
        let now_ms = self.parts.ambient.clock.now().unix_timestamp_nanos() / 1_000_000;
        let (subdir, version, detail, metadata) = match facts {
            Facts::Conda(facts) => {
                let indexed_timestamp_ms = i64::try_from(now_ms).expect("the year is below 290,000,000");
                let (subdir, version) = (facts.subdir.to_string(), facts.version.clone());
                (subdir, version, Detail::Conda { facts, indexed_timestamp_ms }, None)
            }
            Facts::Plain(facts) => {
                let (place, version) = (facts.place(), facts.version.to_string());
                (place, version, Detail::Plain(facts), None)
            }
            Facts::Python(mut facts) => {
                let text = facts.metadata.take();
                let metadata = text.as_ref().map(|text| Metadata {
                    sha256: Sha256::digest(text).into(),
                    size_bytes: text.len() as u64,
                });
                let version = facts.version.clone();
                (String::new(), version, Detail::Python { facts, metadata }, text.map(Bytes::from))
            }
        };
        let file = File {
            id: ArtifactId(self.parts.ambient.ids.uuid()),
            package,
            channel,
            place: Place { subdir, filename: upload.filename.clone() },
            sha256: digests.sha256,
            md5: digests.md5,
            size_bytes: digests.size_bytes,
            detail,
            labels: upload.labels.clone(),
        };
        Described { file, version, metadata }
    }

    /// Whether the bytes are to be stored, or stand in the log already. What is refused is refused before they are.
    async fn is_wanted(
        &self,
        subject: &str,
        decide: &(impl Fn(Option<&Artifacts>) -> Result<Vec<Event>, Failure> + Sync),
    ) -> Result<bool, Failure> {
        let (_, state) = self.artifacts.load(subject).await.map_err(failures::of_log)?;
        if let Ok(events) = decide(state.as_deref()) {
            return Ok(!events.is_empty());
        }
        drop(state);
        let (_, state) = self.artifacts.fresh(subject).await.map_err(failures::of_log)?;
        decide(state.as_deref()).map(|events| !events.is_empty())
    }
}

/// Whoever may upload to an address of this kind may do this too; which address it was, the gateway has decided on.
pub(super) fn publishing(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaPublish,
        PackageKind::Pypi => Action::PypiPublish,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FilePublish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_the_gateway_lets_upload_may_publish() {
        let uploads = [
            (PackageKind::Conda, Action::CondaUpload),
            (PackageKind::Pypi, Action::PypiUpload),
            (PackageKind::Notebook, Action::FilePublish),
        ];
        for (kind, upload) in uploads {
            let publish = publishing(kind);
            assert_eq!(publish.level(), upload.level());
            assert!(upload.scopes().iter().all(|scope| publish.scopes().contains(scope)), "{kind:?}");
        }
    }
}
