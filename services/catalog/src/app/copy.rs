//! Copies of files into a channel, of the same bytes: what was read from them once is taken from the log.
//!
//! Whoever copies may read what is copied and publish where it goes. What would be refused is refused before anything is
//! written; then each package's files go in together, and a repeat completes what broke off.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::{Action, Object};
use eventlog::{Stream, subject};
use names::{ArtifactId, ChannelId, PackageId, PackageKind};
use runtime::Failure;

use super::publish::publishing;
use super::{Asker, Catalog, failures};
use crate::domain::artifacts::{self, Artifacts, Event, File, Labels, Place, Refusal};
use crate::events;
use crate::inspect::package_of;

/// What happens where a file of that name is there with other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Refuse,
    Replace,
    Skip,
}

/// Which files to copy, and where.
#[derive(Debug, Clone)]
pub struct Copying {
    pub channel: String,
    pub files: Vec<(PackageKind, Place)>,
    pub target: String,
    /// What the copies bear; none means `main`.
    pub labels: Labels,
    pub conflict: Conflict,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    pub catalog_seq: u64,
    pub silent: Vec<String>,
    /// The files that are there now because of this.
    pub files: Vec<(PackageKind, Place)>,
}

/// One package's files, ready to be decided on.
struct Parcel {
    kind: PackageKind,
    name: String,
    files: Vec<File>,
}

impl Catalog {
    /// Copies files into another channel, or into the same one under other labels.
    pub async fn copy(&self, asker: &Asker, wish: &Copying) -> Result<Copied, Failure> {
        let first = wish.files.first().map_or(PackageKind::Conda, |(kind, _)| *kind);
        let (_, source) = self.check_channel(&asker.credential, fetching(first), &wish.channel)?;
        let (caller, target) = self.check_channel(&asker.credential, publishing(first), &wish.target)?;
        let parcels = self.parcels(asker, wish, source).await?;
        for parcel in &parcels {
            let (kind, name) = (parcel.kind, parcel.name.as_str());
            let package = Object::Package { channel: target, kind, name };
            self.check(&asker.credential, publishing(kind), &package)?;
            let (_, state) = self
                .artifacts
                .fresh(&subject::artifacts(target, kind, name))
                .await
                .map_err(failures::of_log)?;
            place_all(state.as_deref(), &parcel.files, wish.conflict, &self.locked(target))?;
        }
        let mut copied = Copied::default();
        for parcel in parcels {
            let (kind, name) = (parcel.kind, parcel.name.as_str());
            let hidden = self
                .parts
                .access
                .read(|table| table.package(source, kind, name).is_some_and(|package| package.private));
            let private = hidden.then_some(true);
            let (package, _) = self.ensure_package(asker, &caller, target, (kind, name), private).await?;
            let files: Vec<File> =
                parcel.files.iter().map(|file| self.copied(file, target, package, wish)).collect();
            let mut placed = Vec::new();
            let decide = |state: Option<&Artifacts>| {
                let object = Object::Package { channel: target, kind, name };
                self.check(&asker.credential, publishing(kind), &object)?;
                let (events, places) = place_all(state, &files, wish.conflict, &self.locked(target))?;
                placed = places;
                Ok::<_, Failure>(events)
            };
            let subject = subject::artifacts(target, kind, name);
            let done = self.artifacts.execute(&subject, &self.meta(&caller), decide).await;
            copied.catalog_seq = copied.catalog_seq.max(done.map_err(failures::of_decision)?.seq);
            copied.files.extend(placed.into_iter().map(|place| (kind, place)));
        }
        copied.silent = self.content_receipt(copied.catalog_seq, asker).await;
        Ok(copied)
    }

    /// The files as they stand in the source, by package.
    async fn parcels(
        &self,
        asker: &Asker,
        wish: &Copying,
        source: ChannelId,
    ) -> Result<Vec<Parcel>, Failure> {
        let mut packages: BTreeMap<(PackageKind, String), BTreeSet<&Place>> = BTreeMap::new();
        for (kind, place) in &wish.files {
            let name = package_of(*kind, &place.subdir, &place.filename).map_err(failures::invalid)?;
            packages.entry((*kind, name)).or_default().insert(place);
        }
        let mut parcels = Vec::new();
        for ((kind, name), places) in packages {
            let package = Object::Package { channel: source, kind, name: &name };
            self.check(&asker.credential, fetching(kind), &package)?;
            let mut there = self.files(&subject::artifacts(source, kind, &name)).await?;
            let take = |place: &Place| {
                let absent = || Failure::from(Refusal::NotFound(place.filename.clone()));
                there.remove(place).ok_or_else(absent)
            };
            let files = places.into_iter().map(take).collect::<Result<_, _>>()?;
            parcels.push(Parcel { kind, name, files });
        }
        Ok(parcels)
    }

    /// The live files of a package with all that was read from them.
    async fn files(&self, subject: &str) -> Result<HashMap<Place, File>, Failure> {
        let barrier = self.parts.log.barrier(Stream::Catalog).await.map_err(failures::of_log)?;
        let records =
            self.parts.log.read(Stream::Catalog, subject, 0, barrier).await.map_err(failures::of_log)?;
        let mut files = HashMap::new();
        for event in records.iter().flat_map(|record| &record.envelope.events) {
            match events::artifacts::decode(event).map_err(Failure::internal)? {
                Some(Event::Published(file)) => drop(files.insert(file.place.clone(), *file)),
                Some(Event::Removed { place, .. }) => drop(files.remove(&place)),
                Some(Event::Labelled { .. }) | None => {}
            }
        }
        Ok(files)
    }

    fn copied(&self, file: &File, target: ChannelId, package: PackageId, wish: &Copying) -> File {
        let id = ArtifactId(self.parts.ambient.ids.uuid());
        File { id, package, channel: target, labels: wish.labels.clone(), ..file.clone() }
    }
}

/// Decides on all of them: events, and the places that hold the bytes wanted afterwards.
fn place_all(
    state: Option<&Artifacts>,
    files: &[File],
    conflict: Conflict,
    locked: &Labels,
) -> Result<(Vec<Event>, Vec<Place>), Refusal> {
    let (mut events, mut places) = (Vec::new(), Vec::new());
    for file in files {
        match artifacts::publish(state, file.clone(), conflict == Conflict::Replace, locked) {
            Ok(decided) => {
                events.extend(decided);
                places.push(file.place.clone());
            }
            Err(
                Refusal::CondaExists(_)
                | Refusal::PlainExists(_)
                | Refusal::PythonExists(_)
                | Refusal::SdistExists(_),
            ) if conflict == Conflict::Skip => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok((events, places))
}

fn fetching(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaDownload,
        PackageKind::Pypi => Action::PypiDownload,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileDownload,
    }
}
