//! The files of one package.
//!
//! Any file but Python's may be replaced when asked for. A Python file's name stands for its bytes for ever: removed, it can come
//! back, but never as something else. A file bears labels, under which indexes show it. State is a map by place, so the ten-thousandth file costs what the first did.

use std::collections::{BTreeSet, HashMap};

use names::{ArtifactId, ChannelId, LabelName, PackageId, PackageKind};

use crate::inspect::{Conda, FileType, Plain, Python};

/// Labels that one file can bear.
pub const MAX_LABELS: usize = 32;

/// What a file is found under, each once.
pub type Labels = BTreeSet<LabelName>;

/// Where a file stands within its package: the subdir is empty for Python, `<name>/<version>` for a notebook, an
/// environment or a plain file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub subdir: String,
    pub filename: String,
}

/// A file, before it is known whether it may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub id: ArtifactId,
    pub package: PackageId,
    pub channel: ChannelId,
    pub place: Place,
    pub sha256: [u8; 32],
    pub md5: [u8; 16],
    pub size_bytes: u64,
    pub detail: Detail,
    /// What it was given; none means `main`.
    pub labels: Labels,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    Conda {
        facts: Conda,
        indexed_timestamp_ms: i64,
    },
    /// A notebook, an environment or a plain file.
    Plain(Plain),
    /// The facts without METADATA, which is a blob of its own.
    Python {
        facts: Python,
        metadata: Option<Metadata>,
    },
}

/// A wheel's METADATA file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    pub sha256: [u8; 32],
    pub size_bytes: u64,
}

impl Detail {
    fn kind(&self) -> PackageKind {
        match self {
            Self::Conda { .. } => PackageKind::Conda,
            Self::Python { .. } => PackageKind::Pypi,
            Self::Plain(facts) => facts.kind,
        }
    }

    /// The version that an sdist is of; there is one for each.
    fn sdist_of(&self) -> Option<&str> {
        match self {
            Self::Python { facts, .. } if facts.filetype == FileType::Sdist => Some(&facts.release),
            Self::Python { .. } | Self::Conda { .. } | Self::Plain(_) => None,
        }
    }
}

/// What is known of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    id: ArtifactId,
    sha256: [u8; 32],
    labels: Labels,
    sdist_of: Option<String>,
    removed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Artifacts {
    slots: HashMap<Place, Slot>,
    /// By version in its normal form.
    sdists: HashMap<String, Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Published(Box<File>),
    Removed {
        id: ArtifactId,
        place: Place,
    },
    /// The file's labels are these from now on.
    Labelled {
        id: ArtifactId,
        place: Place,
        labels: Labels,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "File already exists: {0} is there with other bytes; give the new one another build or version, or force"
    )]
    CondaExists(String),
    #[error("File already exists: {0} is there with other bytes; give the new one another version, or force")]
    PlainExists(String),
    #[error("File already exists: {0} is there with other bytes; give the new one another version")]
    PythonExists(String),
    #[error(
        "File already exists: {0} was published with other bytes and removed; its name is not used again"
    )]
    NameUsed(String),
    #[error("File already exists: {0} is this version's sdist, and a version has one")]
    SdistExists(String),
    #[error("there is no file {0}")]
    NotFound(String),
    #[error("the label {0} is locked: unlock it before you change what it shows")]
    Locked(LabelName),
    #[error("a file can bear {MAX_LABELS} labels: take one from {0} first")]
    TooManyLabels(String),
    #[error("{0} was replaced a moment ago: look at it and move it again")]
    Replaced(String),
}

/// Publishes a file. The same bytes again succeed and record nothing, but for labels that they did not bear.
pub fn publish(
    artifacts: Option<&Artifacts>,
    file: File,
    force: bool,
    locked: &Labels,
) -> Result<Vec<Event>, Refusal> {
    let slot = artifacts.and_then(|artifacts| artifacts.slots.get(&file.place));
    let name = || file.place.filename.clone();
    match (slot, file.detail.kind()) {
        (Some(slot), _) if !slot.removed && slot.sha256 == file.sha256 => {
            return labelled(slot, &file.place, &file.labels, &Labels::new(), locked);
        }
        (Some(Slot { removed: false, .. }), PackageKind::Conda) if !force => {
            return Err(Refusal::CondaExists(name()));
        }
        (Some(Slot { removed: false, .. }), kind) if kind.is_plain() && !force => {
            return Err(Refusal::PlainExists(name()));
        }
        (Some(Slot { removed: false, .. }), PackageKind::Pypi) => return Err(Refusal::PythonExists(name())),
        (Some(Slot { removed: false, id, labels, .. }), _) => {
            unlocked(labels, locked)?;
            unlocked(&borne(&file)?, locked)?;
            let removed = Event::Removed { id: *id, place: file.place.clone() };
            return Ok(vec![removed, Event::Published(Box::new(file))]);
        }
        (Some(slot), PackageKind::Pypi) if slot.sha256 != file.sha256 => {
            return Err(Refusal::NameUsed(name()));
        }
        (Some(_) | None, _) => {}
    }
    unlocked(&borne(&file)?, locked)?;
    let version = file.detail.sdist_of();
    match version.and_then(|version| artifacts?.sdists.get(version)) {
        Some(other) => Err(Refusal::SdistExists(other.filename.clone())),
        None => Ok(vec![Event::Published(Box::new(file))]),
    }
}

/// Removes a file. Removing it twice succeeds and records nothing.
pub fn remove(artifacts: Option<&Artifacts>, place: &Place, locked: &Labels) -> Result<Vec<Event>, Refusal> {
    match artifacts.and_then(|artifacts| artifacts.slots.get(place)) {
        None => Err(Refusal::NotFound(place.filename.clone())),
        Some(Slot { removed: true, .. }) => Ok(vec![]),
        Some(Slot { id, labels, .. }) => {
            unlocked(labels, locked)?;
            Ok(vec![Event::Removed { id: *id, place: place.clone() }])
        }
    }
}

/// Moves a file: what it is to be in the target, and its end in the source. One that has been moved is moved: gone from the
/// source, and in the target with the same bytes.
pub fn relocate(
    (source, kept): (Option<&Artifacts>, &Labels),
    (target, locked): (Option<&Artifacts>, &Labels),
    file: File,
    force: bool,
) -> Result<(Vec<Event>, Vec<Event>), Refusal> {
    let place = file.place.clone();
    match source.and_then(|source| source.slots.get(&place)) {
        Some(slot) if slot.removed && target.is_some_and(|target| target.holds(&place, &file.sha256)) => {
            Ok((vec![], vec![]))
        }
        None | Some(Slot { removed: true, .. }) => Err(Refusal::NotFound(place.filename)),
        Some(slot) if slot.sha256 != file.sha256 => Err(Refusal::Replaced(place.filename)),
        Some(_) => {
            let gone = remove(source, &place, kept)?;
            Ok((publish(target, file, force, locked)?, gone))
        }
    }
}

/// Removes every file, at most so many at once.
pub fn remove_all(
    artifacts: Option<&Artifacts>,
    most: usize,
    locked: &Labels,
) -> Result<Vec<Event>, Refusal> {
    let slots = artifacts.into_iter().flat_map(|artifacts| &artifacts.slots);
    let mut live: Vec<_> = slots.filter(|(_, slot)| !slot.removed).collect();
    live.iter().try_for_each(|(_, slot)| unlocked(&slot.labels, locked))?;
    live.sort_unstable_by_key(|(place, _)| *place);
    let removed = live.into_iter().take(most);
    Ok(removed.map(|(place, slot)| Event::Removed { id: slot.id, place: place.clone() }).collect())
}

/// Gives labels to a file and takes labels from it. What is so already records nothing.
pub fn label(
    artifacts: Option<&Artifacts>,
    place: &Place,
    (add, take): (&Labels, &Labels),
    locked: &Labels,
) -> Result<Vec<Event>, Refusal> {
    match artifacts.and_then(|artifacts| artifacts.slots.get(place)) {
        None | Some(Slot { removed: true, .. }) => Err(Refusal::NotFound(place.filename.clone())),
        Some(slot) => labelled(slot, place, add, take, locked),
    }
}

fn labelled(
    slot: &Slot,
    place: &Place,
    add: &Labels,
    take: &Labels,
    locked: &Labels,
) -> Result<Vec<Event>, Refusal> {
    let labels: Labels = slot.labels.union(add).filter(|label| !take.contains(*label)).cloned().collect();
    if labels == slot.labels {
        return Ok(vec![]);
    }
    unlocked(slot.labels.symmetric_difference(&labels), locked)?;
    if labels.len() > MAX_LABELS {
        return Err(Refusal::TooManyLabels(place.filename.clone()));
    }
    Ok(vec![Event::Labelled { id: slot.id, place: place.clone(), labels }])
}

/// What a new file bears.
fn borne(file: &File) -> Result<Labels, Refusal> {
    match file.labels.len() {
        0 => Ok(Labels::from([LabelName::main()])),
        1..=MAX_LABELS => Ok(file.labels.clone()),
        _ => Err(Refusal::TooManyLabels(file.place.filename.clone())),
    }
}

fn unlocked<'l>(labels: impl IntoIterator<Item = &'l LabelName>, locked: &Labels) -> Result<(), Refusal> {
    match labels.into_iter().find(|label| locked.contains(*label)) {
        Some(label) => Err(Refusal::Locked(label.clone())),
        None => Ok(()),
    }
}

impl Artifacts {
    /// Whether any file is there.
    pub fn has_files(&self) -> bool {
        self.slots.values().any(|slot| !slot.removed)
    }

    /// Whether a file of these bytes is there.
    fn holds(&self, place: &Place, sha256: &[u8; 32]) -> bool {
        self.slots.get(place).is_some_and(|slot| !slot.removed && slot.sha256 == *sha256)
    }

    /// The id of the file at a place, if it is there.
    pub fn id(&self, place: &Place) -> Option<ArtifactId> {
        self.slots.get(place).filter(|slot| !slot.removed).map(|slot| slot.id)
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(artifacts: Option<Artifacts>, event: Event) -> Option<Artifacts> {
    let mut artifacts = artifacts.unwrap_or_default();
    match event {
        Event::Published(file) => {
            let sdist_of = file.detail.sdist_of().map(ToOwned::to_owned);
            if let Some(version) = &sdist_of {
                artifacts.sdists.insert(version.clone(), file.place.clone());
            }
            let labels = borne(&file).unwrap_or_else(|_| file.labels.clone());
            let slot = Slot { id: file.id, sha256: file.sha256, labels, sdist_of, removed: false };
            artifacts.slots.insert(file.place, slot);
        }
        Event::Labelled { id, place, labels } => {
            if let Some(slot) = artifacts.slots.get_mut(&place).filter(|slot| slot.id == id) {
                slot.labels = labels;
            }
        }
        Event::Removed { id, place } => {
            if let Some(slot) = artifacts.slots.get_mut(&place).filter(|slot| slot.id == id) {
                slot.removed = true;
                if let Some(version) = &slot.sdist_of {
                    artifacts.sdists.remove(version);
                }
            }
        }
    }
    Some(artifacts)
}

#[cfg(test)]
mod tests;
