//! Files: what stands in a channel now. The subject says whose they are, and must agree with what the event says.

use std::collections::BTreeSet;

use names::{ArtifactId, ChannelId, LabelName, PackageId, PackageKind, ProjectName};
use proto::event::v1::{
    self as stored, ArtifactPublished, ArtifactRemoved, CondaArtifact, Labels, LabelsChanged, PlainArtifact,
    PythonArtifact, artifact_published::Detail, python_artifact::FileType as StoredType,
};
use readmodel::{ArtifactRow, FileKey, FileType, write::Rows};
use serde_json::{Value, json};

use super::{
    Context, Folded,
    context::{change, text},
};

/// Place and name stand in indexes of Postgres, which take 2,700 bytes a row.
const NAME_BYTES_MAX: usize = 1024;

/// `evt.catalog.<channel id>.<kind>.<escaped name>`.
struct Subject<'s> {
    channel_id: ChannelId,
    kind: PackageKind,
    name: &'s str,
}

impl<'s> Subject<'s> {
    fn parse(subject: &'s str) -> Folded<Self> {
        let words = subject.strip_prefix("evt.catalog.").map(|rest| rest.split('.').collect::<Vec<_>>());
        let Some([channel, kind, name]) = words.as_deref() else {
            return Err("its subject is no package's".into());
        };
        Ok(Self {
            channel_id: channel.parse().map_err(|error: names::InvalidId| error.to_string())?,
            kind: kind.parse().map_err(|error: names::InvalidName| error.to_string())?,
            name,
        })
    }
}

/// The place that a publication takes.
pub(crate) fn published_key(subject: &str, event: &ArtifactPublished) -> Folded<FileKey> {
    let Subject { channel_id, kind, .. } = Subject::parse(subject)?;
    let subdir = match &event.detail {
        Some(Detail::Conda(conda)) => text(&conda.subdir),
        Some(Detail::Plain(plain)) => plain_place(plain),
        Some(Detail::Python(_)) | None => String::new(),
    };
    Ok(FileKey { channel_id, kind, subdir, filename: text(&event.filename) })
}

/// The place of the file that bears other labels.
pub(crate) fn labelled_key(subject: &str, event: &LabelsChanged) -> Folded<FileKey> {
    let Subject { channel_id, kind, .. } = Subject::parse(subject)?;
    Ok(FileKey { channel_id, kind, subdir: text(&event.subdir), filename: text(&event.filename) })
}

/// The place that a removal frees.
pub(crate) fn removed_key(subject: &str, event: &ArtifactRemoved) -> Folded<FileKey> {
    let Subject { channel_id, kind, .. } = Subject::parse(subject)?;
    Ok(FileKey { channel_id, kind, subdir: text(&event.subdir), filename: text(&event.filename) })
}

pub(crate) fn published(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &ArtifactPublished,
) -> Folded<()> {
    let subject = Subject::parse(context.subject)?;
    let row = row(context, event)?;
    if row.name.len().max(row.subdir.len() + row.filename.len()) > NAME_BYTES_MAX {
        return Err(format!("its name is longer than {NAME_BYTES_MAX} bytes"));
    }
    if row.channel_id != subject.channel_id
        || row.kind != subject.kind
        || names::escape(&row.name) != subject.name
    {
        return Err("it stands on the subject of another package".into());
    }
    let after = shown(&row);
    let replaced = rows.files.insert(published_key(context.subject, event)?, row);
    let summary = change(replaced.as_ref().map(shown), Some(after));
    rows.history.push(context.history(subject.channel_id, part, "artifact_published", &summary));
    Ok(())
}

pub(crate) fn removed(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &ArtifactRemoved,
) -> Folded<()> {
    let key = removed_key(context.subject, event)?;
    let id = ArtifactId::from_bytes(&event.artifact_id).map_err(|error| error.to_string())?;
    let row = rows.files.remove(&key).filter(|row| row.artifact_id == id);
    let row = row.ok_or("it removes a file that is not there")?;
    let summary = change(Some(shown(&row)), None);
    rows.history.push(context.history(key.channel_id, part, "artifact_removed", &summary));
    Ok(())
}

pub(crate) fn labelled(
    rows: &mut Rows,
    context: &Context<'_>,
    part: i32,
    event: &LabelsChanged,
) -> Folded<()> {
    let key = labelled_key(context.subject, event)?;
    let id = ArtifactId::from_bytes(&event.artifact_id).map_err(|error| error.to_string())?;
    let row = rows.files.get_mut(&key).filter(|row| row.artifact_id == id);
    let row = row.ok_or("it changes labels of a file that is not there")?;
    let before = shown(row);
    row.labels = labels(event.labels.as_ref())?;
    let summary = change(Some(before), Some(shown(row)));
    rows.history.push(context.history(key.channel_id, part, "labels_changed", &summary));
    Ok(())
}

fn labels(labels: Option<&Labels>) -> Folded<BTreeSet<LabelName>> {
    let names = labels.map_or(&[][..], |labels| &labels.names);
    names.iter().map(|name| LabelName::parse(name).map_err(|error| error.to_string())).collect()
}

fn shown(row: &ArtifactRow) -> Value {
    json!({
        "artifact_id": row.artifact_id.to_string(),
        "filename": row.filename,
        "labels": row.labels.iter().map(LabelName::as_str).collect::<Vec<_>>(),
        "name": row.name,
        "sha256": hex::encode(row.sha256),
        "size_bytes": row.size,
        "subdir": row.subdir,
        "version": row.version,
    })
}

fn row(context: &Context<'_>, event: &ArtifactPublished) -> Folded<ArtifactRow> {
    let blank = ArtifactRow {
        artifact_id: ArtifactId::from_bytes(&event.artifact_id).map_err(|error| error.to_string())?,
        package_id: PackageId::from_bytes(&event.package_id).map_err(|error| error.to_string())?,
        channel_id: ChannelId::from_bytes(&event.channel_id).map_err(|error| error.to_string())?,
        kind: PackageKind::Conda,
        name: String::new(),
        subdir: String::new(),
        filename: text(&event.filename),
        version: String::new(),
        build: String::new(),
        build_number: 0,
        sha256: digest("sha256", &event.sha256)?,
        md5: digest("md5", &event.md5)?,
        size: size(event.size_bytes)?,
        record_json: String::new(),
        run_exports_json: String::new(),
        channeldata_json: String::new(),
        indexed_timestamp_ms: 0,
        filetype: None,
        project: String::new(),
        requires_python: String::new(),
        metadata_sha256: None,
        metadata_size: 0,
        summary: String::new(),
        uploaded_at: context.at,
        seq: context.seq,
        authz_seq: context.authz_seq,
        labels: match &event.labels {
            Some(given) => labels(Some(given))?,
            None => BTreeSet::from([LabelName::main()]),
        },
    };
    match &event.detail {
        Some(Detail::Conda(detail)) => conda(blank, detail),
        Some(Detail::Python(detail)) => python(blank, detail),
        Some(Detail::Plain(detail)) => plain(blank, detail),
        None => Err("a file of a kind that this release does not know; update the projector".into()),
    }
}

fn conda(blank: ArtifactRow, detail: &CondaArtifact) -> Folded<ArtifactRow> {
    Ok(ArtifactRow {
        name: text(&detail.name),
        subdir: text(&detail.subdir),
        version: text(&detail.version),
        build: text(&detail.build),
        build_number: size(detail.build_number)?,
        record_json: document("record_json", &detail.record_json)?,
        run_exports_json: document("run_exports_json", &detail.run_exports_json)?,
        channeldata_json: document("channeldata_json", &detail.channeldata_json)?,
        indexed_timestamp_ms: detail.indexed_timestamp_ms,
        ..blank
    })
}

fn python(blank: ArtifactRow, detail: &PythonArtifact) -> Folded<ArtifactRow> {
    let name = ProjectName::parse(&detail.project).map_err(|error| error.to_string())?;
    let filetype = match detail.filetype() {
        StoredType::Wheel => FileType::Wheel,
        StoredType::Sdist => FileType::Sdist,
        StoredType::Unspecified => return Err("a file type that this release does not know".into()),
    };
    let metadata =
        (!detail.metadata_sha256.is_empty()).then(|| digest("metadata_sha256", &detail.metadata_sha256));
    Ok(ArtifactRow {
        kind: PackageKind::Pypi,
        name: name.as_str().into(),
        version: text(&detail.version),
        filetype: Some(filetype),
        project: text(&detail.project),
        requires_python: text(&detail.requires_python),
        metadata_sha256: metadata.transpose()?,
        metadata_size: size(detail.metadata_size_bytes)?,
        summary: text(&detail.summary),
        ..blank
    })
}

/// Where such a file stands, in the column that holds conda's subdir.
fn plain_place(detail: &PlainArtifact) -> String {
    text(&format!("{}/{}", detail.name, detail.version))
}

fn plain(blank: ArtifactRow, detail: &PlainArtifact) -> Folded<ArtifactRow> {
    let kind = match detail.kind() {
        stored::PackageKind::Notebook => PackageKind::Notebook,
        stored::PackageKind::Environment => PackageKind::Environment,
        stored::PackageKind::File => PackageKind::File,
        stored::PackageKind::Unspecified | stored::PackageKind::Conda | stored::PackageKind::Pypi => {
            return Err("a file of a kind that this release does not know; update the projector".into());
        }
    };
    Ok(ArtifactRow {
        kind,
        name: text(&detail.name),
        subdir: plain_place(detail),
        version: text(&detail.version),
        summary: text(&detail.summary),
        ..blank
    })
}

fn digest<const N: usize>(what: &str, bytes: &[u8]) -> Folded<[u8; N]> {
    bytes.try_into().map_err(|_| format!("its {what} has {} bytes and not {N}", bytes.len()))
}

/// Postgres counts signed.
fn size(size: u64) -> Folded<u64> {
    i64::try_from(size).map(i64::cast_unsigned).map_err(|error| error.to_string())
}

fn document(what: &str, bytes: &[u8]) -> Folded<String> {
    std::str::from_utf8(bytes).map(text).map_err(|error| format!("its {what} is no text: {error}"))
}
