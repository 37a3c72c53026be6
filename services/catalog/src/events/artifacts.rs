//! Subject `evt.catalog.<channel id>.<kind>.<name>`.

use std::str::FromStr;

use names::{CondaName, LabelName, PlainName, PlainVersion, ProjectName, Subdir};
use pep440_rs::Version;
use proto::event::v1 as stored;
use proto::event::v1::artifact_published::Detail as StoredDetail;
use proto::event::v1::event::Event as Stored;
use proto::event::v1::python_artifact::FileType as StoredFileType;

use super::{artifact_id, channel_id, digest, kind_from_stored, kind_to_stored, known, package_id};
use crate::domain::artifacts::{Detail, Event, File, Labels, Metadata, Place};
use crate::inspect::{Conda, FileType, Plain, Python};

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Published(file) => Stored::ArtifactPublished(published(file)),
        Event::Removed { id, place } => Stored::ArtifactRemoved(stored::ArtifactRemoved {
            artifact_id: id.to_bytes(),
            filename: place.filename.clone(),
            subdir: place.subdir.clone(),
        }),
        Event::Labelled { id, place, labels } => Stored::LabelsChanged(stored::LabelsChanged {
            artifact_id: id.to_bytes(),
            filename: place.filename.clone(),
            subdir: place.subdir.clone(),
            labels: Some(written(labels)),
        }),
    };
    stored::Event { event: Some(event) }
}

fn published(file: &File) -> stored::ArtifactPublished {
    stored::ArtifactPublished {
        artifact_id: file.id.to_bytes(),
        package_id: file.package.to_bytes(),
        channel_id: file.channel.to_bytes(),
        filename: file.place.filename.clone(),
        sha256: file.sha256.to_vec(),
        md5: file.md5.to_vec(),
        size_bytes: file.size_bytes,
        detail: Some(match &file.detail {
            Detail::Conda { facts, indexed_timestamp_ms } => {
                StoredDetail::Conda(conda(facts, *indexed_timestamp_ms))
            }
            Detail::Python { facts, metadata } => StoredDetail::Python(python(facts, metadata.as_ref())),
            Detail::Plain(facts) => StoredDetail::Plain(stored::PlainArtifact {
                kind: kind_to_stored(facts.kind).into(),
                name: facts.name.to_string(),
                version: facts.version.to_string(),
                summary: facts.summary.clone(),
            }),
        }),
        labels: (!file.labels.is_empty()).then(|| written(&file.labels)),
    }
}

fn written(labels: &Labels) -> stored::Labels {
    stored::Labels { names: labels.iter().map(ToString::to_string).collect() }
}

fn read(labels: Option<&stored::Labels>) -> Result<Labels, String> {
    let names = labels.map_or(&[][..], |labels| &labels.names);
    names.iter().map(|name| LabelName::parse(name).map_err(|reason| reason.to_string())).collect()
}

fn conda(facts: &Conda, indexed_timestamp_ms: i64) -> stored::CondaArtifact {
    stored::CondaArtifact {
        subdir: facts.subdir.to_string(),
        name: facts.name.to_string(),
        version: facts.version.clone(),
        build: facts.build.clone(),
        build_number: facts.build_number,
        record_json: facts.record_json.clone(),
        run_exports_json: facts.run_exports_json.clone(),
        channeldata_json: facts.channeldata_json.clone(),
        indexed_timestamp_ms,
    }
}

fn python(facts: &Python, metadata: Option<&Metadata>) -> stored::PythonArtifact {
    stored::PythonArtifact {
        filetype: match facts.filetype {
            FileType::Wheel => StoredFileType::Wheel,
            FileType::Sdist => StoredFileType::Sdist,
        }
        .into(),
        project: facts.project.clone(),
        version: facts.version.clone(),
        requires_python: facts.requires_python.clone(),
        metadata_sha256: metadata.map(|metadata| metadata.sha256.to_vec()).unwrap_or_default(),
        metadata_size_bytes: metadata.map_or(0, |metadata| metadata.size_bytes),
        summary: facts.summary.clone(),
    }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = match known(event)? {
        Stored::ArtifactPublished(event) => Event::Published(Box::new(file(event)?)),
        Stored::ArtifactRemoved(event) => Event::Removed {
            id: artifact_id(&event.artifact_id)?,
            place: Place { subdir: event.subdir.clone(), filename: event.filename.clone() },
        },
        Stored::LabelsChanged(event) => Event::Labelled {
            id: artifact_id(&event.artifact_id)?,
            place: Place { subdir: event.subdir.clone(), filename: event.filename.clone() },
            labels: read(event.labels.as_ref())?,
        },
        Stored::AccountCreated(_)
        | Stored::PasswordChanged(_)
        | Stored::AccountDisabled(_)
        | Stored::AccountEnabled(_)
        | Stored::TokenIssued(_)
        | Stored::TokenRevoked(_)
        | Stored::TokenEdited(_)
        | Stored::TokenReissued(_)
        | Stored::TokenOverlapEnded(_)
        | Stored::TokenExpiryWarned(_)
        | Stored::OwnersChanged(_)
        | Stored::DefaultChannelChanged(_)
        | Stored::IndexingChanged(_)
        | Stored::RoleCreated(_)
        | Stored::RoleChanged(_)
        | Stored::RoleAssigned(_)
        | Stored::RoleUnassigned(_)
        | Stored::RoleDeleted(_)
        | Stored::NameTaken(_)
        | Stored::NameReleased(_)
        | Stored::ChannelCreated(_)
        | Stored::ChannelDescribed(_)
        | Stored::ChannelDeleted(_)
        | Stored::AccessChanged(_)
        | Stored::LabelLockChanged(_)
        | Stored::PackageCreated(_)
        | Stored::PackageDeleted(_)
        | Stored::GroupCreated(_)
        | Stored::GroupChanged(_)
        | Stored::GroupMembersChanged(_)
        | Stored::GroupDeleted(_) => return Err("an event that is not about a file".into()),
    };
    Ok(Some(event))
}

fn file(event: &stored::ArtifactPublished) -> Result<File, String> {
    let (subdir, detail) = match event.detail.as_ref().ok_or("a file of a kind unknown to this version")? {
        StoredDetail::Conda(conda) => (conda.subdir.clone(), conda_detail(conda)?),
        StoredDetail::Python(python) => (String::new(), python_detail(python)?),
        StoredDetail::Plain(plain) => {
            let facts = plain_facts(plain)?;
            (facts.place(), Detail::Plain(facts))
        }
    };
    Ok(File {
        id: artifact_id(&event.artifact_id)?,
        package: package_id(&event.package_id)?,
        channel: channel_id(&event.channel_id)?,
        place: Place { subdir, filename: event.filename.clone() },
        sha256: digest(&event.sha256)?,
        md5: digest(&event.md5)?,
        size_bytes: event.size_bytes,
        detail,
        labels: read(event.labels.as_ref())?,
    })
}

fn conda_detail(conda: &stored::CondaArtifact) -> Result<Detail, String> {
    let facts = Conda {
        subdir: Subdir::parse(&conda.subdir).map_err(|reason| reason.to_string())?,
        name: CondaName::parse(&conda.name).map_err(|reason| reason.to_string())?,
        version: conda.version.clone(),
        build: conda.build.clone(),
        build_number: conda.build_number,
        record_json: conda.record_json.clone(),
        run_exports_json: conda.run_exports_json.clone(),
        channeldata_json: conda.channeldata_json.clone(),
    };
    Ok(Detail::Conda { facts, indexed_timestamp_ms: conda.indexed_timestamp_ms })
}

fn plain_facts(plain: &stored::PlainArtifact) -> Result<Plain, String> {
    let kind = kind_from_stored(plain.kind()).filter(|kind| kind.is_plain());
    Ok(Plain {
        kind: kind.ok_or("a file of a kind unknown to this version")?,
        name: PlainName::parse(&plain.name).map_err(|reason| reason.to_string())?,
        version: PlainVersion::parse(&plain.version).map_err(|reason| reason.to_string())?,
        summary: plain.summary.clone(),
    })
}

fn python_detail(python: &stored::PythonArtifact) -> Result<Detail, String> {
    let metadata = match python.metadata_sha256.is_empty() {
        true => None,
        false => {
            let sha256 = digest(&python.metadata_sha256)?;
            Some(Metadata { sha256, size_bytes: python.metadata_size_bytes })
        }
    };
    let facts = Python {
        filetype: match python.filetype() {
            StoredFileType::Wheel => FileType::Wheel,
            StoredFileType::Sdist => FileType::Sdist,
            StoredFileType::Unspecified => {
                return Err("a Python file of a type unknown to this version".into());
            }
        },
        name: ProjectName::parse(&python.project).map_err(|reason| reason.to_string())?,
        project: python.project.clone(),
        version: python.version.clone(),
        release: Version::from_str(&python.version).map_err(|reason| reason.to_string())?.to_string(),
        requires_python: python.requires_python.clone(),
        summary: python.summary.clone(),
        metadata: None,
    };
    Ok(Detail::Python { facts, metadata })
}
