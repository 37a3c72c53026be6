//! Copies of files into a channel, of the same bytes, and moves: what was read from them once is taken from the log.
//!
//! Whoever copies may read what is copied and publish where it goes; whoever moves may remove it besides. All of the files
//! go or none: what would be refused is refused before anything is written, then one batch holds every package of both
//! channels. A repeat finds its effect present.

use std::collections::{BTreeMap, HashMap};

use access::{Action, Object};
use eventlog::{Stream, subject};
use names::{ArtifactId, ChannelId, PackageKind};
use runtime::Failure;

use super::artifacts::{by_few_packages, removing};
use super::publish::publishing;
use super::{Asker, Catalog, failures};
use crate::domain::artifacts::{self, Artifacts, Event, File, Labels, Place, Refusal};
use crate::events;

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
    /// What the copies bear; none means what the files bear.
    pub labels: Labels,
    pub conflict: Conflict,
    /// The files leave the channel.
    pub moves: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    pub catalog_seq: u64,
    pub silent: Vec<String>,
    /// The files that are there now because of this.
    pub files: Vec<(PackageKind, Place)>,
}

/// From where to where.
#[derive(Debug, Clone, Copy)]
struct Way {
    source: ChannelId,
    target: ChannelId,
    conflict: Conflict,
    moves: bool,
}

/// One package's files, ready to be decided on.
struct Parcel {
    kind: PackageKind,
    name: String,
    files: Vec<File>,
}

/// What is appended to each of the aggregates, and the files that are in the target afterwards.
type Decided = (BTreeMap<String, Vec<Event>>, Vec<(PackageKind, Place)>);

impl Catalog {
    /// Copies files into another channel, or into the same one under other labels; or moves them into another.
    pub async fn copy(&self, asker: &Asker, wish: &Copying) -> Result<Copied, Failure> {
        let first = wish.files.first().map_or(PackageKind::Conda, |(kind, _)| *kind);
        let (_, source) = self.check_channel(&asker.credential, fetching(first), &wish.channel)?;
        let (caller, target) = self.check_channel(&asker.credential, publishing(first), &wish.target)?;
        let way = Way { source, target, conflict: wish.conflict, moves: wish.moves };
        if way.moves && source == target {
            return Err(failures::invalid(
                "files are moved into another channel: this is the one they are in",
            ));
        }
        let mut parcels = self.parcels(asker, wish, way).await?;
        let subjects = subjects(&parcels, way);
        self.would_go(asker, &parcels, way, &subjects).await?;
        for parcel in &mut parcels {
            let (kind, name) = (parcel.kind, parcel.name.as_str());
            let hidden = self
                .parts
                .access
                .read(|table| table.package(source, kind, name).is_some_and(|package| package.private));
            let private = hidden.then_some(true);
            let (package, _) = self.ensure_package(asker, &caller, target, (kind, name), private).await?;
            for file in &mut parcel.files {
                file.package = package;
            }
        }
        let mut placed = Vec::new();
        let decide = |states: &[Option<&Artifacts>]| {
            let (mut events, places) =
                self.decide_all(asker, &parcels, way, &states_of(&subjects, states))?;
            placed = places;
            let of_each = subjects.iter().map(|subject| events.remove(subject).unwrap_or_default());
            Ok::<_, Failure>(of_each.collect())
        };
        let done = self.artifacts.execute_many(&subjects, &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let catalog_seq = done.iter().map(|done| done.seq).max().unwrap_or_default();
        let silent = self.content_receipt(catalog_seq, asker).await;
        Ok(Copied { catalog_seq, silent, files: placed })
    }

    /// Refuses what would be refused, before a package is made for it. A no is believed on proven states only.
    async fn would_go(
        &self,
        asker: &Asker,
        parcels: &[Parcel],
        way: Way,
        subjects: &[String],
    ) -> Result<(), Failure> {
        let mut states = Vec::new();
        for subject in subjects {
            states.push(self.artifacts.load(subject).await.map_err(failures::of_log)?.1);
        }
        let known: Vec<_> = states.iter().map(|state| state.as_deref()).collect();
        if self.decide_all(asker, parcels, way, &states_of(subjects, &known)).is_ok() {
            return Ok(());
        }
        for (subject, state) in subjects.iter().zip(&mut states) {
            *state = self.artifacts.fresh(subject).await.map_err(failures::of_log)?.1;
        }
        let known: Vec<_> = states.iter().map(|state| state.as_deref()).collect();
        self.decide_all(asker, parcels, way, &states_of(subjects, &known)).map(drop)
    }

    fn decide_all(
        &self,
        asker: &Asker,
        parcels: &[Parcel],
        way: Way,
        states: &HashMap<&str, &Artifacts>,
    ) -> Result<Decided, Failure> {
        let (kept, locked) = (self.locked(way.source), self.locked(way.target));
        let (mut events, mut placed) = (BTreeMap::<String, Vec<Event>>::new(), Vec::new());
        for parcel in parcels {
            let (kind, name) = (parcel.kind, parcel.name.as_str());
            self.check(&asker.credential, publishing(kind), &parcel.object(way.target))?;
            self.check_source(asker, parcel.object(way.source), kind, way)?;
            let [from, to] = [way.source, way.target].map(|channel| subject::artifacts(channel, kind, name));
            let (source, target) = (states.get(&*from).copied(), states.get(&*to).copied());
            for file in &parcel.files {
                let force = way.conflict == Conflict::Replace;
                let decided = match way.moves {
                    true => artifacts::relocate((source, &kept), (target, &locked), file.clone(), force),
                    false => {
                        artifacts::publish(target, file.clone(), force, &locked).map(|come| (come, vec![]))
                    }
                };
                match decided {
                    Ok((come, gone)) => {
                        events.entry(to.clone()).or_default().extend(come);
                        events.entry(from.clone()).or_default().extend(gone);
                        placed.push((kind, file.place.clone()));
                    }
                    Err(refusal) if way.conflict == Conflict::Skip && is_there(&refusal) => {}
                    Err(refusal) => return Err(refusal.into()),
                }
            }
        }
        Ok((events, placed))
    }

    fn check_source(
        &self,
        asker: &Asker,
        object: Object<'_>,
        kind: PackageKind,
        way: Way,
    ) -> Result<(), Failure> {
        self.check(&asker.credential, fetching(kind), &object)?;
        match way.moves {
            true => self.check(&asker.credential, removing(kind), &object).map(drop),
            false => Ok(()),
        }
    }

    /// The files as they stand in the source, by package, in the target's words.
    async fn parcels(&self, asker: &Asker, wish: &Copying, way: Way) -> Result<Vec<Parcel>, Failure> {
        let mut parcels = Vec::new();
        let barrier = self.parts.log.barrier(Stream::Catalog).await.map_err(failures::of_log)?;
        for ((kind, name), places) in by_few_packages(&wish.files)? {
            let package = Object::Package { channel: way.source, kind, name: &name };
            self.check_source(asker, package, kind, way)?;
            let mut there = self.files(&subject::artifacts(way.source, kind, &name), barrier).await?;
            let take = |place: &Place| {
                let found = there.remove(place).filter(|(_, live)| *live || way.moves);
                let (file, _) =
                    found.ok_or_else(|| Failure::from(Refusal::NotFound(place.filename.clone())))?;
                Ok::<_, Failure>(self.copied(file, way.target, &wish.labels))
            };
            let files = places.into_iter().map(take).collect::<Result<_, _>>()?;
            parcels.push(Parcel { kind, name, files });
        }
        Ok(parcels)
    }

    /// The files of a package with all that was read from them, and whether they are still there.
    async fn files(&self, subject: &str, barrier: u64) -> Result<HashMap<Place, (File, bool)>, Failure> {
        let records =
            self.parts.log.read(Stream::Catalog, subject, 0, barrier).await.map_err(failures::of_log)?;
        let mut files = HashMap::new();
        for event in records.iter().flat_map(|record| &record.envelope.events) {
            match events::artifacts::decode(event).map_err(Failure::internal)? {
                Some(Event::Published(file)) => drop(files.insert(file.place.clone(), (*file, true))),
                Some(Event::Removed { place, .. }) => {
                    if let Some((_, live)) = files.get_mut(&place) {
                        *live = false;
                    }
                }
                Some(Event::Labelled { place, labels, .. }) => {
                    if let Some((file, _)) = files.get_mut(&place) {
                        file.labels = labels;
                    }
                }
                None => {}
            }
        }
        Ok(files)
    }

    fn copied(&self, file: File, target: ChannelId, labels: &Labels) -> File {
        let id = ArtifactId(self.parts.ambient.ids.uuid());
        let labels = if labels.is_empty() { file.labels.clone() } else { labels.clone() };
        File { id, channel: target, labels, ..file }
    }
}

impl Parcel {
    fn object(&self, channel: ChannelId) -> Object<'_> {
        Object::Package { channel, kind: self.kind, name: &self.name }
    }
}

/// The aggregates that a decision is about, in order, each once.
fn subjects(parcels: &[Parcel], way: Way) -> Vec<String> {
    let channels = if way.moves { &[way.source, way.target][..] } else { &[way.target] };
    let of = |parcel: &Parcel| {
        let subjects = channels.iter().map(|channel| subject::artifacts(*channel, parcel.kind, &parcel.name));
        subjects.collect::<Vec<_>>()
    };
    let mut subjects: Vec<String> = parcels.iter().flat_map(of).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

fn states_of<'a>(
    subjects: &'a [String],
    states: &[Option<&'a Artifacts>],
) -> HashMap<&'a str, &'a Artifacts> {
    subjects.iter().zip(states).filter_map(|(subject, state)| Some((subject.as_str(), (*state)?))).collect()
}

/// Whether something else has the place.
fn is_there(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::CondaExists(_)
            | Refusal::PlainExists(_)
            | Refusal::PythonExists(_)
            | Refusal::SdistExists(_)
    )
}

fn fetching(kind: PackageKind) -> Action {
    match kind {
        PackageKind::Conda => Action::CondaDownload,
        PackageKind::Pypi => Action::PypiDownload,
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => Action::FileDownload,
    }
}
